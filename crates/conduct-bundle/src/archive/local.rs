//! The header that stands before each entry's content, and has to agree with the directory.

use super::directory::Entry;
use super::error::Rule;
use super::format::{
    FLAG_DESCRIPTOR, FLAG_ENCRYPTED, Fields, IN_ZIP64, LOCAL_SIGNATURE, find_zip64,
};

/// The lengths of the name and of the extra field behind a header.
pub(crate) fn local_lens(header: &[u8]) -> Option<(usize, usize)> {
    let mut fields = Fields(header);
    if fields.u32()? != LOCAL_SIGNATURE {
        return None;
    }
    fields.skip(22)?;
    Some((fields.u16()?.into(), fields.u16()?.into()))
}

/// Compares a header, its name and its extra field with what the directory says.
pub(crate) fn check_local(
    header: &[u8],
    name: &[u8],
    extra: &[u8],
    entry: &Entry,
) -> Result<(), Rule> {
    let same_name = name == entry.path.as_str().as_bytes()
        || (entry.is_folder && name.strip_suffix(b"/") == Some(entry.path.as_str().as_bytes()));
    if !same_name {
        return Err(Rule::Disagree("name"));
    }
    let read = || {
        let mut fields = Fields(header);
        fields.skip(6)?;
        let (flags, method) = (fields.u16()?, fields.u16()?);
        fields.skip(4)?;
        Some((flags, method, fields.u32()?, fields.u32()?, fields.u32()?))
    };
    let (flags, method, crc, packed, bytes) = read().ok_or(Rule::Damaged)?;
    if method != entry.method {
        return Err(Rule::Disagree("compression method"));
    }
    if flags & FLAG_ENCRYPTED != 0 {
        return Err(Rule::Encrypted);
    }
    if flags & FLAG_DESCRIPTOR != 0 {
        return Ok(());
    }
    let mut long = find_zip64(extra);
    let mut full = |short: u32| match short {
        IN_ZIP64 => long.as_mut().and_then(Fields::u64),
        short => Some(short.into()),
    };
    let (bytes, packed) = (full(bytes), full(packed));
    if (bytes, packed) != (Some(entry.bytes), Some(entry.packed_bytes)) {
        return Err(Rule::Disagree("size"));
    }
    if crc == entry.crc {
        Ok(())
    } else {
        Err(Rule::Disagree("checksum"))
    }
}
