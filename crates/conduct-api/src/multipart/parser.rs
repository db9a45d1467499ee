//! Parts, cut out of a body that arrives in pieces.

use bytes::{Buf, Bytes, BytesMut};

use super::head::PartHead;
use super::{MultipartError, PART_HEAD_BYTES_MAX, PARTS_MAX, PREAMBLE_BYTES_MAX};

/// What comes next in a body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Piece {
    /// A part begins.
    Part(PartHead),
    /// Content of the part that began last.
    Data(Bytes),
    /// There are no more parts.
    End,
}

/// Cuts a body into its parts.
#[derive(Debug)]
pub struct Parser {
    /// A line's end, two dashes and the boundary.
    delimiter: Vec<u8>,
    buffer: BytesMut,
    state: State,
    parts: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Before the first boundary.
    Preamble,
    /// Behind a boundary: a line's end or two dashes follow.
    Behind,
    /// In the header of a part.
    Head,
    /// In the content of a part.
    Data,
    /// Behind the last boundary: nothing matters any more.
    Done,
}

const LINE_END: &[u8] = b"\r\n";
const HEAD_END: &[u8] = b"\r\n\r\n";

impl Parser {
    /// A parser of a body whose parts are separated by `boundary`.
    pub fn new(boundary: &str) -> Parser {
        Parser {
            delimiter: [b"\r\n--", boundary.as_bytes()].concat(),
            // The first boundary has no line's end before it; this one stands for it.
            buffer: BytesMut::from(LINE_END),
            state: State::Preamble,
            parts: 0,
        }
    }

    /// Takes the next bytes of the body.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.state != State::Done {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// What comes next, or nothing until more bytes have come. To be called until nothing comes.
    pub fn next_piece(&mut self) -> Result<Option<Piece>, MultipartError> {
        loop {
            let piece = match self.state {
                State::Preamble => self.preamble()?,
                State::Behind => self.behind()?,
                State::Head => self.head()?,
                State::Data => self.data(),
                State::Done => Step::Wait,
            };
            match piece {
                Step::Piece(piece) => return Ok(Some(piece)),
                Step::Wait => return Ok(None),
                Step::Again => {}
            }
        }
    }

    /// The body has ended.
    pub fn finish(&self) -> Result<(), MultipartError> {
        if self.state == State::Done {
            Ok(())
        } else {
            Err(MultipartError::Truncated)
        }
    }

    fn preamble(&mut self) -> Result<Step, MultipartError> {
        if let Some(at) = find(&self.buffer, &self.delimiter) {
            self.buffer.advance(at + self.delimiter.len());
            self.state = State::Behind;
            return Ok(Step::Again);
        }
        if self.buffer.len() > PREAMBLE_BYTES_MAX {
            return Err(MultipartError::Preamble);
        }
        Ok(Step::Wait)
    }

    fn behind(&mut self) -> Result<Step, MultipartError> {
        if self.buffer.len() < 2 {
            return Ok(Step::Wait);
        }
        let mark = self.buffer.split_to(2);
        match &mark[..] {
            LINE_END => {
                self.parts += 1;
                if self.parts > PARTS_MAX {
                    return Err(MultipartError::Parts);
                }
                self.state = State::Head;
                Ok(Step::Again)
            }
            b"--" => {
                self.state = State::Done;
                self.buffer.clear();
                Ok(Step::Piece(Piece::End))
            }
            _ => Err(MultipartError::Boundary),
        }
    }

    fn head(&mut self) -> Result<Step, MultipartError> {
        let Some(at) = find(&self.buffer, HEAD_END) else {
            if self.buffer.len() > PART_HEAD_BYTES_MAX {
                return Err(MultipartError::HeadSize);
            }
            return Ok(Step::Wait);
        };
        if at > PART_HEAD_BYTES_MAX {
            return Err(MultipartError::HeadSize);
        }
        let head = PartHead::parse(&self.buffer[..at])?;
        self.buffer.advance(at + HEAD_END.len());
        self.state = State::Data;
        Ok(Step::Piece(Piece::Part(head)))
    }

    fn data(&mut self) -> Step {
        if let Some(at) = find(&self.buffer, &self.delimiter) {
            if at > 0 {
                return Step::Piece(Piece::Data(self.buffer.split_to(at).freeze()));
            }
            self.buffer.advance(self.delimiter.len());
            self.state = State::Behind;
            return Step::Again;
        }
        // The last bytes may be the beginning of a boundary.
        let sure = self.buffer.len().saturating_sub(self.delimiter.len() - 1);
        if sure == 0 {
            return Step::Wait;
        }
        Step::Piece(Piece::Data(self.buffer.split_to(sure).freeze()))
    }
}

