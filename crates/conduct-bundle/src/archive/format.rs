//! The records of a zip file, as bytes. Only layout: no reader, no writer, no rule.
//!
//! ```text
//! local header · name · extra · content     for each entry
//! …
//! directory header · name · extra           for each entry
//! [zip64 end record · zip64 locator]        where a number does not fit below
//! end record                                22 bytes and a comment
//! ```

use super::stamp::{Mode, Stamp};

pub(crate) const LOCAL_SIGNATURE: u32 = 0x0403_4b50;
pub(crate) const CENTRAL_SIGNATURE: u32 = 0x0201_4b50;
pub(crate) const END_SIGNATURE: u32 = 0x0605_4b50;
pub(crate) const END64_SIGNATURE: u32 = 0x0606_4b50;
pub(crate) const LOCATOR64_SIGNATURE: u32 = 0x0706_4b50;

pub(crate) const LOCAL_BYTES: usize = 30;
pub(crate) const END_BYTES: usize = 22;
pub(crate) const END64_BYTES: usize = 56;
pub(crate) const LOCATOR64_BYTES: usize = 20;
pub(crate) const COMMENT_BYTES_MAX: usize = 0xffff;

/// A 32-bit field that says: look into the zip64 record.
pub(crate) const IN_ZIP64: u32 = u32::MAX;
/// The 16-bit one.
pub(crate) const IN_ZIP64_SHORT: u16 = u16::MAX;

pub(crate) const STORED: u16 = 0;
pub(crate) const DEFLATED: u16 = 8;

/// Bit 0: encrypted; bit 6: strongly so; bit 13: even the directory is.
pub(crate) const FLAG_ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;
/// Sizes and checksum stand behind the content, zeros in the local header.
pub(crate) const FLAG_DESCRIPTOR: u16 = 1 << 3;
const FLAG_UTF8: u16 = 1 << 11;

const EXTRA_ZIP64: u16 = 1;
const NEEDS_FOLDERS: u16 = 20;
const NEEDS_ZIP64: u16 = 45;
const HOST_UNIX: u16 = 3 << 8;
const DOS_FOLDER: u32 = 0x10;
const UNIX_FOLDER: u32 = 0o040_000;
const UNIX_FILE: u32 = 0o100_000;

/// One entry, as our own archives describe it.
pub(crate) struct Record<'a> {
    /// With a slash at the end for a folder.
    pub(crate) name: &'a str,
    pub(crate) mode: Mode,
    pub(crate) stamp: Stamp,
    pub(crate) crc: u32,
    pub(crate) bytes: u64,
    /// Where its local header begins.
    pub(crate) offset: u64,
}

impl Record<'_> {
    fn is_folder(&self) -> bool {
        self.name.ends_with('/')
    }

    fn size_is_long(&self) -> bool {
        self.bytes >= u64::from(IN_ZIP64)
    }

    fn short_size(&self) -> u32 {
        if self.size_is_long() {
            IN_ZIP64
        } else {
            self.bytes as u32
        }
    }

    /// Appends what both headers have in common, from the version to the extra field's length.
    fn common(&self, needs: u16, extra_len: usize, out: &mut Vec<u8>) {
        let (time, date) = self.stamp.to_dos();
        for half in [needs, FLAG_UTF8, STORED, time, date] {
            out.extend(half.to_le_bytes());
        }
        for word in [self.crc, self.short_size(), self.short_size()] {
            out.extend(word.to_le_bytes());
        }
        out.extend((self.name.len() as u16).to_le_bytes());
        out.extend((extra_len as u16).to_le_bytes());
    }

    /// The header before the content.
    pub(crate) fn local(&self) -> Vec<u8> {
        let mut extra = Vec::new();
        if self.size_is_long() {
            extra_zip64(&[self.bytes, self.bytes], &mut extra);
        }
        let needs = if extra.is_empty() {
            NEEDS_FOLDERS
        } else {
            NEEDS_ZIP64
        };
        let mut out = Vec::with_capacity(LOCAL_BYTES + self.name.len() + extra.len());
        out.extend(LOCAL_SIGNATURE.to_le_bytes());
        self.common(needs, extra.len(), &mut out);
        out.extend(self.name.as_bytes());
        out.extend(extra);
        out
    }

    /// Appends the entry's line in the directory.
    pub(crate) fn central(&self, out: &mut Vec<u8>) {
        let mut long = Vec::new();
        if self.size_is_long() {
            long.extend([self.bytes, self.bytes]);
        }
        let offset_is_long = self.offset >= u64::from(IN_ZIP64);
        if offset_is_long {
            long.push(self.offset);
        }
        let mut extra = Vec::new();
        if !long.is_empty() {
            extra_zip64(&long, &mut extra);
        }
        let needs = if extra.is_empty() {
            NEEDS_FOLDERS
        } else {
            NEEDS_ZIP64
        };
        out.extend(CENTRAL_SIGNATURE.to_le_bytes());
        out.extend((HOST_UNIX | NEEDS_ZIP64).to_le_bytes());
        self.common(needs, extra.len(), out);
        // No comment, first disk, no internal attributes.
        out.extend([0; 6]);
        out.extend(self.attributes().to_le_bytes());
        let offset = if offset_is_long {
            IN_ZIP64
        } else {
            self.offset as u32
        };
        out.extend(offset.to_le_bytes());
        out.extend(self.name.as_bytes());
        out.extend(extra);
    }

    fn attributes(&self) -> u32 {
        if self.is_folder() {
            (UNIX_FOLDER | self.mode.bits()) << 16 | DOS_FOLDER
        } else {
            (UNIX_FILE | self.mode.bits()) << 16
        }
    }
}

