//! One thing that is wrong, or looks so.

use conduct_hocon::{Diagnostic, Severity};
use serde_json::json;

/// Something that was found.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    pub(super) severity: Severity,
    file: Option<String>,
    line: Option<u32>,
    column: Option<u32>,
    message: String,
    help: Option<String>,
    /// With the line of the text and a mark.
    pub(super) rendered: String,
}

impl Problem {
    pub(super) fn at(diagnostic: &Diagnostic) -> Problem {
        let span = diagnostic.span();
        let source = span.source();
        Problem {
            severity: diagnostic.severity(),
            file: source.map(|source| source.name().to_owned()),
            line: source.map(|_| span.start().line),
            column: source.map(|_| span.start().column),
            message: diagnostic.message().to_owned(),
            help: diagnostic.help_text().map(str::to_owned),
            rendered: diagnostic.render(),
        }
    }

    pub(super) fn plain(severity: Severity, message: String, help: Option<String>) -> Problem {
        let word = match severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let mut rendered = format!("{word}: {message}");
        if let Some(help) = &help {
            rendered += &format!("\n  {help}");
        }
        Problem {
            severity,
            file: None,
            line: None,
            column: None,
            message,
            help,
            rendered,
        }
    }

    pub(super) fn to_json(&self) -> serde_json::Value {
        json!({
            "severity": match self.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "message": self.message,
            "help": self.help,
        })
    }
}
