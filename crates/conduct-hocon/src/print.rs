//! Values to text.

use std::fmt::Write as _;

use crate::value::{Kind, Value};

impl Value {
    /// HOCON text that reads back as this value: one value per line, objects without `=`, strings
    /// always quoted. The same value always gives the same text. Ends with a newline.
    pub fn to_hocon(&self) -> String {
        let mut out = String::new();
        match &self.kind {
            Kind::Object(object) if !object.is_empty() => write_fields(&mut out, object, 0),
            _ => write_value(&mut out, self, 0),
        }
        if !out.ends_with('\n') {
            out.push('\n');
        }
        out
    }

    /// The same on a single line, as JSON except that numbers keep their text.
    pub fn to_line(&self) -> String {
        let mut out = String::new();
        write_line(&mut out, self);
        out
    }
}

/// A key as it stands in front of its value: quoted unless it is a plain word.
fn key(key: &str) -> String {
    let plain = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        && key != "include";
    if plain { key.to_owned() } else { quoted(key) }
}

pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => push_unicode_escape(&mut out, c),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn push_unicode_escape(out: &mut String, c: char) {
    // Control characters all lie below U+00A0, so four digits are enough.
    write!(out, "\\u{:04x}", u32::from(c)).expect("a string takes all that is written");
}

fn indent(out: &mut String, level: usize) {
    for _ in 0..level {
        out.push_str("  ");
    }
}

fn write_fields(out: &mut String, object: &crate::Object, level: usize) {
    for entry in object.entries() {
        indent(out, level);
        out.push_str(&key(entry.key));
        let braced = matches!(entry.value.kind, Kind::Object(_));
        out.push_str(if braced { " " } else { " = " });
        write_value(out, entry.value, level);
        out.push('\n');
    }
}

fn write_value(out: &mut String, value: &Value, level: usize) {
    match &value.kind {
        Kind::List(items) if !items.is_empty() => {
            out.push_str("[\n");
            for item in items {
                indent(out, level + 1);
                write_value(out, item, level + 1);
                out.push('\n');
            }
            indent(out, level);
            out.push(']');
        }
        Kind::Object(object) if !object.is_empty() => {
            out.push_str("{\n");
            write_fields(out, object, level + 1);
            indent(out, level);
            out.push('}');
        }
        _ => write_line(out, value),
    }
}

fn write_line(out: &mut String, value: &Value) {
    match &value.kind {
        Kind::Null => out.push_str("null"),
        Kind::Bool(true) => out.push_str("true"),
        Kind::Bool(false) => out.push_str("false"),
        Kind::Number(text) => out.push_str(text),
        Kind::String(text) => out.push_str(&quoted(text)),
        Kind::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                write_line(out, item);
            }
            out.push(']');
        }
        Kind::Object(object) => {
            out.push('{');
            for (index, entry) in object.entries().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                out.push_str(&quoted(entry.key));
                out.push(':');
                write_line(out, entry.value);
            }
            out.push('}');
        }
    }
}
