//! What is to be said about a place in a text, and how it is shown.

use std::fmt;

use crate::source::{Source, Span};

/// Whether something is refused or only pointed out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Severity {
    /// The text cannot be used.
    Error,
    /// The text can be used, but probably says something else than was meant.
    Warning,
}

/// A message about a place in a text.
///
/// `Display` is one line, `name:12:14: message`; [`Diagnostic::render`] adds the lines of the text
/// with a mark below.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    severity: Severity,
    span: Span,
    message: String,
    expected: Option<String>,
    found: Option<String>,
    help: Option<String>,
}

/// Longer lines are shown in part, around the mark.
const LINE_CHARS_MAX: usize = 120;
/// What stays visible before the mark of a line that is shown in part.
const LINE_LEAD_CHARS: usize = 60;

impl Diagnostic {
    /// Something that is refused.
    pub fn error(span: &Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Error, span, message.into())
    }

    /// Something that is only pointed out.
    pub fn warning(span: &Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Warning, span, message.into())
    }

    fn new(severity: Severity, span: &Span, message: String) -> Diagnostic {
        let span = span.clone();
        Diagnostic {
            severity,
            span,
            message,
            expected: None,
            found: None,
            help: None,
        }
    }

    /// A mismatch, told as "expected …, found …".
    pub(crate) fn mismatch(span: &Span, expected: String, found: String) -> Diagnostic {
        let message = format!("expected {expected}, found {found}");
        let mut diagnostic = Diagnostic::new(Severity::Error, span, message);
        diagnostic.expected = Some(expected);
        diagnostic.found = Some(found);
        diagnostic
    }

    /// Adds what to do about it; shown beside the mark.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }

    /// Tells a mismatch as "`name` must be …, found …"; leaves any other message as it is.
    #[must_use]
    pub fn named(mut self, name: &str) -> Diagnostic {
        if let (Some(expected), Some(found)) = (&self.expected, &self.found) {
            self.message = format!("{name} must be {expected}, found {found}");
        }
        self
    }

    /// Whether this refuses or only points out.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// The place.
    pub fn span(&self) -> &Span {
        &self.span
    }

    /// The message alone.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What should have stood there, where that is known.
    pub fn expected(&self) -> Option<&str> {
        self.expected.as_deref()
    }

    /// What stood there instead, where that is known.
    pub fn found(&self) -> Option<&str> {
        self.found.as_deref()
    }

    /// What to do about it.
    pub fn help_text(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// The line of the text that the place is on.
    pub fn line_text(&self) -> Option<&str> {
        self.span.source()?.line(self.span.start().line)
    }

    /// The message with its severity, the line before, the line, and a mark under the place. Ends
    /// without a newline. Nothing in it can move a terminal's cursor, whatever the text holds.
    pub fn render(&self) -> String {
        let word = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let mut shown = format!("{word}: {self}");
        match self.span.source() {
            Some(source)
                if source
                    .line(self.span.start().line)
                    .is_some_and(|l| !l.is_empty()) =>
            {
                self.render_lines(source, &mut shown);
            }
            _ => {
                if let Some(help) = &self.help {
                    shown.push_str("\n  ");
                    shown.push_str(&harmless(help));
                }
            }
        }
        shown
    }

    fn render_lines(&self, source: &Source, shown: &mut String) {
        let start = self.span.start();
        let line = source.line(start.line).unwrap_or_default();
        let column = to_index(start.column);
        let length = line.chars().count();
        let skipped = if length > LINE_CHARS_MAX {
            column.saturating_sub(LINE_LEAD_CHARS)
        } else {
            0
        };

        if skipped == 0 && start.line > 1 {
            let before = source.line(start.line - 1).unwrap_or_default();
            shown.push_str(&format!("\n{:>5} | {}", start.line - 1, excerpt(before, 0)));
        }
        shown.push_str(&format!("\n{:>5} | {}", start.line, excerpt(line, skipped)));

        let end = if self.span.end().line == start.line {
            to_index(self.span.end().column)
        } else {
            length
        };
        let visible_end = end.min(skipped + LINE_CHARS_MAX);
        let width = visible_end.saturating_sub(column).max(1);
        let lead = column - skipped + usize::from(skipped > 0);
        shown.push_str(&format!("\n      | {:lead$}{:^<width$}", "", ""));
        if let Some(help) = &self.help {
            shown.push(' ');
            shown.push_str(&harmless(help));
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.span.source().is_some() {
            write!(f, "{}: ", self.span)?;
        }
        f.write_str(&harmless(&self.message))
    }
}

fn to_index(column: u32) -> usize {
    usize::try_from(column).map_or(usize::MAX, |column| column.saturating_sub(1))
}

/// Up to [`LINE_CHARS_MAX`] characters of a line, each one column wide.
fn excerpt(line: &str, skipped: usize) -> String {
    let mut rest = line.chars().skip(skipped);
    let mut shown = String::new();
    if skipped > 0 {
        shown.push('…');
    }
    shown.extend(rest.by_ref().take(LINE_CHARS_MAX).map(printable));
    if rest.next().is_some() {
        shown.push('…');
    }
    shown
}

fn harmless(text: &str) -> String {
    text.chars().map(printable).collect()
}

/// Keeps escape sequences and line breaks of a stranger's text away from terminals and logs.
fn printable(c: char) -> char {
    match c {
        '\t' => ' ',
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}