fn extra_zip64(numbers: &[u64], out: &mut Vec<u8>) {
    out.extend(EXTRA_ZIP64.to_le_bytes());
    out.extend((numbers.len() as u16 * 8).to_le_bytes());
    for number in numbers {
        out.extend(number.to_le_bytes());
    }
}

/// Where the directory is, as the end of an archive tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct End {
    pub(crate) entries: u64,
    pub(crate) directory_bytes: u64,
    pub(crate) directory_offset: u64,
}

impl End {
    /// What closes an archive, with the zip64 records where a number needs them.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(END64_BYTES + LOCATOR64_BYTES + END_BYTES);
        let is_long = self.entries >= u64::from(IN_ZIP64_SHORT)
            || self.directory_bytes >= u64::from(IN_ZIP64)
            || self.directory_offset >= u64::from(IN_ZIP64);
        if is_long {
            self.encode64(&mut out);
        }
        let entries = self.entries.min(u64::from(IN_ZIP64_SHORT)) as u16;
        out.extend(END_SIGNATURE.to_le_bytes());
        out.extend([0; 4]);
        out.extend(entries.to_le_bytes());
        out.extend(entries.to_le_bytes());
        for word in [self.directory_bytes, self.directory_offset] {
            out.extend((word.min(u64::from(IN_ZIP64)) as u32).to_le_bytes());
        }
        out.extend([0; 2]);
        out
    }

    fn encode64(&self, out: &mut Vec<u8>) {
        out.extend(END64_SIGNATURE.to_le_bytes());
        out.extend((END64_BYTES as u64 - 12).to_le_bytes());
        out.extend((HOST_UNIX | NEEDS_ZIP64).to_le_bytes());
        out.extend(NEEDS_ZIP64.to_le_bytes());
        out.extend([0; 8]);
        for word in [
            self.entries,
            self.entries,
            self.directory_bytes,
            self.directory_offset,
        ] {
            out.extend(word.to_le_bytes());
        }
        out.extend(LOCATOR64_SIGNATURE.to_le_bytes());
        out.extend([0; 4]);
        out.extend((self.directory_offset + self.directory_bytes).to_le_bytes());
        out.extend(1u32.to_le_bytes());
    }
}

/// Takes numbers off the front of some bytes; `None` where they end too early.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (front, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(front)
    }

    pub(crate) fn skip(&mut self, count: usize) -> Option<()> {
        self.take(count).map(|_| ())
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.take(8)?.try_into().ok().map(u64::from_le_bytes)
    }
}

/// The numbers of an extra field's zip64 part, if it has one.
pub(crate) fn find_zip64(extra: &[u8]) -> Option<Fields<'_>> {
    let mut fields = Fields(extra);
    loop {
        let (kind, len) = (fields.u16()?, fields.u16()?);
        let content = fields.take(usize::from(len))?;
        if kind == EXTRA_ZIP64 {
            return Some(Fields(content));
        }
    }
}
