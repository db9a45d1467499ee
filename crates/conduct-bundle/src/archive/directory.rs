//! Reads an archive's directory from bytes that a stranger sent, and refuses what cannot be
//! unpacked safely before anything is.
//!
//! Zip has several places that say the same, and tools that believe different ones see different
//! archives in the same bytes. So everything that could be read in two ways is refused here.

use super::error::{ArchiveError, Defect, Rule};
use super::format::{
    CENTRAL_SIGNATURE, DEFLATED, End, FLAG_ENCRYPTED, Fields, IN_ZIP64, LOCAL_BYTES, STORED,
    find_zip64,
};
use super::limits::{Limits, Meter};
use super::path::{EntryPath, Named, check_names};
use super::stamp::{Mode, Stamp};

/// A file or folder in an archive, as the directory describes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Where it stands.
    pub path: EntryPath,
    /// A folder has no content.
    pub is_folder: bool,
    /// Its permissions; usual ones where the archive has none.
    pub mode: Mode,
    /// When it was changed.
    pub stamp: Stamp,
    /// Its size. A claim until it has been read.
    pub bytes: u64,
    /// Its size in the archive.
    pub packed_bytes: u64,
    pub(crate) crc: u32,
    pub(crate) method: u16,
    /// Where its own header begins …
    pub(crate) offset: u64,
    /// … and where the next thing in the archive does.
    pub(crate) bound: u64,
}

/// Reads and judges all entries of `directory`.
pub(crate) fn read_directory(
    directory: &[u8],
    end: &End,
    limits: &Limits,
) -> Result<Vec<Entry>, ArchiveError> {
    let damaged = || ArchiveError::Archive(Defect::Damaged("directory"));
    let mut fields = Fields(directory);
    let mut entries = Vec::with_capacity(usize::try_from(end.entries).map_err(|_| damaged())?);
    for _ in 0..end.entries {
        let header = Header::read(&mut fields).ok_or_else(damaged)?;
        let entry = header
            .judge()
            .map_err(|rule| ArchiveError::entry(header.name, rule))?;
        entries.push(entry);
    }
    if !fields.0.is_empty() {
        return Err(damaged());
    }
    let named = entries.iter().map(|entry| Named {
        path: &entry.path,
        is_folder: entry.is_folder,
    });
    let count = check_names(named)
        .map_err(|(path, rule)| ArchiveError::entry(path.as_str().as_bytes(), rule))?;
    if count > limits.entries {
        return Err(ArchiveError::Archive(Defect::Entries(limits.entries)));
    }
    check_overlap(&mut entries, end.directory_offset)?;
    let mut claimed = Meter::default();
    for entry in &entries {
        check_claims(entry, &mut claimed, limits)
            .map_err(|rule| ArchiveError::entry(entry.path.as_str().as_bytes(), rule))?;
    }
    Ok(entries)
}

/// A line of the directory as it stands there.
struct Header<'a> {
    name: &'a [u8],
    flags: u16,
    method: u16,
    dos_time: u16,
    dos_date: u16,
    crc: u32,
    packed_bytes: u64,
    bytes: u64,
    disk: u16,
    attributes: u32,
    offset: u64,
}

