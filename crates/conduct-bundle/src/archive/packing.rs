//! What is to become an archive: collected in any order, written in one.

use std::collections::BTreeMap;
use std::io::{Read, Seek, Write};

use super::content::Content;
use super::error::{ArchiveError, Defect, Rule};
use super::limits::Limits;
use super::path::{EntryPath, Named, check_names};
use super::reader::Archive;
use super::stamp::{Mode, Stamp};
use super::trailer::Trailer;
use super::writer::{ArchiveWriter, Written};

/// The descriptor's file name, which also marks the root of a bundle.
pub const CONF_NAME: &str = "bundle.conf";
/// The script that is sourced before a start.
pub const SCRIPT_NAME: &str = "runtime-config.sh";

/// Files and folders on their way into an archive.
///
/// Equal paths, modes, contents and stamp give equal bytes: entries are written in the order of
/// their names (`bundle.conf` of the top first, since readers take the first they meet), all with
/// the one stamp, all stored as they are. Nothing depends on time zone, umask, or the order in
/// which things were added. Adding a path again replaces what was there.
///
/// [`Packing::write_to`] reads contents one after the other and may be called repeatedly, for
/// example once into [`std::io::sink`] to learn the digest.
pub struct Packing<'a> {
    folder: Option<EntryPath>,
    stamp: Stamp,
    items: BTreeMap<EntryPath, Item<'a>>,
}

/// One file or folder in a [`Packing`].
pub struct Item<'a> {
    /// Its permissions.
    pub mode: Mode,
    /// What is in it; `None` for a folder.
    pub content: Option<Box<dyn Content + 'a>>,
}

impl<'a> Packing<'a> {
    /// Nothing yet. All that is added will stand in the one top folder `folder`, or at the top
    /// itself if that is empty.
    pub fn new(folder: &str, stamp: Stamp) -> Result<Packing<'a>, ArchiveError> {
        let folder = if folder.is_empty() {
            None
        } else {
            Some(entry_path(folder)?)
        };
        Ok(Packing {
            folder,
            stamp,
            items: BTreeMap::new(),
        })
    }

    /// Adds a file from memory.
    pub fn bytes(
        &mut self,
        path: &str,
        mode: Mode,
        bytes: impl Into<Vec<u8>>,
    ) -> Result<(), ArchiveError> {
        self.file(path, mode, Box::new(bytes.into()))
    }

    /// Adds a file; `path` is relative to the top folder.
    pub fn file(
        &mut self,
        path: &str,
        mode: Mode,
        content: Box<dyn Content + 'a>,
    ) -> Result<(), ArchiveError> {
        let path = self.placed(path)?;
        self.items.insert(
            path,
            Item {
                mode,
                content: Some(content),
            },
        );
        Ok(())
    }

    /// Adds a folder. Only those that stay empty become entries: the others are implied.
    pub fn folder(&mut self, path: &str) -> Result<(), ArchiveError> {
        let path = self.placed(path)?;
        self.items.insert(
            path,
            Item {
                mode: Mode::PROGRAM,
                content: None,
            },
        );
        Ok(())
    }

    /// Adds everything below the root of another archive, with its modes. To change a file of it,
    /// add that one again afterwards.
    pub fn archive<R: Read + Seek>(&mut self, archive: &'a Archive<R>) -> Result<(), ArchiveError> {
        for entry in archive.entries() {
            match entry.path.below(archive.root()) {
                None => {}
                Some(path) if entry.is_folder => self.folder(path)?,
                Some(path) => self.file(path, entry.mode, archive.content(entry))?,
            }
        }
        Ok(())
    }

    /// Takes a file or folder out again; says whether it was there.
    pub fn remove(&mut self, path: &str) -> bool {
        self.placed(path)
            .is_ok_and(|path| self.items.remove(&path).is_some())
    }

    /// Whether something has been added at `path`.
    pub fn contains(&self, path: &str) -> bool {
        self.placed(path)
            .is_ok_and(|path| self.items.contains_key(&path))
    }

    /// What will be written, in its order, with full paths. For other formats than zip.
    pub fn items(&self) -> impl Iterator<Item = (&EntryPath, &Item<'a>)> {
        let conf = self.placed(CONF_NAME).ok();
        let conf = conf.and_then(|path| self.items.get_key_value(&path));
        let first = conf.map(|(path, _)| path);
        let others = self
            .items
            .iter()
            .filter(move |(path, _)| Some(*path) != first);
        conf.into_iter()
            .chain(others.filter(|(path, item)| !self.is_implied(path, item)))
    }

    /// The stamp of all entries.
    pub fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// Writes the archive, if its names and their number are such that it can be unpacked again.
    /// `out` is never sought, so it may be a pipe; on an error what was
    /// written is worthless.
    pub fn write_to(&self, out: &mut dyn Write, trailer: Trailer) -> Result<Written, ArchiveError> {
        let named = self.items().map(|(path, item)| Named {
            path,
            is_folder: item.content.is_none(),
        });
        let count = check_names(named)
            .map_err(|(path, rule)| ArchiveError::entry(path.as_str().as_bytes(), rule))?;
        let entries_max = Limits::default().entries;
        if count > entries_max {
            return Err(ArchiveError::Archive(Defect::Entries(entries_max)));
        }
        let mut writer = ArchiveWriter::new(out, self.stamp);
        for (path, item) in self.items() {
            match &item.content {
                None => writer.folder(path.as_str(), item.mode)?,
                Some(content) => writer.file(path.as_str(), item.mode, content.as_ref())?,
            }
        }
        writer.finish(trailer)
    }

    fn placed(&self, path: &str) -> Result<EntryPath, ArchiveError> {
        match &self.folder {
            None => entry_path(path),
            // Both are checked by themselves first, so that an empty or absolute path is not
            // made harmless by what it is appended to.
            Some(folder) => entry_path(path).and_then(|_| entry_path(&format!("{folder}/{path}"))),
        }
    }

    fn is_implied(&self, path: &EntryPath, item: &Item<'_>) -> bool {
        // `path/` and not `path`, since other names may sort between a folder and its content.
        let inside = format!("{path}/");
        let range = (
            std::ops::Bound::Excluded(inside.as_str()),
            std::ops::Bound::Unbounded,
        );
        item.content.is_none()
            && self
                .items
                .range::<str, _>(range)
                .next()
                .is_some_and(|(next, _)| next.as_str().starts_with(&inside))
    }
}

fn entry_path(path: &str) -> Result<EntryPath, ArchiveError> {
    path.parse()
        .map_err(|rule: Rule| ArchiveError::entry(path.as_bytes(), rule))
}
