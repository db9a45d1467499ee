//! Requests whose beginning two programs could read in two ways.
//!
//! The parser behind this takes a bare newline for the end of a line, and of two lengths it takes
//! one. A proxy before it may think otherwise, and then what one took for content the other takes
//! for the next caller's request. So the bytes are looked at before they are parsed, and what is
//! not plain is spoilt: the parser then refuses it, answers 400 and closes the connection.
//!
//! This is in step with the parser as long as no request had content. The first that has one is
//! also the last of its connection: see [`has_content`].

use axum::http::{HeaderMap, header};

/// Lines of a request's head are short; only the beginning of one matters here.
const NAME_BYTES_MAX: usize = 32;

/// Looks at a connection's bytes until the head of the first request with content has passed.
#[derive(Debug)]
pub(crate) struct Scanner {
    state: State,
    line: Line,
    framing: Framing,
}

/// What a head says of the content behind it.
#[derive(Clone, Copy, Debug, Default)]
struct Framing {
    lengths: u32,
    codings: u32,
    has_content: bool,
}

/// What a look at some bytes came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// They may be parsed.
    Plain,
    /// From this place on they may not.
    Refused(usize),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// In a line of a head.
    Line,
    /// Behind a carriage return: a newline has to follow.
    Return,
    /// Behind the head of a request with content: the rest of the connection is its own.
    Content,
    /// Something was refused.
    Refused,
}

/// The line being read: its beginning, and what its value may be.
#[derive(Debug, Default)]
struct Line {
    bytes: usize,
    name: Vec<u8>,
    /// Behind the colon: the value without blanks around it.
    value: Option<Vec<u8>>,
}

impl Default for Scanner {
    fn default() -> Scanner {
        Scanner {
            state: State::Line,
            line: Line::default(),
            framing: Framing::default(),
        }
    }
}

impl Scanner {
    /// Looks at the next bytes of the connection.
    pub(crate) fn look(&mut self, bytes: &[u8]) -> Verdict {
        for (at, byte) in bytes.iter().enumerate() {
            self.state = match (self.state, byte) {
                (State::Content, _) => return Verdict::Plain,
                (State::Line, b'\r') => State::Return,
                (State::Return, b'\n') => self.end_line(),
                (State::Line, b'\n') | (State::Return | State::Refused, _) => State::Refused,
                (State::Line, byte) => self.line.push(*byte),
            };
            if self.state == State::Refused {
                return Verdict::Refused(at);
            }
        }
        Verdict::Plain
    }

    fn end_line(&mut self) -> State {
        let line = std::mem::take(&mut self.line);
        if line.bytes > 0 {
            return self.header(&line);
        }
        // The head ends.
        let framing = std::mem::take(&mut self.framing);
        if framing.lengths + framing.codings > 1 {
            State::Refused
        } else if framing.has_content {
            State::Content
        } else {
            State::Line
        }
    }

    fn header(&mut self, line: &Line) -> State {
        let Some(value) = &line.value else {
            return State::Line;
        };
        match line.name.as_slice() {
            b"content-length" => {
                let value = value.trim_ascii_end();
                let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
                if !is_number {
                    return State::Refused;
                }
                self.framing.lengths += 1;
                self.framing.has_content |= value != b"0";
            }
            b"transfer-encoding" => {
                self.framing.codings += 1;
                self.framing.has_content = true;
            }
            // A blank before the colon: some take it for a part of the name.
            name if name.ends_with(b" ") || name.ends_with(b"\t") => return State::Refused,
            _ => {}
        }
        State::Line
    }
}

impl Line {
    fn push(&mut self, byte: u8) -> State {
        self.bytes += 1;
        let is_blank = matches!(byte, b' ' | b'\t');
        // A line that goes on with the one before.
        if self.bytes == 1 && is_blank {
            return State::Refused;
        }
        match &mut self.value {
            Some(value) if is_blank && value.is_empty() => {}
            Some(value) if value.len() <= NAME_BYTES_MAX => value.push(byte),
            None if byte == b':' => self.value = Some(Vec::new()),
            None if self.name.len() <= NAME_BYTES_MAX => {
                self.name.push(byte.to_ascii_lowercase());
            }
            Some(_) | None => {}
        }
        State::Line
    }
}

/// Whether a request has content, or says so: it is then the last of its connection.
pub(crate) fn has_content(headers: &HeaderMap) -> bool {
    let length = headers.get(header::CONTENT_LENGTH);
    headers.contains_key(header::TRANSFER_ENCODING)
        || length.is_some_and(|length| length.as_bytes() != b"0")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_plain(text: &str) -> bool {
        let whole = Scanner::default().look(text.as_bytes());
        let mut scanner = Scanner::default();
        let pieces: Vec<Verdict> = text
            .as_bytes()
            .chunks(3)
            .map(|piece| scanner.look(piece))
            .collect();
        let is_plain = whole == Verdict::Plain;
        assert_eq!(
            is_plain,
            pieces.iter().all(|verdict| *verdict == Verdict::Plain),
            "{text:?}"
        );
        is_plain
    }

    #[test]
    fn what_has_one_meaning_passes() {
        for text in [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /a:b HTTP/1.1\r\nHost: a:1\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "PUT / HTTP/1.1\r\nContent-Length: 0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length:\t5 \r\n\r\na\nb\rc",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
            "\r\nGET / HTTP/1.1\r\n\r\n",
        ] {
            assert!(is_plain(text), "{text:?}");
        }
    }

    #[test]
    fn what_has_two_meanings_is_refused() {
        for text in [
            "GET / HTTP/1.1\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\n\n",
            "GET / HTTP/1.1\r\nA: b\rC: d\r\n\r\n",
            "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
            "GET / HTTP/1.1\r\n A: b\r\n\r\n",
            "GET / HTTP/1.1\r\nContent-Length : 5\r\n\r\n",
            "GET / HTTP/1.1\r\nContent-Length: +5\r\n\r\n",
            "GET / HTTP/1.1\r\nContent-Length: 5, 5\r\n\r\n",
            "GET / HTTP/1.1\r\nContent-Length: 0x5\r\n\r\n",
            "GET / HTTP/1.1\r\nContent-Length:\r\n\r\n",
            "GET / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
            "GET / HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n",
            "GET / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GET / HTTP/1.1\r\nTransfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n",
        ] {
            assert!(!is_plain(text), "{text:?}");
        }
    }

    #[test]
    fn what_was_refused_stays_refused() {
        let mut scanner = Scanner::default();
        assert_eq!(
            scanner.look(b"GET / HTTP/1.1\nHost: a"),
            Verdict::Refused(14)
        );
        assert_eq!(
            scanner.look(b"\r\n\r\nGET / HTTP/1.1\r\n\r\n"),
            Verdict::Refused(0)
        );
    }
}