impl<'a> Header<'a> {
    fn read(fields: &mut Fields<'a>) -> Option<Header<'a>> {
        if fields.u32()? != CENTRAL_SIGNATURE {
            return None;
        }
        fields.skip(4)?;
        let (flags, method) = (fields.u16()?, fields.u16()?);
        let (dos_time, dos_date) = (fields.u16()?, fields.u16()?);
        let (crc, packed, size) = (fields.u32()?, fields.u32()?, fields.u32()?);
        let (name_len, extra_len, comment_len) = (fields.u16()?, fields.u16()?, fields.u16()?);
        let disk = fields.u16()?;
        fields.skip(2)?;
        let (attributes, offset) = (fields.u32()?, fields.u32()?);
        let name = fields.take(name_len.into())?;
        let extra = fields.take(extra_len.into())?;
        fields.skip(comment_len.into())?;

        let mut long = find_zip64(extra);
        let mut full = |short: u32| match short {
            IN_ZIP64 => long.as_mut().and_then(Fields::u64),
            short => Some(short.into()),
        };
        // The record holds only what did not fit, in this order.
        let (bytes, packed_bytes, offset) = (full(size)?, full(packed)?, full(offset)?);
        Some(Header {
            name,
            flags,
            method,
            dos_time,
            dos_date,
            crc,
            packed_bytes,
            bytes,
            disk,
            attributes,
            offset,
        })
    }

    fn judge(&self) -> Result<Entry, Rule> {
        let (name, has_slash) = match self.name {
            [name @ .., b'/'] => (name, true),
            name => (name, false),
        };
        let path = EntryPath::from_bytes(name)?;
        let unix = self.attributes >> 16;
        let is_folder = has_slash || is_folder(unix)?;
        if is_folder && (self.bytes, self.packed_bytes) != (0, 0) && self.bytes != 0 {
            return Err(Rule::FolderContent);
        }
        if self.flags & FLAG_ENCRYPTED != 0 {
            return Err(Rule::Encrypted);
        }
        if self.disk != 0 {
            return Err(Rule::Disagree("disk"));
        }
        match self.method {
            STORED if self.bytes != self.packed_bytes => return Err(Rule::Disagree("size")),
            STORED | DEFLATED => {}
            other => return Err(Rule::Method(other)),
        }
        let mode = match (unix, is_folder) {
            // From a system that knows no modes.
            (0, true) => Mode::PROGRAM,
            (0, false) => Mode::FILE,
            (unix, _) => Mode::from_unix(unix),
        };
        Ok(Entry {
            path,
            is_folder,
            mode,
            stamp: Stamp::from_dos(self.dos_time, self.dos_date),
            bytes: self.bytes,
            packed_bytes: self.packed_bytes,
            crc: self.crc,
            method: self.method,
            offset: self.offset,
            bound: 0,
        })
    }
}

/// What the type bits of a Unix mode say. Links are not followed but refused: what they lead to is
/// decided where they are unpacked, not where they are checked.
fn is_folder(unix_mode: u32) -> Result<bool, Rule> {
    match unix_mode & 0o170_000 {
        0 | 0o100_000 => Ok(false),
        0o040_000 => Ok(true),
        0o120_000 => Err(Rule::Link),
        0o020_000 => Err(Rule::Special("character device")),
        0o060_000 => Err(Rule::Special("block device")),
        0o010_000 => Err(Rule::Special("FIFO")),
        0o140_000 => Err(Rule::Special("socket")),
        _ => Err(Rule::Special("file of unknown kind")),
    }
}

/// Refuses by what the directory admits already. Its lies come out when the bytes are counted.
fn check_claims(entry: &Entry, all: &mut Meter, limits: &Limits) -> Result<(), Rule> {
    let depth = entry.path.parts().count();
    if depth > limits.depth {
        return Err(Rule::Deep {
            depth,
            max: limits.depth,
        });
    }
    let own = Meter {
        packed: entry.packed_bytes,
        unpacked: entry.bytes,
    };
    own.check(limits)?;
    all.packed = all.packed.saturating_add(own.packed);
    all.unpacked = all.unpacked.saturating_add(own.unpacked);
    all.check(limits)
}

/// Gives each entry the bytes up to the next one and refuses those that reach further: a few
/// kilobytes shared by thousands of entries would unpack to terabytes.
fn check_overlap(entries: &mut [Entry], directory_offset: u64) -> Result<(), ArchiveError> {
    let mut by_offset: Vec<usize> = (0..entries.len()).collect();
    by_offset.sort_unstable_by_key(|index| (entries[*index].offset, *index));
    let mut bound = directory_offset;
    for index in by_offset.into_iter().rev() {
        let entry = &mut entries[index];
        let header = (LOCAL_BYTES + entry.path.as_str().len()) as u64;
        let end = entry
            .offset
            .checked_add(header)
            .and_then(|at| at.checked_add(entry.packed_bytes));
        if end.is_none_or(|end| end > bound) {
            return Err(ArchiveError::entry(
                entry.path.as_str().as_bytes(),
                Rule::Overlap,
            ));
        }
        entry.bound = bound;
        bound = entry.offset;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::format::Record;

    #[test]
    fn entries_beyond_the_old_format_read_back() {
        let limits = Limits {
            total_bytes: u64::MAX,
            ..Limits::default()
        };
        let sizes = [
            (3, 0),
            (5 << 30, 100),
            (0xffff_ffff, 6 << 30),
            (7, 11 << 30),
        ];
        let mut directory = Vec::new();
        for (index, (bytes, offset)) in sizes.into_iter().enumerate() {
            let name = &format!("a/{index}");
            let (mode, stamp) = (Mode::FILE, Stamp::EARLIEST);
            Record {
                name,
                mode,
                stamp,
                crc: 1,
                bytes,
                offset,
            }
            .central(&mut directory);
        }
        let end = End {
            entries: 4,
            directory_bytes: directory.len() as u64,
            directory_offset: 12 << 30,
        };
        let entries = read_directory(&directory, &end, &limits).unwrap();
        let read: Vec<_> = entries
            .iter()
            .map(|entry| (entry.bytes, entry.offset))
            .collect();
        assert_eq!(read, sizes);
        assert_eq!(entries[1].bound, 6 << 30);
        assert!(read_directory(&directory, &end, &Limits::default()).is_err());
    }
}
