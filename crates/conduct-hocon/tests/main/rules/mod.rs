//! The rules of the HOCON specification, one table per chapter: what a text says, as one line of JSON,
//! or the words of the refusal.

mod merging;
mod paths;
mod substitution;
mod syntax;
mod values;

use conduct_hocon::parse;

/// A text and what it says; an expectation that begins with `error:` is part of a refusal.
type Case = (&'static str, &'static str);

#[track_caller]
fn check(cases: &[Case]) {
    let failures: Vec<String> = cases.iter().filter_map(failure).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn failure(&(text, expected): &Case) -> Option<String> {
    let said = match parse(text) {
        Ok(value) => value.to_line(),
        Err(error) => format!("error: {}", error.diagnostic().message()),
    };
    let as_expected = match expected.strip_prefix("error:") {
        Some(part) => said.starts_with("error:") && said.contains(part.trim()),
        None => said == expected,
    };
    (!as_expected).then(|| format!("{text:?}\n  should be {expected}\n  but is    {said}"))
}
