//! Content in chunks: a size in hex digits, so many bytes, and again, until a size of nothing and
//! an empty line.

use super::Step;

/// Digits of a size that no chunk exceeds.
const SIZE_DIGITS_MAX: usize = 12;
/// What may stand behind the last chunk, all lines together.
const TRAILER_BYTES_MAX: usize = 8 * 1024;

/// Content in chunks, as far as it was read.
#[derive(Debug)]
pub(super) struct Chunks {
    state: State,
    /// Bytes of the present line behind the last chunk, and of all of them.
    line_bytes: usize,
    trailer_bytes: usize,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// In a size: its value and digits so far.
    Size { value: u64, digits: usize },
    /// Behind the return after a size.
    SizeEnd { value: u64 },
    /// So many bytes of a chunk are left.
    Data { left: u64 },
    /// Behind a chunk: a return.
    DataReturn,
    /// Behind a chunk and a return: a newline.
    DataEnd,
    /// In the lines behind the last chunk.
    Trailer,
    /// Behind a return there.
    TrailerEnd,
}

const BEGIN: State = State::Size {
    value: 0,
    digits: 0,
};

impl Default for Chunks {
    fn default() -> Chunks {
        Chunks {
            state: BEGIN,
            line_bytes: 0,
            trailer_bytes: 0,
        }
    }
}

impl Chunks {
    /// Passes over so many bytes of a chunk, `here` at most.
    pub(super) fn skip(&mut self, here: usize) -> usize {
        let State::Data { left } = &mut self.state else {
            return 0;
        };
        let taken = (here as u64).min(*left);
        *left -= taken;
        if *left == 0 {
            self.state = State::DataReturn;
        }
        taken as usize
    }

    pub(super) fn push(&mut self, byte: u8) -> Step<()> {
        let next = match (self.state, byte) {
            // Extensions of chunks mean nothing to anybody, and each parser ends them elsewhere.
            (State::Size { value, digits }, b'\r') if digits > 0 => State::SizeEnd { value },
            (State::Size { value, digits }, byte) if digits < SIZE_DIGITS_MAX => {
                let Some(digit) = char::from(byte).to_digit(16) else {
                    return Step::Wrong;
                };
                State::Size {
                    value: value * 16 + u64::from(digit),
                    digits: digits + 1,
                }
            }
            (State::SizeEnd { value: 0 }, b'\n') => State::Trailer,
            (State::SizeEnd { value }, b'\n') => State::Data { left: value },
            (State::DataReturn, b'\r') => State::DataEnd,
            (State::DataEnd, b'\n') => BEGIN,
            (State::Trailer, b'\r') => State::TrailerEnd,
            (State::Trailer, b'\n' | 0) => return Step::Wrong,
            (State::Trailer, b' ' | b'\t') if self.line_bytes == 0 => return Step::Wrong,
            (State::Trailer, _) => {
                self.line_bytes += 1;
                self.trailer_bytes += 1;
                if self.trailer_bytes > TRAILER_BYTES_MAX {
                    return Step::Wrong;
                }
                State::Trailer
            }
            (State::TrailerEnd, b'\n') => {
                if self.line_bytes == 0 {
                    return Step::Done(());
                }
                self.line_bytes = 0;
                State::Trailer
            }
            _ => return Step::Wrong,
        };
        self.state = next;
        Step::More
    }
}