enum Step {
    Piece(Piece),
    Wait,
    Again,
}

/// Where `wanted`, which begins with a carriage return, begins in `bytes`.
fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + bytes.get(from..)?.iter().position(|byte| *byte == b'\r')?;
        if bytes.len() - at < wanted.len() {
            return None;
        }
        if bytes[at..].starts_with(wanted) {
            return Some(at);
        }
        from = at + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "--XX\r\n\
        Content-Disposition: form-data; name=\"bundleConf\"; filename=\"bundle.conf\"\r\n\r\n\
        name = shop\r\n\
        --XX\r\n\
        Content-Disposition: form-data; name=\"bundleConfOverlay\"\r\n\r\n\
        \r\n\
        --XX\r\n\
        Content-Disposition: form-data; name=\"bundle\"; filename=\"a.zip\"\r\n\
        Content-Type: application/octet-stream\r\n\r\n\
        PK\r\n--X\r--XX\r\r\n--\r\n\
        --XX--\r\nwhatever";

    /// Name and content of each part, and what went wrong.
    type Parts = Vec<(String, Vec<u8>)>;

    fn read(body: &[u8], size: usize) -> (Parts, Result<(), MultipartError>) {
        let mut parser = Parser::new("XX");
        let mut parts: Vec<(String, Vec<u8>)> = Vec::new();
        let mut ended = false;
        for bytes in body.chunks(size) {
            parser.push(bytes);
            loop {
                match parser.next_piece() {
                    Err(error) => return (parts, Err(error)),
                    Ok(None) => break,
                    Ok(Some(Piece::Part(head))) => parts.push((head.name, Vec::new())),
                    Ok(Some(Piece::Data(data))) => {
                        parts
                            .last_mut()
                            .expect("a part began")
                            .1
                            .extend_from_slice(&data);
                    }
                    Ok(Some(Piece::End)) => {
                        assert!(!std::mem::replace(&mut ended, true), "a body ends once");
                    }
                }
            }
        }
        (parts, parser.finish())
    }

    #[test]
    fn parts_come_out_the_same_however_the_body_is_cut() {
        for size in 1..BODY.len() {
            let (parts, end) = read(BODY.as_bytes(), size);
            let names: Vec<&str> = parts.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names, ["bundleConf", "bundleConfOverlay", "bundle"]);
            assert_eq!(parts[0].1, b"name = shop");
            assert_eq!(parts[1].1, b"");
            assert_eq!(parts[2].1, b"PK\r\n--X\r--XX\r\r\n--");
            assert_eq!(end, Ok(()));
        }
    }

    #[test]
    fn a_body_that_was_cut_off_is_noticed() {
        let whole = BODY.find("--XX--").expect("it ends") + 6;
        for length in 0..whole {
            let (_, end) = read(&BODY.as_bytes()[..length], 100);
            assert_eq!(end, Err(MultipartError::Truncated), "{length}");
        }
    }

    #[test]
    fn everything_but_content_has_a_bound() {
        let refused = |body: &[u8]| read(body, 1000).1.unwrap_err();
        assert_eq!(refused(&[b'x'; 5000]), MultipartError::Preamble);
        let head = [b"--XX\r\nA: ".as_slice(), &[b'x'; 20_000]].concat();
        assert_eq!(refused(&head), MultipartError::HeadSize);
        let part = "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n";
        assert_eq!(
            refused(part.repeat(10_000).as_bytes()),
            MultipartError::Parts
        );
        assert_eq!(refused(b"--XXx\r\n"), MultipartError::Boundary);
        assert_eq!(refused(b"--XX\r\nnonsense\r\n\r\n"), MultipartError::Head);
    }

    #[test]
    fn content_is_passed_on_and_not_kept() {
        let mut parser = Parser::new("XX");
        parser.push(b"--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n");
        let mut passed = 0;
        for _ in 0..64 {
            parser.push(&[b'\r'; 16 * 1024]);
            while let Some(piece) = parser.next_piece().expect("content is anything") {
                if let Piece::Data(data) = piece {
                    passed += data.len();
                }
            }
            assert!(parser.buffer.len() < 16);
        }
        assert!(passed > 64 * 16 * 1024 - 16);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_can_be_pushed(
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400),
            size in 1..50_usize,
        ) {
            let _ = read(&bytes, size);
            let _ = read(&[BODY.as_bytes(), &bytes].concat(), size);
        }
    }
}
