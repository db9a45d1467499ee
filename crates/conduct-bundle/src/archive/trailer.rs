//! The digest that archives carry behind their last byte: a newline, `sha-256/`, 64 hex digits.
//!
//! Zip tools tolerate it, and it is not part of what is digested. It is searched in the last
//! hundred bytes only, as `conduct` has always done.

use std::io::{self, Read, Seek, SeekFrom};

use conduct_model::Digest;
use sha2::{Digest as _, Sha256};

/// How much of the end is looked at.
const TAIL_BYTES: usize = 100;
const MARK: &str = "sha-256/";

/// Whether an archive that is written ends in its digest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trailer {
    /// As every file and stream that `bndl` and `shazar` write.
    Append,
    /// As it travels to a server, under a name with its digest.
    Omit,
}

/// A well-formed trailer at the end of some bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Found {
    /// What it says.
    pub digest: Digest,
    /// Its length, newline included: what has to go before the rest is an archive.
    pub bytes: u64,
}

/// The text to append to an archive with this digest.
pub fn trailer_text(digest: Digest) -> String {
    format!("\n{MARK}{digest}")
}

/// Looks for a trailer in the last bytes of an archive. Of `tail` only the last hundred count.
pub fn find_trailer(tail: &[u8]) -> Option<Found> {
    let tail = &tail[tail.len().saturating_sub(TAIL_BYTES)..];
    let newline = tail.iter().rposition(|byte| *byte == b'\n')?;
    let line = std::str::from_utf8(&tail[newline + 1..]).ok()?;
    let digest = line.strip_prefix(MARK)?.parse().ok()?;
    Some(Found {
        digest,
        bytes: (tail.len() - newline) as u64,
    })
}

/// The same for something with an end to seek. Leaves the position at the start.
pub fn find_trailer_in(reader: &mut (impl Read + Seek)) -> io::Result<Option<Found>> {
    let end = reader.seek(SeekFrom::End(0))?;
    let start = end.saturating_sub(TAIL_BYTES as u64);
    reader.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::with_capacity(TAIL_BYTES);
    reader.by_ref().take(end - start).read_to_end(&mut tail)?;
    reader.rewind()?;
    Ok(find_trailer(&tail))
}

/// Hashes an archive that arrives piece by piece, of which nobody knows until its last byte
/// whether it has a trailer. All pieces are to be stored as they come; what has to be cut off in
/// the end, [`Arrived`] says.
#[derive(Clone)]
pub struct Arriving {
    /// All but the last bytes, which may turn out to be a trailer.
    hasher: Sha256,
    held: Vec<u8>,
    bytes: u64,
}

/// What an archive that has arrived came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arrived {
    /// All bytes, a trailer included.
    pub whole: Hashed,
    /// The bytes before the trailer, where there is one, and what it says.
    pub bare: Option<(Hashed, Digest)>,
}

/// A number of bytes from the start, and their digest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hashed {
    /// Their SHA-256.
    pub digest: Digest,
    /// How many.
    pub bytes: u64,
}

impl Default for Arriving {
    fn default() -> Arriving {
        Arriving {
            hasher: Sha256::new(),
            held: Vec::with_capacity(2 * TAIL_BYTES),
            bytes: 0,
        }
    }
}

impl Arriving {
    /// Takes the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        self.bytes += piece.len() as u64;
        if piece.len() >= TAIL_BYTES {
            let (hashed, held) = piece.split_at(piece.len() - TAIL_BYTES);
            self.hasher.update(&self.held);
            self.hasher.update(hashed);
            self.held.clear();
            self.held.extend_from_slice(held);
            return;
        }
        self.held.extend_from_slice(piece);
        let surplus = self.held.len().saturating_sub(TAIL_BYTES);
        self.hasher.update(&self.held[..surplus]);
        self.held.drain(..surplus);
    }

    /// How many bytes came so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// All is here.
    pub fn finish(self) -> Arrived {
        let content = |cut: u64| {
            let mut hasher = self.hasher.clone();
            hasher.update(&self.held[..self.held.len() - cut as usize]);
            Hashed {
                digest: Digest::from_bytes(hasher.finalize().into()),
                bytes: self.bytes - cut,
            }
        };
        let bare = find_trailer(&self.held).map(|found| (content(found.bytes), found.digest));
        Arrived {
            whole: content(0),
            bare,
        }
    }
}

impl Arrived {
    /// How many bytes to keep, if they are the archive with the digest `expected`. As it came is
    /// tried first, then without its trailer: files named by `shazar` carry one, and plain clients
    /// send it along.
    pub fn keep(&self, expected: Digest) -> Option<u64> {
        let bare = self.bare.map(|(content, _)| content);
        let candidates = [Some(self.whole), bare];
        let fitting = candidates
            .into_iter()
            .flatten()
            .find(|found| found.digest == expected);
        fitting.map(|found| found.bytes)
    }

    /// The archive proper: what stands before the trailer, or all of it.
    pub fn content(&self) -> Hashed {
        self.bare.map_or(self.whole, |(content, _)| content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"PK: pretend that this is a zip file of some length, it is only hashed";

    fn with_trailer() -> Vec<u8> {
        [BODY, trailer_text(Digest::of(BODY)).as_bytes()].concat()
    }

    #[test]
    fn a_trailer_is_found_and_says_how_long_it_is() {
        let found = find_trailer(&with_trailer()).unwrap();
        assert_eq!(
            found,
            Found {
                digest: Digest::of(BODY),
                bytes: 73
            }
        );
        let mut file = io::Cursor::new(with_trailer());
        assert_eq!(find_trailer_in(&mut file).unwrap(), Some(found));
    }

    #[test]
    fn what_only_looks_like_a_trailer_is_content() {
        let digest = Digest::of(BODY);
        for tail in [
            String::new(),
            format!("sha-256/{digest}"),
            format!("\nsha-256/{digest}\n"),
            format!("\nsha-256/{digest} "),
            format!("\nsha-256/{digest}0"),
            "\nsha-256/".to_owned(),
            format!("\nsha-512/{digest}"),
            format!("\nsha-256/{digest}{}", " ".repeat(40)),
        ] {
            assert_eq!(find_trailer(tail.as_bytes()), None, "{tail:?}");
        }
    }

    #[test]
    fn arriving_in_any_pieces_comes_to_the_same() {
        let sent = with_trailer();
        for size in [1, 7, 72, 73, 74, 99, 100, 101, 1000] {
            let mut arriving = Arriving::default();
            sent.chunks(size).for_each(|piece| arriving.push(piece));
            let arrived = arriving.finish();
            assert_eq!(arrived.whole.digest, Digest::of(&sent));
            assert_eq!(arrived.keep(Digest::of(BODY)), Some(BODY.len() as u64));
            assert_eq!(arrived.keep(Digest::of(&sent)), Some(sent.len() as u64));
            assert_eq!(arrived.keep(Digest::of(b"other")), None);
            assert_eq!(arrived.content().digest, Digest::of(BODY));
        }
    }

    #[test]
    fn without_a_trailer_all_is_content() {
        let mut arriving = Arriving::default();
        arriving.push(BODY);
        let arrived = arriving.finish();
        assert_eq!(arrived.bare, None);
        assert_eq!(arrived.content().digest, Digest::of(BODY));
    }
}
