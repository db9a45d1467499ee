//! How a program ends: a number for scripts, a sentence for people.

use std::fmt::Display;
use std::process::ExitCode;

/// What the number means that a program leaves behind. Scripts rely on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// It did not work: a bundle that is wrong, a disk that is full.
    Failed = 1,
    /// Wrong usage, or input that cannot be read as what it should be.
    Usage = 2,
    /// What was named is not there, or not clearly so.
    NotFound = 3,
    /// The cluster accepted it, but it was not reached in time.
    NotInTime = 4,
    /// The cluster does not accept it: it is cut off, it contradicts something, it is not allowed.
    Refused = 5,
    /// No node answers.
    Unreachable = 6,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Why a program stops, as it is told: one line of what happened, then what to do next.
#[derive(Debug)]
pub struct Failure {
    /// The number.
    pub exit: Exit,
    /// What happened.
    pub told: Told,
    /// What to do next, a line each.
    pub hints: Vec<String>,
}

/// What is told of a failure.
#[derive(Debug)]
pub enum Told {
    /// One sentence.
    Sentence(String),
    /// Lines that were made up already, each with its `error:`.
    Lines(String),
    /// Nothing: whoever reads the output has gone, and that is no failure at all.
    Gone,
}

impl Failure {
    /// A failure in one sentence.
    pub fn new(exit: Exit, sentence: impl Display) -> Failure {
        Failure {
            exit,
            told: Told::Sentence(without_numbers(&sentence.to_string())),
            hints: Vec::new(),
        }
    }

    /// A failure with all its causes in one sentence.
    pub fn from_error(exit: Exit, error: impl Into<anyhow::Error>) -> Failure {
        Failure::new(exit, format_args!("{:#}", error.into()))
    }

    /// A failure in lines that are complete.
    pub fn lines(exit: Exit, lines: impl Into<String>) -> Failure {
        Failure {
            exit,
            told: Told::Lines(lines.into()),
            hints: Vec::new(),
        }
    }

    /// Whoever reads the output wants no more of it.
    pub fn gone() -> Failure {
        Failure {
            exit: Exit::Done,
            told: Told::Gone,
            hints: Vec::new(),
        }
    }

    /// Says what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Display) -> Failure {
        self.hints.push(hint.to_string());
        self
    }
}

/// Leaves out `(os error 2)`: the words before it say the same.
fn without_numbers(sentence: &str) -> String {
    let mut plain = sentence.to_owned();
    while let Some(at) = plain.find(" (os error ") {
        match plain[at..].find(')') {
            Some(length) => plain.replace_range(at..=at + length, ""),
            None => break,
        }
    }
    plain
}

/// Turns errors into failures where they happen.
pub trait OrFail<T> {
    /// Ends with this number, telling `doing` and all causes.
    fn or_fail(self, exit: Exit, doing: impl Display) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> OrFail<T> for Result<T, E> {
    fn or_fail(self, exit: Exit, doing: impl Display) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(exit, format_args!("{doing}: {:#}", error.into())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_follow_each_other_without_the_system_s_numbers() {
        let missing = std::io::Error::from_raw_os_error(2);
        let failure = Err::<(), _>(missing).or_fail(Exit::Usage, "could not read x");
        match failure.expect_err("missing").told {
            Told::Sentence(sentence) => assert!(!sentence.contains("os error"), "{sentence}"),
            other => panic!("no sentence: {other:?}"),
        }
        assert_eq!(without_numbers("a (os error 2): b (os error 3)"), "a: b");
        assert_eq!(without_numbers("a (os error "), "a (os error ");
    }
}
