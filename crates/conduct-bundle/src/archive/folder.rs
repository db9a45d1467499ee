//! Packs what lies in a folder.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::content::FileContent;
use super::error::{ArchiveError, Defect, Rule};
use super::limits::Limits;
use super::packing::Packing;
use super::stamp::Mode;

impl Packing<'_> {
    /// Adds all files below `folder`, under their paths relative to it, and folders that are
    /// empty. Links are followed. Who may execute a file is kept, the rest of its mode is the
    /// umask of whoever put it there; its time is that of all entries.
    ///
    /// Files are opened when they are written, one at a time.
    pub fn tree(&mut self, folder: &Path) -> Result<(), ArchiveError> {
        let top = canonical(folder)?;
        Walk {
            packing: self,
            count: 0,
            above: vec![top],
        }
        .folder(folder, "")
    }
}

struct Walk<'p, 'a> {
    packing: &'p mut Packing<'a>,
    count: u64,
    /// The folders that the walk is in, so that a link to one of them is not followed for ever.
    above: Vec<PathBuf>,
}

impl Walk<'_, '_> {
    fn folder(&mut self, folder: &Path, place: &str) -> Result<(), ArchiveError> {
        let unreadable = || ArchiveError::file("read", folder);
        let mut names = Vec::new();
        for entry in fs::read_dir(folder).map_err(unreadable())? {
            names.push(entry.map_err(unreadable())?.file_name());
        }
        // Only so that of several mistakes always the same one is told.
        names.sort();
        if names.is_empty() && !place.is_empty() {
            self.packing.folder(place)?;
        }
        for name in names {
            let path = folder.join(&name);
            let Some(name) = name.to_str() else {
                let bytes = name.to_string_lossy();
                return Err(ArchiveError::entry(bytes.as_bytes(), Rule::NameEncoding));
            };
            let place = if place.is_empty() {
                name.to_owned()
            } else {
                format!("{place}/{name}")
            };
            self.entry(&path, &place)?;
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path, place: &str) -> Result<(), ArchiveError> {
        self.count += 1;
        let entries_max = Limits::default().entries;
        if self.count > entries_max {
            return Err(ArchiveError::Archive(Defect::Entries(entries_max)));
        }
        let metadata = fs::metadata(path).map_err(ArchiveError::file("read", path))?;
        if metadata.is_file() {
            let mode = mode_of(path, &metadata).map_err(ArchiveError::file("read", path))?;
            return self
                .packing
                .file(place, mode, Box::new(FileContent(path.to_owned())));
        }
        if !metadata.is_dir() {
            return Err(ArchiveError::entry(
                place.as_bytes(),
                Rule::Special("special file"),
            ));
        }
        let real = canonical(path)?;
        if self.above.contains(&real) {
            return Err(ArchiveError::entry(place.as_bytes(), Rule::Loop));
        }
        self.above.push(real);
        self.folder(path, place)?;
        self.above.pop();
        Ok(())
    }
}

fn canonical(path: &Path) -> Result<PathBuf, ArchiveError> {
    fs::canonicalize(path).map_err(ArchiveError::file("read", path))
}

#[cfg(unix)]
#[expect(
    clippy::unnecessary_wraps,
    reason = "elsewhere the file has to be read"
)]
fn mode_of(_path: &Path, metadata: &Metadata) -> io::Result<Mode> {
    use std::os::unix::fs::PermissionsExt;
    Ok(Mode::from_unix(metadata.permissions().mode()).plain())
}

/// Where files have no such bit, what begins like a program is one.
#[cfg(not(unix))]
fn mode_of(path: &Path, _metadata: &Metadata) -> io::Result<Mode> {
    use std::io::Read;
    let mut start = Vec::new();
    fs::File::open(path)?.take(4).read_to_end(&mut start)?;
    let is_program = start.starts_with(b"#!") || start.starts_with(b"\x7fELF");
    Ok(if is_program {
        Mode::PROGRAM
    } else {
        Mode::FILE
    })
}
