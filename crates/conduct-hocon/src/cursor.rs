//! Walking through a text, character by character, always knowing the line and column.

use std::sync::Arc;

use crate::HoconError;
use crate::source::{Position, Source, Span};

#[derive(Clone)]
pub(crate) struct Cursor<'a> {
    source: &'a Arc<Source>,
    rest: &'a str,
    at: Position,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(source: &'a Arc<Source>) -> Cursor<'a> {
        Cursor {
            source,
            rest: source.text(),
            at: Position::START,
        }
    }

    pub(crate) fn rest(&self) -> &'a str {
        self.rest
    }

    pub(crate) fn at(&self) -> Position {
        self.at
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    pub(crate) fn starts_with(&self, text: &str) -> bool {
        self.rest.starts_with(text)
    }

    pub(crate) fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.rest = &self.rest[c.len_utf8()..];
        self.at = self.at.past(c);
        Some(c)
    }

    /// Steps over `text` if it comes next.
    pub(crate) fn eat(&mut self, text: &str) -> bool {
        let here = self.starts_with(text);
        if here {
            self.advance(text.len());
        }
        here
    }

    pub(crate) fn advance(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.at = taken.chars().fold(self.at, Position::past);
        self.rest = rest;
        taken
    }

    pub(crate) fn take_while(&mut self, mut wanted: impl FnMut(char) -> bool) -> &'a str {
        let length = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        self.advance(length)
    }

    /// Steps over white space that does not end the line.
    pub(crate) fn skip_spaces(&mut self) -> &'a str {
        self.take_while(|c| c != '\n' && is_space(c))
    }

    pub(crate) fn at_comment(&self) -> bool {
        self.starts_with("#") || self.starts_with("//")
    }

    /// Steps over white space, comments and line ends. Tells whether a line ended.
    pub(crate) fn skip_blank(&mut self) -> bool {
        let line = self.at.line;
        loop {
            self.take_while(is_space);
            if !self.at_comment() {
                return self.at.line > line;
            }
            self.take_while(|c| c != '\n');
        }
    }

    pub(crate) fn span_from(&self, start: Position) -> Span {
        Span::new(self.source, start, self.at)
    }

    /// The place of what comes next.
    pub(crate) fn span_here(&self) -> Span {
        let mut end = self.clone();
        match self.peek() {
            Some(c) if is_plain(c) => {
                end.take_while(is_plain);
            }
            Some(c) if c != '\n' => {
                end.bump();
            }
            _ => {}
        }
        Span::new(self.source, self.at, end.at)
    }

    /// What comes next, in words.
    pub(crate) fn describe(&self) -> String {
        const WORD_CHARS_MAX: usize = 30;
        match self.peek() {
            None => "the end of the text".to_owned(),
            Some('\n') => "the end of the line".to_owned(),
            Some(_) if self.at_comment() => "a comment".to_owned(),
            Some('"') => "a quoted string".to_owned(),
            Some(c) if is_plain(c) => {
                let word: String = self
                    .rest
                    .chars()
                    .take_while(|&c| is_plain(c))
                    .take(WORD_CHARS_MAX)
                    .collect();
                format!("\"{word}\"")
            }
            Some(c) if c.is_control() => format!("the control character U+{:04X}", u32::from(c)),
            Some(c) => format!("'{c}'"),
        }
    }

    /// The error that something else should have come next.
    pub(crate) fn unexpected(&self, expected: impl Into<String>) -> HoconError {
        HoconError::malformed(&self.span_here(), expected, self.describe())
    }
}

/// White space by the rules of HOCON: all separators of Unicode, and a byte order mark.
pub(crate) fn is_space(c: char) -> bool {
    match c {
        '\u{1c}'..='\u{1f}' | '\u{feff}' => true,
        '\u{85}' => false,
        _ => c.is_whitespace(),
    }
}

/// What may stand in a text without quotes. `//` may not, which a single character cannot tell.
pub(crate) fn is_plain(c: char) -> bool {
    !is_space(c) && !"$\"{}[]:=,+#`^?!@*&\\".contains(c)
}
