//! The files of an image, wherever they lie.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Take};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::spec::JSON_BYTES_MAX;
use crate::tar_index::{Kind, Place};
use crate::{ImageError, TarIndex};

/// How many links one file may hide behind.
const LINKS_MAX: usize = 8;

/// How many files a folder of tags may hold.
const LISTED_FILES_MAX: usize = 10_000;

/// A folder, or a tar that is read where it lies. Names are relative, with `/` between the parts.
#[derive(Debug, Clone)]
pub struct Files {
    place: Where,
    /// What stands before every name inside a tar: nothing, or a folder and a slash.
    prefix: String,
}

#[derive(Debug, Clone)]
enum Where {
    Folder(PathBuf),
    Tar(Arc<TarIndex>),
}

/// The content of one file.
#[derive(Debug)]
pub struct FileReader {
    content: Take<File>,
    size: u64,
}

impl Files {
    /// The files below a folder.
    pub fn folder(path: impl Into<PathBuf>) -> Files {
        Files {
            place: Where::Folder(path.into()),
            prefix: String::new(),
        }
    }

    /// The files of a tar below `prefix`: all of them if it is empty.
    pub fn tar(index: Arc<TarIndex>, prefix: &str) -> Files {
        let prefix = match prefix.trim_end_matches('/') {
            "" => String::new(),
            folder => format!("{folder}/"),
        };
        Files {
            place: Where::Tar(index),
            prefix,
        }
    }

    /// Whether there is a file of this name.
    pub fn contains(&self, name: &str) -> bool {
        match &self.place {
            Where::Folder(root) => root.join(name).is_file(),
            Where::Tar(index) => self
                .find(index, name)
                .is_ok_and(|place| place.kind == Kind::File),
        }
    }

    /// Opens a file.
    pub fn open(&self, name: &str) -> Result<FileReader, ImageError> {
        match &self.place {
            Where::Folder(root) => open_below(root, name),
            Where::Tar(index) => {
                let place = self.find(index, name)?;
                index.open(place).map_err(ImageError::read(name))
            }
        }
    }

    /// Reads a file of at most `bytes_max` into memory.
    pub fn read(&self, name: &str, bytes_max: u64) -> Result<Vec<u8>, ImageError> {
        let mut file = self.open(name)?;
        if file.size() > bytes_max {
            let max = format!("{bytes_max} bytes");
            return Err(ImageError::TooLarge {
                what: format!("the size of {name}"),
                max,
            });
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)
            .map_err(ImageError::read(name))?;
        Ok(bytes)
    }

    /// Reads a JSON file.
    pub fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T, ImageError> {
        parse(name, &self.read(name, JSON_BYTES_MAX)?)
    }

    /// The files below `folder`, sorted, by their names without it. A folder that is not there is
    /// empty.
    pub fn below(&self, folder: &str) -> Result<Vec<String>, ImageError> {
        let mut names = match &self.place {
            Where::Folder(root) => walk(&root.join(folder)).map_err(ImageError::read(folder))?,
            Where::Tar(index) => {
                let prefix = format!("{}{folder}/", self.prefix);
                let inside = index.names().filter_map(|name| name.strip_prefix(&prefix));
                inside
                    .filter(|name| self.contains(&format!("{folder}/{name}")))
                    .map(str::to_owned)
                    .collect()
            }
        };
        if names.len() > LISTED_FILES_MAX {
            let max = format!("{LISTED_FILES_MAX} files");
            return Err(ImageError::TooLarge {
                what: folder.to_owned(),
                max,
            });
        }
        names.sort();
        Ok(names)
    }

    /// Follows links inside of the tar; one that leads out of it leads nowhere.
    fn find<'a>(&self, index: &'a TarIndex, name: &str) -> Result<&'a Place, ImageError> {
        let missing = || ImageError::Missing(name.to_owned());
        let mut full = format!("{}{name}", self.prefix);
        for _ in 0..LINKS_MAX {
            let place = index.get(&full).ok_or_else(missing)?;
            full = match &place.kind {
                Kind::File => return Ok(place),
                Kind::Link(target) => beside(&full, target).ok_or_else(missing)?,
                Kind::HardLink(target) => target.clone(),
                Kind::Folder | Kind::Other(_) => return Err(missing()),
            };
        }
        Err(missing())
    }
}

impl FileReader {
    pub(crate) fn at(tar: &Path, place: &Place) -> io::Result<FileReader> {
        let mut file = File::open(tar)?;
        file.seek(SeekFrom::Start(place.offset))?;
        Ok(FileReader {
            content: file.take(place.size),
            size: place.size,
        })
    }

    /// How long the file is, in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }
}

impl Read for FileReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.content.read(buffer)
    }
}

pub(crate) fn parse<T: DeserializeOwned>(name: &str, bytes: &[u8]) -> Result<T, ImageError> {
    serde_json::from_slice(bytes).map_err(|source| ImageError::Json {
        file: name.to_owned(),
        source,
    })
}

/// Opens a file of a folder. An unpacked archive has links between its layers, so links are
/// followed, but only to what lies in the folder as well.
fn open_below(root: &Path, name: &str) -> Result<FileReader, ImageError> {
    let read = || ImageError::read(name);
    let path = match root.join(name).canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(ImageError::Missing(name.to_owned()));
        }
        other => other.map_err(read())?,
    };
    if !path.starts_with(root.canonicalize().map_err(read())?) || !path.is_file() {
        return Err(ImageError::Missing(name.to_owned()));
    }
    let file = File::open(path).map_err(read())?;
    let size = file.metadata().map_err(read())?.len();
    Ok(FileReader {
        content: file.take(size),
        size,
    })
}

fn walk(folder: &Path) -> io::Result<Vec<String>> {
    let mut files = Vec::new();
    let mut open: BTreeMap<PathBuf, String> = BTreeMap::from([(folder.to_owned(), String::new())]);
    while let Some((path, prefix)) = open.pop_first() {
        let entries = match fs::read_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            other => other?,
        };
        for entry in entries {
            let entry = entry?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let kind = entry.file_type()?;
            if kind.is_dir() {
                open.insert(entry.path(), format!("{name}/"));
            } else if kind.is_file() {
                files.push(name);
            }
        }
    }
    Ok(files)
}

/// Where a link leads that lies at `from`, if it stays inside.
fn beside(from: &str, target: &str) -> Option<String> {
    if target.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_of_an_archive_leads_to_a_file_of_the_archive_or_nowhere() {
        assert_eq!(
            beside("img/abc/layer.tar", "../def.tar").as_deref(),
            Some("img/def.tar")
        );
        assert_eq!(beside("layer.tar", "../../etc/passwd"), None);
        assert_eq!(beside("a/layer.tar", "/etc/passwd"), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leaves_the_folder_leads_nowhere() {
        let outside = tempfile::tempdir().expect("a folder");
        fs::write(outside.path().join("secret"), "x").expect("write");
        let folder = tempfile::tempdir().expect("a folder");
        let link = |to: PathBuf, name: &str| {
            std::os::unix::fs::symlink(to, folder.path().join(name)).expect("link");
        };
        fs::write(folder.path().join("layer"), "x").expect("write");
        link(outside.path().join("secret"), "out");
        link("layer".into(), "in");
        let files = Files::folder(folder.path());
        assert!(files.open("in").is_ok());
        assert!(matches!(files.open("out"), Err(ImageError::Missing(_))));
        assert!(matches!(files.open("../x"), Err(ImageError::Missing(_))));
    }
}
