//! What is wrong is not packed.

use conduct_bundle::conf::{Conf, ConfKind, Rules};
use conduct_hocon::{Diagnostic, Severity, Value};

use super::flags::{ConfFlags, ValidationRule};
use crate::exit::{Exit, Failure};
use crate::screen::Screen;

/// Refuses a conf that is wrong, telling all that is; warnings are told and let through.
pub(super) fn refuse_wrong(
    conf: &Value,
    kind: ConfKind,
    flags: &ConfFlags,
    screen: &mut Screen,
) -> Result<(), Failure> {
    let conf = Conf::from_value(conf.clone());
    let allow_missing = flags.excludes(ValidationRule::Required);
    let read = |allow_unknown| {
        conf.read(&Rules {
            kind,
            allow_missing,
            allow_unknown,
        })
        .diagnostics
    };
    let unknown_allowed = flags.excludes(ValidationRule::PropertyNames);
    let found = read(unknown_allowed);
    // Other tools refuse bundles with keys that they do not know, so such bundles are not made.
    let known: Vec<String> = read(true).iter().map(Diagnostic::render).collect();
    let is_error =
        |it: &Diagnostic| it.severity() == Severity::Error || !known.contains(&it.render());
    let (errors, warnings): (Vec<_>, Vec<_>) = found.iter().partition(|it| is_error(it));
    if errors.is_empty() {
        for warning in warnings {
            screen.note(warning.render());
        }
        return Ok(());
    }
    let as_error = |it: &&Diagnostic| match it.severity() {
        Severity::Error => it.render(),
        Severity::Warning => it.render().replacen("warning:", "error:", 1),
    };
    let shown: Vec<String> = errors.iter().map(as_error).collect();
    let mut failure = Failure::lines(Exit::Failed, shown.join("\n"));
    if errors.iter().any(|it| it.severity() == Severity::Warning) {
        failure = failure.hint("to let unknown keys pass: --validation-exclude property-names");
    }
    Err(failure)
}
