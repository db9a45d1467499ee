//! Texts, and places in them.

use std::fmt;
use std::sync::Arc;

use crate::HoconError;

/// A text and the name that it has in messages. Shared by all values that come from it.
pub struct Source {
    name: String,
    text: String,
}

/// A place in a text, counted in characters, both numbers from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Position {
    /// Line; 0 where there is no text.
    pub line: u32,
    /// Column; 0 where there is no text.
    pub column: u32,
}

/// From where to where something stands in a text. Values made by a program have an empty one.
#[derive(Clone, Default)]
pub struct Span {
    source: Option<Arc<Source>>,
    start: Position,
    end: Position,
}

impl Source {
    /// A text called `name`.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Source> {
        Arc::new(Source {
            name: name.into(),
            text: text.into(),
        })
    }

    /// Bytes that should be text.
    pub fn from_bytes(name: impl Into<String>, bytes: &[u8]) -> Result<Arc<Source>, HoconError> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Source::new(name, text)),
            Err(wrong) => {
                let readable = String::from_utf8_lossy(&bytes[..wrong.valid_up_to()]);
                let position = Position::after(&readable);
                let found = format!("the byte 0x{:02x}", bytes[wrong.valid_up_to()]);
                let source = Source::new(name, readable);
                let span = Span::new(&source, position, position);
                Err(HoconError::malformed(&span, "text in UTF-8", found))
            }
        }
    }

    /// The name for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// One line, counted from 1, without its end.
    pub fn line(&self, number: u32) -> Option<&str> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        let line = self.text.split('\n').nth(index)?;
        Some(line.strip_suffix('\r').unwrap_or(line))
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({:?}, {} bytes)", self.name, self.text.len())
    }
}

impl Position {
    /// The first character of a text.
    pub const START: Position = Position { line: 1, column: 1 };

    /// Where the next character stands after `text`.
    fn after(text: &str) -> Position {
        text.chars().fold(Position::START, Position::past)
    }

    /// Where the next character stands after `c`.
    pub(crate) fn past(self, c: char) -> Position {
        if c == '\n' {
            Position {
                line: self.line.saturating_add(1),
                column: 1,
            }
        } else {
            Position {
                line: self.line,
                column: self.column.saturating_add(1),
            }
        }
    }
}

impl Span {
    pub(crate) fn new(source: &Arc<Source>, start: Position, end: Position) -> Span {
        Span {
            source: Some(Arc::clone(source)),
            start,
            end,
        }
    }

    pub(crate) fn start_of(source: &Arc<Source>) -> Span {
        Span::new(source, Position::START, Position::START)
    }

    /// The text that this is a place in; none for values made by a program.
    pub fn source(&self) -> Option<&Source> {
        self.source.as_deref()
    }

    /// Where it begins.
    pub fn start(&self) -> Position {
        self.start
    }

    /// Right after its last character.
    pub fn end(&self) -> Position {
        self.end
    }
}

/// `name:line:column`, or words for a place in no text.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Some(source) => write!(
                f,
                "{}:{}:{}",
                source.name, self.start.line, self.start.column
            ),
            None => f.write_str("(no text)"),
        }
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
