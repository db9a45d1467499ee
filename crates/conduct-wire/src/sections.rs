//! A row of sections: kind, length, bytes.
//!
//! The kind takes two bytes, the length one to four: seven bits of it in each, lowest first, the
//! high bit set in all but the last. Whoever reads must either know a kind or be able to do
//! without it.

use bytes::{BufMut, Bytes, BytesMut};

use crate::FRAME_BYTES_MAX;

/// The most that a section's header takes: kind and length.
pub const HEADER_BYTES_MAX: usize = 2 + LENGTH_BYTES_MAX;

/// Four times seven bits are more than any section may have.
const LENGTH_BYTES_MAX: usize = 4;

/// One section of a row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Section {
    /// What it is; the reader's table says what that means.
    pub kind: u16,
    /// What it says.
    pub body: Bytes,
}

/// Why bytes are no row of sections.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SectionsError {
    /// They end within a section.
    #[error("the last section is cut off")]
    Truncated,
    /// A length that is longer than anything may be, or written with more bytes than it needs.
    #[error("a section's length is malformed")]
    Length,
    /// The whole is longer than anything may be.
    #[error("{0} bytes are more than fit into a message")]
    Long(usize),
}

/// How many bytes a section with a body of `body` bytes takes.
pub const fn section_bytes(body: usize) -> usize {
    2 + length_bytes(body) + body
}

const fn length_bytes(length: usize) -> usize {
    match length {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        0x4000..0x20_0000 => 3,
        _ => 4,
    }
}

/// Appends a section. Whoever calls has made sure that it fits.
pub fn write(row: &mut BytesMut, kind: u16, body: &[u8]) {
    assert!(
        body.len() <= FRAME_BYTES_MAX,
        "a section of {} bytes",
        body.len()
    );
    row.reserve(section_bytes(body.len()));
    row.put_u16(kind);
    let mut rest = body.len();
    while rest >= 0x80 {
        row.put_u8((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    row.put_u8(rest as u8);
    row.put_slice(body);
}

/// Reads all sections or none: a row with any flaw has no effect at all. The bodies share the
/// memory of `bytes`.
pub fn read(bytes: &Bytes) -> Result<Vec<Section>, SectionsError> {
    if bytes.len() > FRAME_BYTES_MAX {
        return Err(SectionsError::Long(bytes.len()));
    }
    let mut sections = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let header = bytes.get(at..at + 2).ok_or(SectionsError::Truncated)?;
        let kind = u16::from_be_bytes([header[0], header[1]]);
        let (length, taken) = read_length(&bytes[at + 2..])?;
        let start = at + 2 + taken;
        let end = start + length;
        if end > bytes.len() {
            return Err(SectionsError::Truncated);
        }
        sections.push(Section {
            kind,
            body: bytes.slice(start..end),
        });
        at = end;
    }
    Ok(sections)
}

/// The length at the beginning of `bytes`, and how many bytes it takes itself. Each length has
/// one spelling only, so that equal rows are equal bytes.
fn read_length(bytes: &[u8]) -> Result<(usize, usize), SectionsError> {
    let mut length = 0;
    for (i, byte) in bytes.iter().take(LENGTH_BYTES_MAX).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            let taken = i + 1;
            return if length <= FRAME_BYTES_MAX && length_bytes(length) == taken {
                Ok((length, taken))
            } else {
                Err(SectionsError::Length)
            };
        }
    }
    if bytes.len() < LENGTH_BYTES_MAX {
        Err(SectionsError::Truncated)
    } else {
        Err(SectionsError::Length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(sections: &[(u16, usize)]) -> Bytes {
        let mut row = BytesMut::new();
        for (kind, length) in sections {
            write(&mut row, *kind, &vec![*kind as u8; *length]);
        }
        row.freeze()
    }

    #[test]
    fn a_row_reads_back_at_every_size_of_length() {
        let written = [
            (1, 0),
            (2, 127),
            (3, 128),
            (4, 16_383),
            (5, 16_384),
            (0xffff, 5),
        ];
        let bytes = row(&written);
        let total: usize = written
            .iter()
            .map(|(_, length)| section_bytes(*length))
            .sum();
        assert_eq!(bytes.len(), total);
        let read: Vec<(u16, usize)> = read(&bytes)
            .unwrap()
            .iter()
            .map(|s| (s.kind, s.body.len()))
            .collect();
        assert_eq!(read, written);
    }

    #[test]
    fn a_row_that_is_cut_off_anywhere_else_than_between_sections_is_refused() {
        let bytes = row(&[(1, 3), (2, 200)]);
        for cut in 1..bytes.len() {
            let outcome = read(&bytes.slice(..cut));
            if cut == section_bytes(3) {
                assert_eq!(outcome.unwrap().len(), 1);
            } else {
                assert_eq!(outcome, Err(SectionsError::Truncated), "cut at {cut}");
            }
        }
    }

    #[test]
    fn a_length_has_one_spelling() {
        let padded = Bytes::from_static(&[0, 1, 0x80, 0x00]);
        assert_eq!(read(&padded), Err(SectionsError::Length));
        let endless = Bytes::from_static(&[0, 1, 0xff, 0xff, 0xff, 0xff, 0xff]);
        assert_eq!(read(&endless), Err(SectionsError::Length));
    }

    #[test]
    fn bytes_beyond_the_longest_message_are_not_even_looked_at() {
        let long = Bytes::from(vec![0; FRAME_BYTES_MAX + 1]);
        assert_eq!(read(&long), Err(SectionsError::Long(FRAME_BYTES_MAX + 1)));
    }
}
