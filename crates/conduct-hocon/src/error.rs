//! Why a text, or a value in it, cannot be used.

use crate::source::Span;
use crate::{Diagnostic, Position};

/// Why a text cannot be used. Each kind carries the place, the line, what was expected and what was
/// found there.
#[derive(Debug, Clone, thiserror::Error)]
pub enum HoconError {
    /// The text breaks the rules of the language.
    #[error("{0}")]
    Malformed(Box<Diagnostic>),
    /// The text, or what it expands to, is larger or deeper than allowed.
    #[error("{0}")]
    TooLarge(Box<Diagnostic>),
    /// A substitution names something that is not there, or that waits for the substitution itself.
    #[error("{0}")]
    Unresolved(Box<Diagnostic>),
    /// A value is there, but it is not of the wanted type.
    #[error("{0}")]
    WrongType(Box<Diagnostic>),
}

impl HoconError {
    pub(crate) fn malformed(
        span: &Span,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> HoconError {
        let diagnostic = Diagnostic::mismatch(span, expected.into(), found.into());
        HoconError::Malformed(Box::new(diagnostic))
    }

    pub(crate) fn limit(
        span: &Span,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> HoconError {
        let diagnostic = Diagnostic::mismatch(span, expected.into(), found.into());
        HoconError::TooLarge(Box::new(diagnostic))
    }

    pub(crate) fn unresolved(span: &Span, message: String) -> HoconError {
        HoconError::Unresolved(Box::new(Diagnostic::error(span, message)))
    }

    pub(crate) fn wrong_type(
        span: &Span,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> HoconError {
        let diagnostic = Diagnostic::mismatch(span, expected.into(), found.into());
        HoconError::WrongType(Box::new(diagnostic))
    }

    /// All there is to say.
    pub fn diagnostic(&self) -> &Diagnostic {
        match self {
            HoconError::Malformed(diagnostic)
            | HoconError::TooLarge(diagnostic)
            | HoconError::Unresolved(diagnostic)
            | HoconError::WrongType(diagnostic) => diagnostic,
        }
    }

    fn map(self, change: impl FnOnce(Diagnostic) -> Diagnostic) -> HoconError {
        match self {
            HoconError::Malformed(it) => HoconError::Malformed(Box::new(change(*it))),
            HoconError::TooLarge(it) => HoconError::TooLarge(Box::new(change(*it))),
            HoconError::Unresolved(it) => HoconError::Unresolved(Box::new(change(*it))),
            HoconError::WrongType(it) => HoconError::WrongType(Box::new(change(*it))),
        }
    }

    /// Says which key it is about: "`name` must be a list, found a string".
    #[must_use]
    pub fn named(self, name: &str) -> HoconError {
        self.map(|diagnostic| diagnostic.named(name))
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> HoconError {
        self.map(|diagnostic| diagnostic.help(help))
    }

    /// Where it begins.
    pub fn position(&self) -> Position {
        self.diagnostic().span().start()
    }

    /// The error with the line of the text and a mark; see [`Diagnostic::render`].
    pub fn render(&self) -> String {
        self.diagnostic().render()
    }
}

impl From<HoconError> for Diagnostic {
    fn from(error: HoconError) -> Diagnostic {
        error.diagnostic().clone()
    }
}
