//! Strings, quoted and not, and dotted paths.

use std::sync::Arc;

use crate::HoconError;
use crate::cursor::{Cursor, is_plain, is_space};
use crate::source::{Position, Span};
use crate::units::{is_json_number, json_number_len};
use crate::value::{Kind, Value};

/// Whether an unquoted text begins here.
pub(crate) fn at_word(cursor: &Cursor<'_>) -> bool {
    cursor.peek().is_some_and(is_plain) && !cursor.at_comment()
}

/// The characters up to the next that cannot stand without quotes. A plus sign can, within a number.
pub(crate) fn read_word<'a>(cursor: &mut Cursor<'a>) -> &'a str {
    let rest = cursor.rest();
    let number = json_number_len(rest).unwrap_or(0);
    let mut end = number;
    for (at, c) in rest[number..].char_indices() {
        if !is_plain(c) || rest[number + at..].starts_with("//") {
            break;
        }
        end = number + at + c.len_utf8();
    }
    cursor.advance(end)
}

/// An unquoted text that stands alone is a value of its own type.
pub(crate) fn word_value(word: &str, span: Span) -> Value {
    let kind = match word {
        "null" => Kind::Null,
        "true" => Kind::Bool(true),
        "false" => Kind::Bool(false),
        number if is_json_number(number) => Kind::Number(number.to_owned()),
        text => Kind::String(text.to_owned()),
    };
    Value::new(kind, span)
}

/// A string in one or in three quotes. The cursor stands at the first.
pub(crate) fn read_quoted(cursor: &mut Cursor<'_>) -> Result<String, HoconError> {
    let start = cursor.at();
    if cursor.eat("\"\"\"") {
        return read_raw(cursor, start);
    }
    cursor.bump();
    let mut text = String::new();
    loop {
        match cursor.peek() {
            Some('"') => {
                cursor.bump();
                return Ok(text);
            }
            Some('\\') => read_escape(cursor, &mut text)?,
            None | Some('\n' | '\r') => {
                let expected = "a closing quote on the same line";
                let at_end = cursor.peek().is_none();
                let found = if at_end {
                    "the end of the text"
                } else {
                    "the end of the line"
                };
                let help = r#"a line break is written \n, or put the text into """three quotes""""#;
                return Err(
                    HoconError::malformed(&cursor.span_from(start), expected, found).help(help),
                );
            }
            Some(c) if c < ' ' => {
                let escape = format!("the escape \\u{:04x}", u32::from(c));
                return Err(cursor.unexpected(escape));
            }
            Some(c) => {
                text.push(c);
                cursor.bump();
            }
        }
    }
}

/// The rest of a string in three quotes, word for word; more quotes at its end belong to it.
fn read_raw(cursor: &mut Cursor<'_>, start: Position) -> Result<String, HoconError> {
    let Some(end) = cursor.rest().find("\"\"\"") else {
        let span = cursor.span_from(start);
        return Err(HoconError::malformed(
            &span,
            r#"a closing """"#,
            "the end of the text",
        ));
    };
    let mut text = cursor.advance(end).to_owned();
    cursor.eat("\"\"\"");
    while cursor.eat("\"") {
        text.push('"');
    }
    Ok(text)
}

fn read_escape(cursor: &mut Cursor<'_>, text: &mut String) -> Result<(), HoconError> {
    let start = cursor.at();
    cursor.bump();
    let plain = match cursor.peek() {
        Some(c @ ('"' | '\\' | '/')) => c,
        Some('b') => '\u{8}',
        Some('f') => '\u{c}',
        Some('n') => '\n',
        Some('r') => '\r',
        Some('t') => '\t',
        Some('u') => {
            text.push(read_unicode_escape(cursor, start)?);
            return Ok(());
        }
        _ => {
            let found = cursor.describe();
            cursor.bump();
            let expected = r#"one of " \ / b f n r t u after a backslash"#;
            let error = HoconError::malformed(&cursor.span_from(start), expected, found);
            return Err(error.help(r"a backslash itself is written \\"));
        }
    };
    cursor.bump();
    text.push(plain);
    Ok(())
}

