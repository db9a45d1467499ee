//! Zip files byte by byte, with every field open to lies.

use flate2::Crc;

/// An entry, and what is said about it in the two places.
#[derive(Clone)]
pub(crate) struct Raw {
    pub(crate) name: Vec<u8>,
    /// What stands in the archive.
    pub(crate) content: Vec<u8>,
    pub(crate) flags: u16,
    pub(crate) method: u16,
    pub(crate) crc: u32,
    pub(crate) packed: u32,
    pub(crate) bytes: u32,
    /// The upper half of the attributes.
    pub(crate) unix_mode: u32,
    /// The local header, where it differs.
    pub(crate) local: Option<Box<Raw>>,
    /// Where the directory says that it begins, if not where it does.
    pub(crate) offset: Option<u32>,
}

impl Raw {
    pub(crate) fn stored(name: impl AsRef<[u8]>, content: &[u8]) -> Raw {
        let mut crc = Crc::new();
        crc.update(content);
        let len = content.len() as u32;
        Raw {
            name: name.as_ref().to_vec(),
            content: content.to_vec(),
            flags: 0,
            method: 0,
            crc: crc.sum(),
            packed: len,
            bytes: len,
            unix_mode: 0o100_644,
            local: None,
            offset: None,
        }
    }

    pub(crate) fn deflated(name: impl AsRef<[u8]>, content: &[u8]) -> Raw {
        use std::io::Write;
        let mut encoder =
            flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(content).unwrap();
        let packed = encoder.finish().unwrap();
        let plain = Raw::stored(name, content);
        Raw {
            method: 8,
            packed: packed.len() as u32,
            content: packed,
            ..plain
        }
    }

    /// Changes what the directory and the local header say alike.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Raw)) -> Raw {
        change(&mut self);
        self
    }

    /// Changes what the local header says.
    pub(crate) fn local(mut self, change: impl FnOnce(&mut Raw)) -> Raw {
        let mut local = self.clone();
        change(&mut local);
        self.local = Some(Box::new(local));
        self
    }

    fn common(&self, out: &mut Vec<u8>) {
        for half in [20, self.flags, self.method, 0, 0x21] {
            out.extend(half.to_le_bytes());
        }
        for word in [self.crc, self.packed, self.bytes] {
            out.extend(word.to_le_bytes());
        }
        out.extend((self.name.len() as u16).to_le_bytes());
        out.extend(0u16.to_le_bytes());
    }

    fn local_bytes(&self) -> Vec<u8> {
        let said = self.local.as_deref().unwrap_or(self);
        let mut out = b"PK\x03\x04".to_vec();
        said.common(&mut out);
        out.extend(&said.name);
        out.extend(&self.content);
        out
    }

    fn central_bytes(&self, offset: u32) -> Vec<u8> {
        let mut out = b"PK\x01\x02\x14\x03".to_vec();
        self.common(&mut out);
        out.extend([0; 6]);
        out.extend((self.unix_mode << 16).to_le_bytes());
        out.extend(self.offset.unwrap_or(offset).to_le_bytes());
        out.extend(&self.name);
        out
    }
}

/// The archive of these entries.
pub(crate) fn zip(entries: &[Raw]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut directory = Vec::new();
    for entry in entries {
        directory.extend(entry.central_bytes(out.len() as u32));
        out.extend(entry.local_bytes());
    }
    let offset = out.len() as u32;
    out.extend(&directory);
    out.extend(end(
        entries.len() as u16,
        directory.len() as u32,
        offset,
        b"",
    ));
    out
}

/// An end record.
pub(crate) fn end(entries: u16, bytes: u32, offset: u32, comment: &[u8]) -> Vec<u8> {
    let mut out = b"PK\x05\x06\0\0\0\0".to_vec();
    out.extend(entries.to_le_bytes());
    out.extend(entries.to_le_bytes());
    out.extend(bytes.to_le_bytes());
    out.extend(offset.to_le_bytes());
    out.extend((comment.len() as u16).to_le_bytes());
    out.extend(comment);
    out
}
