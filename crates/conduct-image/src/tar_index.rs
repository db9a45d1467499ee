//! What lies where in a tar, so that any file of it can be read without unpacking.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use crate::ImageError;
use crate::files::FileReader;
use crate::guard::Guard;

/// More than any image archive or bundle has.
const ENTRIES_MAX: usize = 200_000;

/// A tar on disk and the places of its entries.
#[derive(Debug)]
pub struct TarIndex {
    path: PathBuf,
    entries: Vec<Place>,
    by_name: BTreeMap<String, usize>,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// As the tar has it, without `./` and without a slash at the end.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Where its content begins, in bytes from the start of the tar.
    pub offset: u64,
    /// How long its content is, in bytes.
    pub size: u64,
    /// Permission bits.
    pub mode: u32,
    /// Seconds since 1970.
    pub modified: u64,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A file with content.
    File,
    /// A folder.
    Folder,
    /// A symbolic link, relative to its own folder.
    Link(String),
    /// Another name for an earlier entry.
    HardLink(String),
    /// A device, a pipe, a file with holes: in words.
    Other(&'static str),
}

impl TarIndex {
    /// Reads the headers of the tar at `path`, skipping over the contents.
    pub fn read(path: &Path) -> Result<TarIndex, ImageError> {
        let shown = || path.display().to_string();
        let file = File::open(path).map_err(ImageError::read(shown()))?;
        let mut index = TarIndex {
            path: path.to_owned(),
            entries: Vec::new(),
            by_name: BTreeMap::new(),
        };
        index.scan(file).map_err(ImageError::read(shown()))?;
        Ok(index)
    }

    fn scan(&mut self, file: File) -> io::Result<()> {
        let (guard, allowance) = Guard::new(BufReader::with_capacity(4096, file));
        let mut archive = tar::Archive::new(guard);
        for entry in archive.entries_with_seek()? {
            let entry = entry?;
            allowance.headers_only();
            if entry.header().entry_type() == tar::EntryType::XGlobalHeader {
                continue;
            }
            if self.entries.len() == ENTRIES_MAX {
                return Err(ImageError::TooLarge {
                    what: "the number of entries".to_owned(),
                    max: format!("{ENTRIES_MAX}"),
                }
                .into());
            }
            let place = place(&entry)?;
            self.by_name.insert(place.name.clone(), self.entries.len());
            self.entries.push(place);
        }
        Ok(())
    }

    /// The tar itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All entries, as they follow each other.
    pub fn entries(&self) -> &[Place] {
        &self.entries
    }

    /// The last entry of this name: a later one replaces an earlier one.
    pub fn get(&self, name: &str) -> Option<&Place> {
        self.by_name.get(name).map(|&at| &self.entries[at])
    }

    /// Opens the content of one of the entries.
    pub fn open(&self, place: &Place) -> io::Result<FileReader> {
        FileReader::at(&self.path, place)
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }
}

fn place<R: io::Read>(entry: &tar::Entry<'_, R>) -> io::Result<Place> {
    let header = entry.header();
    let kind = match header.entry_type() {
        tar::EntryType::Regular | tar::EntryType::Continuous => Kind::File,
        tar::EntryType::Directory => Kind::Folder,
        tar::EntryType::Symlink => Kind::Link(link_target(entry)?),
        tar::EntryType::Link => Kind::HardLink(plain(&link_target(entry)?)),
        tar::EntryType::GNUSparse => Kind::Other("a file with holes"),
        tar::EntryType::Block | tar::EntryType::Char => Kind::Other("a device"),
        tar::EntryType::Fifo => Kind::Other("a pipe"),
        _ => Kind::Other("of an unknown kind"),
    };
    Ok(Place {
        name: plain(&text(&entry.path_bytes())?),
        kind,
        offset: entry.raw_file_position(),
        size: entry.size(),
        mode: header.mode()? & 0o7777,
        modified: header.mtime()?,
    })
}

fn link_target<R: io::Read>(entry: &tar::Entry<'_, R>) -> io::Result<String> {
    text(&entry.link_name_bytes().unwrap_or_default())
}

fn text(bytes: &[u8]) -> io::Result<String> {
    let text = std::str::from_utf8(bytes)
        .ok()
        .filter(|text| !text.contains('\0'));
    text.map(str::to_owned).ok_or_else(|| {
        let shown = String::from_utf8_lossy(bytes);
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("the name {shown:?} is not UTF-8"),
        )
    })
}

/// Leaves out what says nothing: `./`, doubled slashes, a slash at the end. What says something,
/// `..` and a slash in front, stays for whoever has to refuse it.
fn plain(name: &str) -> String {
    let root = if name.starts_with('/') { "/" } else { "" };
    let parts: Vec<&str> = name
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    format!("{root}{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn names_lose_what_says_nothing_and_keep_what_does() {
        for (name, expected) in [
            ("./a/b/", "a/b"),
            ("a//b", "a/b"),
            ("/etc/x", "/etc/x"),
            ("../x", "../x"),
            (".", ""),
        ] {
            assert_eq!(plain(name), expected);
        }
    }

    #[test]
    fn an_extended_header_that_claims_to_be_huge_is_not_read_into_memory() {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::XHeader);
        header.set_size(64 << 20);
        header.set_cksum();
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(header.as_bytes()).expect("write");
        file.as_file().set_len(65 << 20).expect("a hole is enough");
        let refused = TarIndex::read(file.path()).expect_err("64 MiB of header");
        let cause = std::error::Error::source(&refused)
            .expect("a cause")
            .to_string();
        assert!(cause.contains("exceed"), "{cause}");
    }
}
