//! What every command gets: the cluster, and the way to show things.

use std::path::PathBuf;

use conduct_client::{Answered, ApiVersion, Client};
use serde_json::Value;

use super::cluster::{self, Folders, Said};
use super::flags::{Common, Form, Looks};
use super::text::{plain, short_id};
use super::yaml::yaml;
use crate::exit::{Exit, Failure};
use crate::screen::Screen;

/// A command at work.
#[derive(Debug)]
pub(crate) struct Session<'s> {
    pub(crate) client: Client,
    pub(crate) api: ApiVersion,
    pub(crate) said: Said,
    pub(crate) looks: Looks,
    pub(crate) screen: &'s mut Screen,
    /// The folder of settings and caches.
    pub(crate) folder: PathBuf,
    again: String,
}

impl<'s> Session<'s> {
    pub(crate) fn new(common: Common, screen: &'s mut Screen) -> Result<Session<'s>, Failure> {
        let folders = Folders::new(&common);
        let cluster = cluster::find(&common, &folders, screen)?;
        Ok(Session {
            client: cluster.client,
            api: cluster.api,
            said: cluster.said,
            again: cluster.again,
            looks: common.looks,
            screen,
            folder: folders.settings,
        })
    }

    /// Prints the result in the form that was asked for.
    pub(crate) fn show(
        &mut self,
        table: impl FnOnce() -> String,
        value: impl FnOnce() -> Value,
        ids: impl FnOnce() -> Vec<String>,
    ) -> Result<(), Failure> {
        let text = match self.looks.output {
            Form::Table => table(),
            Form::Json => json(&value()),
            Form::Yaml => yaml(&value()),
            Form::Id => ids().iter().map(|id| format!("{}\n", plain(id))).collect(),
        };
        self.screen.print(&text)
    }

    /// The form of a command whose rows are called nothing.
    pub(crate) fn refuse_ids(&self) -> Result<(), Failure> {
        if self.looks.output == Form::Id {
            return Err(Failure::new(Exit::Usage, "there are no ids to show here")
                .hint("take --output table, json or yaml"));
        }
        Ok(())
    }

    /// Prints a document of a stream in the form that was asked for.
    pub(crate) fn show_next(
        &mut self,
        line: impl FnOnce() -> String,
        value: impl FnOnce() -> Value,
    ) -> Result<(), Failure> {
        let text = match self.looks.output {
            Form::Table | Form::Id => line(),
            Form::Json => format!("{}\n", json_line(&value())),
            Form::Yaml => format!("---\n{}", yaml(&value())),
        };
        self.screen.print(&text)
    }

    /// Prints an answer word for word, if that was asked for and no program reads along.
    pub(crate) fn heard<T>(&mut self, answered: &Answered<T>) -> Result<(), Failure> {
        if !self.looks.verbose || self.looks.output != Form::Table {
            return Ok(());
        }
        match serde_json::from_slice::<Value>(&answered.text) {
            Ok(value) => self.screen.print(&json(&sorted(value))),
            Err(_) => Ok(()),
        }
    }

    /// Whether only results and errors are shown.
    pub(crate) fn is_quiet(&self) -> bool {
        self.looks.quiet
    }

    /// Says something that is no result.
    pub(crate) fn note(&mut self, text: impl std::fmt::Display) {
        if !self.is_quiet() {
            self.screen.note(text);
        }
    }

    /// Says what could be done next.
    pub(crate) fn instruct(&mut self, text: impl std::fmt::Display) {
        if !self.looks.disable_instructions && self.looks.output == Form::Table {
            self.note(text);
        }
    }

    /// A command line that speaks with the same cluster.
    pub(crate) fn command(&self, words: &str) -> String {
        format!("conduct {words}{}", self.again)
    }

    /// An id as it was asked for.
    pub(crate) fn id(&self, id: &str) -> String {
        if self.looks.long_ids {
            plain(id)
        } else {
            short_id(id)
        }
    }
}

/// A document over several lines. No terminal takes any of it for a command.
pub(crate) fn json(value: &Value) -> String {
    let text = serde_json::to_string_pretty(value).expect("a value is JSON");
    format!("{}\n", escaped(&text))
}

/// A document in one line.
pub(crate) fn json_line(value: &Value) -> String {
    escaped(&value.to_string())
}

/// Some controls may stand in JSON as they are. They can only be inside of texts.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{7f}'..='\u{9f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                safe += &format!("\\u{:04x}", u32::from(c));
            }
            c => safe.push(c),
        }
    }
    safe
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<(String, Value)> = fields.into_iter().collect();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            let fields = fields.into_iter().map(|(key, field)| (key, sorted(field)));
            Value::Object(fields.collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json as value;

    #[test]
    fn keys_are_sorted_and_controls_are_escaped() {
        let text = json(&sorted(
            value!({"b": {"d": 1, "c": "\u{9b}\u{1b}"}, "a": []}),
        ));
        let expected =
            "{\n  \"a\": [],\n  \"b\": {\n    \"c\": \"\\u009b\\u001b\",\n    \"d\": 1\n  }\n}\n";
        assert_eq!(text, expected);
        let back: Value = serde_json::from_str(&text).expect("still JSON");
        assert_eq!(back["b"]["c"], "\u{9b}\u{1b}");
    }
}
