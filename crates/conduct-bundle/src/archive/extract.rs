//! Unpacks an archive into a new folder: all of it or nothing, and nothing beside it.

use std::fs;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::beneath::Beneath;
use super::digest::BUFFER_BYTES;
use super::directory::Entry;
use super::error::ArchiveError;
use super::limits::Meter;
use super::reader::Archive;

/// What came out of an archive.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Extracted {
    /// Where `bundle.conf` is: the target or its folder that is the archive's root.
    pub root: PathBuf,
    /// How many files.
    pub files: u64,
    /// Their bytes together.
    pub bytes: u64,
}

/// Unpacks everything in `archive` into the folder `target`, which must not exist.
///
/// Files grow in `<target>.part`, which becomes `target` when all are complete and were what the
/// archive's directory said; on any error it is removed. One that a crash left behind is removed
/// by the next try, so nobody else may unpack to the same target meanwhile. Nothing is synced to
/// disk. Links, devices and set-user-id bits never come out of an archive.
pub fn extract<R: Read + Seek>(
    archive: &Archive<R>,
    target: &Path,
) -> Result<Extracted, ArchiveError> {
    if target.symlink_metadata().is_ok() {
        let exists = io::ErrorKind::AlreadyExists.into();
        return Err(ArchiveError::file("create", target)(exists));
    }
    let part = part_path(target);
    match fs::remove_dir_all(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(ArchiveError::file("remove", part)(error));
        }
        _ => {}
    }
    let filled = fill(archive, &part).and_then(|total| {
        fs::rename(&part, target).map_err(ArchiveError::file("create", target))?;
        Ok(total)
    });
    if filled.is_err() {
        // What went wrong first is what the caller needs to hear; what cannot be removed now is
        // removed by the next try.
        let _ = fs::remove_dir_all(&part);
    }
    let (files, total) = filled?;
    Ok(Extracted {
        root: target.join(archive.root()),
        files,
        bytes: total.unpacked,
    })
}

fn part_path(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(".part");
    PathBuf::from(name)
}

fn fill<R: Read + Seek>(archive: &Archive<R>, part: &Path) -> Result<(u64, Meter), ArchiveError> {
    let beneath = Beneath::create(part).map_err(ArchiveError::file("create", part))?;
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut total = Meter::default();
    let mut files = 0;
    for entry in archive.entries() {
        if entry.is_folder {
            beneath
                .folder(&entry.path, entry.mode)
                .map_err(ArchiveError::file("create", part.join(entry.path.as_str())))?;
        } else {
            total = unpack(archive, entry, &beneath, part, total, &mut buffer)?;
            files += 1;
        }
    }
    Ok((files, total))
}

/// Unpacks one file, and gives the total that includes it.
fn unpack<R: Read + Seek>(
    archive: &Archive<R>,
    entry: &Entry,
    beneath: &Beneath,
    part: &Path,
    before: Meter,
    buffer: &mut [u8],
) -> Result<Meter, ArchiveError> {
    let mut reader = archive.open_entry(entry)?;
    let path = part.join(entry.path.as_str());
    let mut file = beneath
        .file(&entry.path, entry.mode)
        .map_err(ArchiveError::file("create", &path))?;
    loop {
        let count = reader.next_bytes(buffer)?;
        let own = reader.meter();
        let total = Meter {
            packed: before.packed + own.packed,
            unpacked: before.unpacked + own.unpacked,
        };
        if count == 0 {
            return Ok(total);
        }
        total
            .check(archive.limits())
            .map_err(|rule| ArchiveError::entry(entry.path.as_str().as_bytes(), rule))?;
        file.write_all(&buffer[..count])
            .map_err(ArchiveError::file("write", &path))?;
    }
}
