//! Where one request ends and the next begins, judged before anybody parses them.
//!
//! A parser that is kind to what is not quite right, in front of or behind one that is kind in
//! another way, lets one caller write the beginning of the next caller's request. So the bytes of
//! a connection pass through here first, in step with the parser behind: heads line by line, and
//! contents by their length or their chunks. What has two meanings is refused; the parser gets to
//! see a byte that it refuses in turn, answers 400 and closes the connection.
//!
//! It stops looking where HTTP/1 ends: behind the preface of HTTP/2, which has frames with
//! lengths, and behind a request without content to speak something else. Whoever serves the
//! connection closes it when the answer is no.

mod chunks;
mod head;

use chunks::Chunks;
use head::{Framing, Head};

/// What HTTP/2 begins with.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Reads a connection's bytes along, in whatever pieces they come.
#[derive(Debug, Default)]
pub struct Guard {
    state: State,
    /// How much of the preface the connection began with, as long as it is only that.
    preface: Option<usize>,
}

/// What a look at some bytes came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// They may be parsed.
    Plain,
    /// From this place on they may not.
    Refused(usize),
}

#[derive(Debug)]
enum State {
    Head(Head),
    /// So many bytes of content are left.
    Length(u64),
    Chunks(Chunks),
    /// No HTTP/1 any more.
    Past,
    Refused,
}

impl Default for State {
    fn default() -> State {
        State::Head(Head::default())
    }
}

/// What is made of a byte or a part.
enum Step<T> {
    More,
    Done(T),
    Wrong,
}

impl Guard {
    /// The guard of a connection that has just begun.
    pub fn new() -> Guard {
        Guard {
            state: State::default(),
            preface: Some(0),
        }
    }

    /// Whether the connection speaks HTTP/1 no longer.
    pub fn is_past(&self) -> bool {
        matches!(self.state, State::Past)
    }

    /// Looks at the next bytes of the connection.
    pub fn look(&mut self, bytes: &[u8]) -> Verdict {
        let mut at = 0;
        while at < bytes.len() {
            if self.in_preface(bytes[at]) {
                at += 1;
                continue;
            }
            match &mut self.state {
                State::Length(left) => {
                    let here = (bytes.len() - at) as u64;
                    let taken = here.min(*left);
                    *left -= taken;
                    at += taken as usize;
                    if *left == 0 {
                        self.state = State::default();
                    }
                }
                State::Past => return Verdict::Plain,
                State::Refused => return Verdict::Refused(at),
                State::Chunks(chunks) => {
                    let skipped = chunks.skip(bytes.len() - at);
                    if skipped > 0 {
                        at += skipped;
                        continue;
                    }
                    match chunks.push(bytes[at]) {
                        Step::More => {}
                        Step::Done(()) => self.state = State::default(),
                        Step::Wrong => return self.refuse(at),
                    }
                    at += 1;
                }
                State::Head(head) => {
                    match head.push(bytes[at]) {
                        Step::More => {}
                        Step::Done(framing) => self.state = State::behind(framing),
                        Step::Wrong => return self.refuse(at),
                    }
                    at += 1;
                }
            }
        }
        Verdict::Plain
    }

    fn refuse(&mut self, at: usize) -> Verdict {
        self.state = State::Refused;
        Verdict::Refused(at)
    }

    /// Whether the connection has said nothing but a part of the preface so far. The parser sees
    /// the preface too, so nothing is kept from it; `PRI` alone is no method that anybody routes.
    fn in_preface(&mut self, byte: u8) -> bool {
        let Some(seen) = self.preface else {
            return false;
        };
        if PREFACE.get(seen) == Some(&byte) {
            self.preface = Some(seen + 1);
            if seen + 1 == PREFACE.len() {
                self.state = State::Past;
                self.preface = None;
            }
            return true;
        }
        self.preface = None;
        // What looked like a preface was the beginning of a head.
        if let State::Head(head) = &mut self.state {
            for known in &PREFACE[..seen] {
                if !matches!(head.push(*known), Step::More) {
                    self.state = State::Refused;
                    break;
                }
            }
        }
        false
    }
}

impl State {
    fn behind(framing: Framing) -> State {
        match framing {
            Framing::Nothing | Framing::Length(0) => State::default(),
            Framing::Length(bytes) => State::Length(bytes),
            Framing::Chunked => State::Chunks(Chunks::default()),
            Framing::SomethingElse => State::Past,
        }
    }
}

#[cfg(test)]
mod tests;
