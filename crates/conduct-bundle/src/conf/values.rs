//! Single values into the types of the model.

use std::error::Error;
use std::num::NonZeroU32;
use std::str::FromStr;

use conduct_hocon::{Diagnostic, Kind, Value, nearest_name};
use conduct_model::{Annotation, Annotations, Span as Duration, Word};

use super::reader::{Refusal, refusal};

/// A text that has to be something.
pub(crate) fn text<T>(value: &Value) -> Result<T, Refusal>
where
    T: FromStr,
    T::Err: Error,
{
    let text = value.as_str().map_err(refusal)?;
    parsed(value, text)
}

/// What `text`, which stands at `value`, is.
pub(crate) fn parsed<T>(value: &Value, text: &str) -> Result<T, Refusal>
where
    T: FromStr,
    T::Err: Error,
{
    text.parse().map_err(|error: T::Err| wrong(value, &error))
}

/// A refusal that says all of an error, down to its cause.
pub(crate) fn wrong(value: &Value, error: &dyn Error) -> Refusal {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        message.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    Box::new(Diagnostic::error(value.span(), message))
}

/// One of a few words.
pub(crate) fn choice<T>(key: &str, words: &[&str], value: &Value) -> Result<T, Refusal>
where
    T: FromStr,
    T::Err: Error,
{
    let word = value.as_str().map_err(refusal)?;
    word.parse().map_err(|error| {
        let refused = Diagnostic::error(value.span(), format!("{key} {error}"));
        match nearest_name(word, words.iter().copied()) {
            Some(near) => Box::new(refused.help(format!("did you mean {near}?"))),
            None => Box::new(refused),
        }
    })
}

/// A text for people: any characters but those that move a terminal's cursor.
pub(crate) fn prose(value: &Value) -> Result<String, Refusal> {
    const CHARS_MAX: usize = 4096;
    let text = value.as_str().map_err(refusal)?;
    let refused = |message: String| Box::new(Diagnostic::error(value.span(), message));
    let count = text.chars().count();
    if count > CHARS_MAX {
        return Err(refused(format!(
            "description has at most {CHARS_MAX} characters, this has {count}"
        )));
    }
    match text
        .chars()
        .find(|c| c.is_control() && !"\n\t".contains(*c))
    {
        Some(control) => Err(refused(format!("description cannot hold {control:?}"))),
        None => Ok(text.to_owned()),
    }
}

/// A list of texts that each have to be something. The first wrong one is told.
pub(crate) fn list<T>(key: &str, value: &Value) -> Result<Vec<T>, Refusal>
where
    T: FromStr,
    T::Err: Error,
{
    if let Kind::String(text) = value.kind() {
        let message = format!("{key} must be a list of words, found a string");
        let refused = Diagnostic::error(value.span(), message);
        return Err(Box::new(refused.help(format!("write {}", as_list(text)))));
    }
    let items = value.as_list().map_err(refusal)?;
    items.into_iter().map(text).collect()
}

/// How a line of words is written as a list.
fn as_list(line: &str) -> String {
    const WORDS_SHOWN_MAX: usize = 8;
    let mut words: Vec<String> = line
        .split_whitespace()
        .take(WORDS_SHOWN_MAX)
        .map(|word| format!("{word:?}"))
        .collect();
    if line.split_whitespace().nth(WORDS_SHOWN_MAX).is_some() {
        words.push("…".to_owned());
    }
    format!("[{}]", words.join(", "))
}

/// The words of a start command.
pub(crate) fn words(key: &str, value: &Value) -> Result<Vec<Word>, Refusal> {
    const WORDS_MAX: usize = 1024;
    let words: Vec<Word> = list(key, value)?;
    if words.len() > WORDS_MAX {
        let message = format!(
            "{key} has at most {WORDS_MAX} words, this has {}",
            words.len()
        );
        return Err(Box::new(Diagnostic::error(value.span(), message)));
    }
    Ok(words)
}

/// Thousandths of a processor, what is finer rounded up.
pub(crate) fn cpu_millis(value: &Value) -> Result<u64, Refusal> {
    const CPU_MILLIS_MAX: u64 = 1_000_000;
    let millis = value.as_decimal().map_err(refusal)?.times_rounded_up(1000);
    let bounded = millis.filter(|millis| *millis <= CPU_MILLIS_MAX);
    bounded.ok_or_else(|| refusal(value.not("a number from 0 to 1000")))
}

/// Bytes, with or without a unit.
pub(crate) fn bytes(value: &Value) -> Result<u64, Refusal> {
    const BYTES_MAX: u64 = 1 << 50;
    let bytes = value.as_bytes().map_err(refusal)?;
    if bytes > BYTES_MAX {
        Err(refusal(value.not("at most 1 PiB")))
    } else {
        Ok(bytes)
    }
}

/// A whole number from 1.
pub(crate) fn count(max: u32, value: &Value) -> Result<NonZeroU32, Refusal> {
    let number = value.as_whole(1..=i64::from(max)).map_err(refusal)?;
    let count = u32::try_from(number).ok().and_then(NonZeroU32::new);
    count.ok_or_else(|| refusal(value.not("a whole number from 1")))
}

/// A length of time, with its unit: a bare number would be milliseconds, and hardly anybody who
/// writes one means that.
pub(crate) fn duration(
    least: Duration,
    most: Duration,
    value: &Value,
) -> Result<Duration, Refusal> {
    let millis = value.as_duration_ms().map_err(refusal)?;
    let duration = Duration::millis(millis);
    if let Kind::Number(number) = value.kind() {
        let help = format!("write {number} s or {number} ms");
        return Err(Box::new(
            Diagnostic::from(value.not("a duration with its unit such as 10 s")).help(help),
        ));
    }
    if duration < least || duration > most {
        return Err(refusal(
            value.not(format!("a duration from {least} to {most}")),
        ));
    }
    Ok(duration)
}

/// A tree of anything.
pub(crate) fn annotations(value: &Value) -> Result<Annotations, Refusal> {
    let object = value.as_object().map_err(refusal)?;
    let named = object
        .entries()
        .map(|entry| (entry.key.to_owned(), annotation(entry.value)));
    Ok(named.collect())
}

/// As deep as the value is, which the parser has bounded.
fn annotation(value: &Value) -> Annotation {
    match value.kind() {
        Kind::Null => Annotation::Null,
        Kind::Bool(value) => Annotation::Bool(*value),
        Kind::Number(text) => Annotation::Number(text.clone()),
        Kind::String(text) => Annotation::Text(text.clone()),
        Kind::List(items) => Annotation::List(items.iter().map(annotation).collect()),
        Kind::Object(object) => Annotation::Map(
            object
                .entries()
                .map(|entry| (entry.key.to_owned(), annotation(entry.value)))
                .collect(),
        ),
    }
}
