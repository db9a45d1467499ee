//! Where an archive's directory is, as its end tells. It has to tell it in one way only.

use super::error::Defect;
use super::format::{
    COMMENT_BYTES_MAX, END_BYTES, END_SIGNATURE, END64_BYTES, END64_SIGNATURE, End, Fields,
    IN_ZIP64, IN_ZIP64_SHORT, LOCATOR64_BYTES, LOCATOR64_SIGNATURE,
};
use super::limits::Limits;

/// How much of an archive's end has to be looked at to find its end record.
pub(crate) const TAIL_BYTES: u64 =
    (COMMENT_BYTES_MAX + END_BYTES + LOCATOR64_BYTES + END64_BYTES) as u64;

/// The end record's place in a tail, and what it says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FoundEnd {
    pub(crate) end: End,
    /// Where the zip64 end record must be, if there is one.
    pub(crate) end64_offset: Option<u64>,
    /// Where the end records begin, and the directory has to end.
    pub(crate) records_offset: u64,
}

/// Finds the end record in `tail`, the last bytes of an archive of `len` bytes.
pub(crate) fn find_end(tail: &[u8], len: u64) -> Result<FoundEnd, Defect> {
    let mut candidates =
        (0..tail.len().saturating_sub(END_BYTES - 1)).filter(|at| ends_at(tail, *at));
    let at = candidates.next().ok_or(Defect::NoZip)?;
    if candidates.next().is_some() {
        return Err(Defect::Ambiguous);
    }
    let tail_offset = len - tail.len() as u64;
    let (end, disks) = read_end(&tail[at..]).ok_or(Defect::NoZip)?;
    if disks != [0, 0] && disks != [IN_ZIP64_SHORT; 2] {
        return Err(Defect::Disks);
    }
    let locator = at
        .checked_sub(LOCATOR64_BYTES)
        .and_then(|start| read_locator(&tail[start..at]));
    let end64_offset = locator.transpose()?;
    let needs_zip64 = end.entries == u64::from(IN_ZIP64_SHORT)
        || end.directory_bytes == u64::from(IN_ZIP64)
        || end.directory_offset == u64::from(IN_ZIP64);
    if needs_zip64 && end64_offset.is_none() && end.entries != u64::from(IN_ZIP64_SHORT) {
        return Err(Defect::Damaged("end record"));
    }
    let records_offset = end64_offset.unwrap_or(tail_offset + at as u64);
    Ok(FoundEnd {
        end,
        end64_offset,
        records_offset,
    })
}

/// Whether an end record begins here whose comment ends exactly where the archive does.
fn ends_at(tail: &[u8], at: usize) -> bool {
    let mut fields = Fields(&tail[at..]);
    fields.u32() == Some(END_SIGNATURE)
        && fields.skip(16).is_some()
        && fields.u16().map(usize::from) == Some(tail.len() - at - END_BYTES)
}

fn read_end(bytes: &[u8]) -> Option<(End, [u16; 2])> {
    let mut fields = Fields(bytes);
    fields.skip(4)?;
    let disks = [fields.u16()?, fields.u16()?];
    let (here, entries) = (fields.u16()?, fields.u16()?);
    let (directory_bytes, directory_offset) = (fields.u32()?, fields.u32()?);
    let end = End {
        entries: entries.into(),
        directory_bytes: directory_bytes.into(),
        directory_offset: directory_offset.into(),
    };
    (here == entries).then_some((end, disks))
}

fn read_locator(bytes: &[u8]) -> Option<Result<u64, Defect>> {
    let mut fields = Fields(bytes);
    if fields.u32()? != LOCATOR64_SIGNATURE {
        return None;
    }
    let (disk, offset, disks) = (fields.u32()?, fields.u64()?, fields.u32()?);
    // Some writers count no disks at all where there is one.
    Some(if disk == 0 && disks <= 1 {
        Ok(offset)
    } else {
        Err(Defect::Disks)
    })
}

/// Reads the zip64 end record, which has to agree with the short one wherever that one says
/// anything.
pub(crate) fn read_end64(bytes: &[u8], short: End) -> Result<End, Defect> {
    let damaged = Defect::Damaged("zip64 end record");
    let read = || {
        let mut fields = Fields(bytes);
        let (signature, size) = (fields.u32()?, fields.u64()?);
        fields.skip(4)?;
        let disks = [fields.u32()?, fields.u32()?];
        let (here, entries) = (fields.u64()?, fields.u64()?);
        let end = End {
            entries,
            directory_bytes: fields.u64()?,
            directory_offset: fields.u64()?,
        };
        let is_whole = signature == END64_SIGNATURE && size == END64_BYTES as u64 - 12;
        (is_whole && here == entries && disks == [0, 0]).then_some(end)
    };
    let end: End = read().ok_or(damaged.clone())?;
    let agree = |long: u64, short: u64, unsaid: u64| short == unsaid || short == long;
    let agrees = agree(end.entries, short.entries, IN_ZIP64_SHORT.into())
        && agree(end.directory_bytes, short.directory_bytes, IN_ZIP64.into())
        && agree(
            end.directory_offset,
            short.directory_offset,
            IN_ZIP64.into(),
        );
    if agrees { Ok(end) } else { Err(damaged) }
}

/// Refuses a directory that is too large or not where it has to be: right before the end records.
pub(crate) fn check_end(end: &End, records_offset: u64, limits: &Limits) -> Result<(), Defect> {
    if end.entries > limits.entries {
        return Err(Defect::Entries(limits.entries));
    }
    if end.directory_bytes > limits.directory_bytes {
        let (bytes, max) = (end.directory_bytes, limits.directory_bytes);
        return Err(Defect::Directory { bytes, max });
    }
    match end.directory_offset.checked_add(end.directory_bytes) {
        Some(after) if after == records_offset => Ok(()),
        _ => Err(Defect::Damaged("end record")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a reader finds at the end of an archive that is so large.
    fn found(end: End) -> (FoundEnd, End) {
        let records = end.encode();
        let len = end.directory_offset + end.directory_bytes + records.len() as u64;
        let found = find_end(&records, len).unwrap();
        let long = match found.end64_offset {
            None => found.end,
            Some(_) => read_end64(&records[..END64_BYTES], found.end).unwrap(),
        };
        (found, long)
    }

    #[test]
    fn sizes_beyond_the_old_format_read_back() {
        for (entries, directory_bytes, directory_offset, is_long) in [
            (0, 0, 0, false),
            (65_534, 0xffff_fffe, 0xffff_fffe, false),
            (65_535, 100, 100, true),
            (1, 0xffff_ffff, 100, true),
            (1, 100, 7 << 32, true),
        ] {
            let end = End {
                entries,
                directory_bytes,
                directory_offset,
            };
            let (found, long) = found(end);
            assert_eq!(long, end);
            assert_eq!(found.end64_offset.is_some(), is_long);
            assert_eq!(found.records_offset, directory_offset + directory_bytes);
        }
    }

    #[test]
    fn two_end_records_that_disagree_are_refused() {
        let end = End {
            entries: 70_000,
            directory_bytes: 100,
            directory_offset: 9 << 32,
        };
        let mut records = end.encode();
        let (_, long) = found(end);
        // The short record's size of the directory, which it could say.
        let at = records.len() - 10;
        records[at] = 101;
        let short = find_end(&records, records.len() as u64).unwrap().end;
        let refused = read_end64(&records[..END64_BYTES], short).unwrap_err();
        assert_eq!(refused, Defect::Damaged("zip64 end record"));
        assert_eq!(long, end);
    }
}