/// `XXXX` behind `\u`, and the second half where this is the first of a surrogate pair.
fn read_unicode_escape(cursor: &mut Cursor<'_>, start: Position) -> Result<char, HoconError> {
    let first = read_code_unit(cursor)?;
    let mut units = vec![first];
    if (0xd800..0xdc00).contains(&first) && cursor.starts_with("\\u") {
        cursor.bump();
        units.push(read_code_unit(cursor)?);
    }
    match char::decode_utf16(units).next() {
        Some(Ok(c)) => Ok(c),
        _ => {
            let found = format!("half of one, \\u{first:04x}");
            let span = cursor.span_from(start);
            Err(HoconError::malformed(
                &span,
                "both halves of a surrogate pair",
                found,
            ))
        }
    }
}

/// Four hexadecimal digits; the cursor stands at the `u` before them.
fn read_code_unit(cursor: &mut Cursor<'_>) -> Result<u16, HoconError> {
    cursor.bump();
    let mut unit: u16 = 0;
    for _ in 0..4 {
        let digit = cursor
            .peek()
            .and_then(|c| c.to_digit(16))
            .and_then(|d| u16::try_from(d).ok());
        let digit = digit.ok_or_else(|| cursor.unexpected("four hexadecimal digits after \\u"))?;
        unit = unit * 16 + digit;
        cursor.bump();
    }
    Ok(unit)
}

/// A dotted path, as in keys and substitutions. Ends before the first character that cannot belong to
/// it, and before white space in front of that.
pub(crate) fn read_path(
    cursor: &mut Cursor<'_>,
    expected: &str,
) -> Result<Vec<Arc<str>>, HoconError> {
    cursor.skip_spaces();
    let mut keys = Vec::new();
    let mut key = PathKey::default();
    loop {
        let before = cursor.clone();
        let spaces = cursor.skip_spaces();
        if cursor.peek() == Some('"') {
            key.text.push_str(spaces);
            key.text.push_str(&read_quoted(cursor)?);
            key.quoted = true;
        } else if at_word(cursor) {
            key.text.push_str(spaces);
            read_word_of_path(cursor, &mut keys, &mut key)?;
        } else {
            *cursor = before;
            break;
        }
    }
    if keys.is_empty() && key.is_missing() {
        return Err(cursor.unexpected(expected));
    }
    if key.is_missing() {
        return Err(empty_key(cursor, "the end of the path"));
    }
    keys.push(Arc::from(key.text));
    Ok(keys)
}

#[derive(Default)]
struct PathKey {
    text: String,
    quoted: bool,
}

impl PathKey {
    fn is_missing(&self) -> bool {
        !self.quoted && self.text.chars().all(is_space)
    }
}

/// An unquoted part of a path: every dot in it ends a key.
fn read_word_of_path(
    cursor: &mut Cursor<'_>,
    keys: &mut Vec<Arc<str>>,
    key: &mut PathKey,
) -> Result<(), HoconError> {
    let mut ahead = cursor.clone();
    let word = read_word(&mut ahead);
    for c in word.chars() {
        if c == '.' {
            if key.is_missing() {
                let found = if keys.is_empty() {
                    "a dot at the beginning"
                } else {
                    "two dots in a row"
                };
                return Err(empty_key(cursor, found));
            }
            keys.push(Arc::from(std::mem::take(key).text));
        } else {
            key.text.push(c);
        }
        cursor.bump();
    }
    Ok(())
}

fn empty_key(cursor: &Cursor<'_>, found: &str) -> HoconError {
    let span = cursor.span_here();
    HoconError::malformed(&span, "a name between the dots of a path", found)
        .help("an empty name is written \"\"")
}
