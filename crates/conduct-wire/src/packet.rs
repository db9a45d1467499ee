//! A packet: the version, then sections.

use bytes::{BufMut, Bytes, BytesMut};

use crate::sections::{self, Section, SectionsError};

/// The version that this build speaks. It changes only when an older reader could no longer tell
/// sections apart; new kinds of sections need no new version.
pub const VERSION: u8 = 1;

/// What a packet takes before its first section.
pub const HEADER_BYTES: usize = 1;

/// Why bytes are no packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PacketError {
    /// Written by a build that speaks differently.
    #[error("version {0} is unknown, this build speaks {VERSION}")]
    UnknownVersion(u8),
    /// Nothing there.
    #[error("an empty packet")]
    Empty,
    /// The version is known, what follows it is broken.
    #[error("the sections are broken")]
    Sections(#[source] SectionsError),
}

/// A packet being written, up to a limit.
#[derive(Debug)]
pub struct PacketWriter {
    bytes: BytesMut,
    limit: usize,
}

impl PacketWriter {
    /// An empty packet that may grow to `limit` bytes.
    pub fn new(limit: usize) -> PacketWriter {
        assert!(
            limit > HEADER_BYTES,
            "a packet of {limit} bytes has no room for anything"
        );
        let mut bytes = BytesMut::with_capacity(limit.min(crate::DATAGRAM_BYTES_MAX));
        bytes.put_u8(VERSION);
        PacketWriter { bytes, limit }
    }

    /// Whether no section has been written yet.
    pub fn is_empty(&self) -> bool {
        self.bytes.len() == HEADER_BYTES
    }

    /// Whether a section with a body of `body` bytes still fits.
    pub fn fits(&self, body: usize) -> bool {
        self.bytes.len() + sections::section_bytes(body) <= self.limit
    }

    /// How long the body of one more section may be.
    pub fn room(&self) -> usize {
        self.limit
            .saturating_sub(self.bytes.len() + sections::HEADER_BYTES_MAX)
    }

    /// Appends a section, or says `false` and leaves everything as it was when it does not fit.
    #[must_use]
    pub fn section(&mut self, kind: u16, body: &[u8]) -> bool {
        let fits = self.fits(body.len());
        if fits {
            sections::write(&mut self.bytes, kind, body);
        }
        fits
    }

    /// The packet.
    pub fn finish(self) -> Bytes {
        self.bytes.freeze()
    }
}

/// A packet of one section, however long.
pub fn single(kind: u16, body: &[u8]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(HEADER_BYTES + sections::section_bytes(body.len()));
    bytes.put_u8(VERSION);
    sections::write(&mut bytes, kind, body);
    bytes.freeze()
}

/// Reads a packet; all of its sections or, where anything is wrong, none.
pub fn read(bytes: &Bytes) -> Result<Vec<Section>, PacketError> {
    match bytes.first() {
        None => Err(PacketError::Empty),
        Some(&VERSION) => {
            sections::read(&bytes.slice(HEADER_BYTES..)).map_err(PacketError::Sections)
        }
        Some(&version) => Err(PacketError::UnknownVersion(version)),
    }
}

/// What was not understood, for whoever watches the cluster. Nothing of it had an effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Strangers {
    /// Packets of an unknown version.
    pub versions: u64,
    /// Sections of an unknown kind; the rest of their packets was read.
    pub kinds: u64,
    /// Packets that are broken.
    pub packets: u64,
    /// Sections of a known kind whose message is broken.
    pub messages: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_takes_sections_up_to_its_limit_and_no_byte_more() {
        let mut packet = PacketWriter::new(20);
        assert!(packet.is_empty());
        assert!(packet.section(7, b"0123456789"));
        assert!(packet.fits(3) && !packet.fits(4));
        assert!(!packet.section(8, b"0123"));
        assert!(packet.section(8, b"012"));
        let bytes = packet.finish();
        assert_eq!(bytes.len(), 20);
        let kinds: Vec<u16> = read(&bytes).unwrap().iter().map(|s| s.kind).collect();
        assert_eq!(kinds, [7, 8]);
    }

    #[test]
    fn whatever_fills_the_room_fits() {
        let mut packet = PacketWriter::new(crate::DATAGRAM_BYTES_MAX);
        let body = vec![1; packet.room()];
        assert!(packet.section(1, &body));
        assert!(packet.finish().len() <= crate::DATAGRAM_BYTES_MAX);
    }

    #[test]
    fn another_version_is_refused_whatever_follows() {
        let mut bytes = single(1, b"hello").to_vec();
        bytes[0] = VERSION + 1;
        assert_eq!(
            read(&bytes.into()),
            Err(PacketError::UnknownVersion(VERSION + 1))
        );
        assert_eq!(read(&Bytes::new()), Err(PacketError::Empty));
    }
}
