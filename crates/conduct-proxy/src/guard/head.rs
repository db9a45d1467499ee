//! The head of a request: lines up to an empty one, and what they say of the content.

use super::Step;

/// Names and values that matter are short; of all others only the beginning is kept.
const KEPT_BYTES_MAX: usize = 40;
/// Digits of a length that no content exceeds.
const LENGTH_DIGITS_MAX: usize = 18;

/// What follows a head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Framing {
    /// The next head.
    Nothing,
    /// So many bytes.
    Length(u64),
    /// Chunks.
    Chunked,
    /// Another protocol, if the server agrees.
    SomethingElse,
}

/// A head, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Head {
    line: Line,
    /// Behind a carriage return: a newline has to follow.
    returned: bool,
    /// The line of the request has passed.
    begun: bool,
    connects: bool,
    upgrades: bool,
    length: Option<u64>,
    chunked: bool,
    hosts: u32,
}

#[derive(Debug, Default)]
struct Line {
    bytes: usize,
    name: Vec<u8>,
    /// Behind the colon, without blanks before it.
    value: Option<Vec<u8>>,
}

impl Head {
    pub(super) fn push(&mut self, byte: u8) -> Step<Framing> {
        if self.returned {
            self.returned = false;
            return if byte == b'\n' {
                self.end_line()
            } else {
                Step::Wrong
            };
        }
        match byte {
            b'\r' => {
                self.returned = true;
                Step::More
            }
            // A bare newline: some take it for the end of a line. NUL: some end there.
            b'\n' | 0 => Step::Wrong,
            _ if self.line.push(byte, self.begun) => Step::More,
            _ => Step::Wrong,
        }
    }

    fn end_line(&mut self) -> Step<Framing> {
        let line = std::mem::take(&mut self.line);
        if line.bytes == 0 {
            // Some clients end a request's content with an empty line that belongs to nothing.
            return if self.begun { self.end() } else { Step::More };
        }
        if !self.begun {
            self.begun = true;
            self.connects = line.name.starts_with(b"connect ");
            return Step::More;
        }
        if self.header(&line) {
            Step::More
        } else {
            Step::Wrong
        }
    }

    fn end(&self) -> Step<Framing> {
        if self.length.is_some() && self.chunked {
            return Step::Wrong;
        }
        // With content it stays HTTP: nobody switches in the middle of what is being sent.
        let has_content = self.chunked || self.length.is_some_and(|length| length > 0);
        Step::Done(if self.connects || self.upgrades && !has_content {
            Framing::SomethingElse
        } else if self.chunked {
            Framing::Chunked
        } else {
            self.length.map_or(Framing::Nothing, Framing::Length)
        })
    }

    /// Takes a line of the head; answers whether it has one meaning.
    fn header(&mut self, line: &Line) -> bool {
        // A line without a colon, or with a blank before it, which some take for a part of the
        // name and some do not.
        let Some(value) = &line.value else {
            return false;
        };
        if line.name.is_empty() || line.name.iter().any(|byte| !is_token(*byte)) {
            return false;
        }
        let value = value.trim_ascii_end();
        match line.name.as_slice() {
            b"content-length" => {
                let number = number(value);
                let is_first = self.length.is_none();
                self.length = number;
                is_first && number.is_some()
            }
            b"transfer-encoding" => {
                let is_first = !self.chunked;
                self.chunked = true;
                is_first && value.eq_ignore_ascii_case(b"chunked")
            }
            b"host" => {
                self.hosts += 1;
                self.hosts == 1
            }
            b"upgrade" => {
                self.upgrades = true;
                true
            }
            _ => true,
        }
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    let is_number =
        (1..=LENGTH_DIGITS_MAX).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    is_number.then_some(())?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

impl Line {
    /// Takes a byte; answers whether the line may have it.
    fn push(&mut self, byte: u8, begun: bool) -> bool {
        self.bytes += 1;
        let is_blank = matches!(byte, b' ' | b'\t');
        // A line that goes on with the one before, or a request that begins with a blank.
        if self.bytes == 1 && is_blank {
            return false;
        }
        let is_control = byte < 0x20 && byte != b'\t' || byte == 0x7f;
        if is_control {
            return false;
        }
        match &mut self.value {
            Some(value) if value.len() > KEPT_BYTES_MAX || is_blank && value.is_empty() => {}
            Some(value) => value.push(byte),
            None if byte == b':' && begun => self.value = Some(Vec::new()),
            None if self.name.len() <= KEPT_BYTES_MAX => {
                self.name.push(byte.to_ascii_lowercase());
            }
            None => {}
        }
        true
    }
}
