//! The command line of `check`, word by word.

use crate::Span;
use crate::check::CheckError;

/// Words, of which some are options with a value behind them or behind their `=`.
pub(crate) struct Args<'a, I: Iterator<Item = &'a str>> {
    words: I,
    /// The value that came with the option read last.
    attached: Option<&'a str>,
}

impl<'a, I: Iterator<Item = &'a str>> Args<'a, I> {
    pub(crate) fn new(words: impl IntoIterator<IntoIter = I>) -> Args<'a, I> {
        Args {
            words: words.into_iter(),
            attached: None,
        }
    }

    /// The next word, of an option its name.
    pub(crate) fn next_arg(&mut self) -> Option<&'a str> {
        let word = self.words.next()?;
        match word.split_once('=') {
            Some((option, value)) if word.starts_with("--") => {
                self.attached = Some(value);
                Some(option)
            }
            _ => {
                self.attached = None;
                Some(word)
            }
        }
    }

    /// The value of the option read last, in seconds.
    pub(crate) fn seconds(&mut self, option: &'static str) -> Result<Span, CheckError> {
        let found = self.value(option)?;
        parse_seconds(found).ok_or_else(|| number(option, "seconds", found))
    }

    /// The same, where none make no sense.
    pub(crate) fn some_seconds(&mut self, option: &'static str) -> Result<Span, CheckError> {
        let found = self.value(option)?;
        let span = parse_seconds(found).filter(|span| *span > Span::ZERO);
        span.ok_or_else(|| number(option, "seconds, more than none", found))
    }

    /// The value of the option read last, as a number from 1.
    pub(crate) fn count(&mut self, option: &'static str) -> Result<u32, CheckError> {
        let found = self.value(option)?;
        let count = found
            .parse()
            .ok()
            .filter(|count| (1..=COUNT_MAX).contains(count));
        count.ok_or_else(|| number(option, "a number from 1 to 10000", found))
    }

    fn value(&mut self, option: &'static str) -> Result<&'a str, CheckError> {
        self.attached
            .take()
            .or_else(|| self.words.next())
            .ok_or(CheckError::Value(option))
    }
}

fn number(option: &'static str, wanted: &'static str, found: &str) -> CheckError {
    CheckError::Number {
        option,
        wanted,
        found: found.chars().take(64).collect(),
    }
}

/// More is a slip of the finger.
pub(crate) const COUNT_MAX: u32 = 10_000;
const SECONDS_MAX: u64 = 86_400;

/// Seconds with up to three decimals; what is finer is dropped.
pub(crate) fn parse_seconds(text: &str) -> Option<Span> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number =
        |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let secs: u64 = whole.parse().ok().filter(|secs| *secs <= SECONDS_MAX)?;
    let millis: u64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    Some(Span::millis(secs * 1000 + millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_may_have_decimals() {
        let read = |text| parse_seconds(text).map(Span::as_millis);
        assert_eq!(read("3"), Some(3000));
        assert_eq!(read("0.25"), Some(250));
        assert_eq!(read("1.0009"), Some(1000));
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1e3",
            "86401",
            "99999999999999999999",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
