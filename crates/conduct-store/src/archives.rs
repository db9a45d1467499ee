//! Archives by their digest.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use conduct_model::Digest;
use sha2::{Digest as _, Sha256};

use crate::error::StoreError;
use crate::folder::{StateFolder, sync_folder};
use crate::incoming::{Incoming, file_name, hash};
use crate::space::free_bytes;

/// Uploads are called so while they arrive; what a dead daemon left of them is removed.
const UPLOAD: &str = "upload-";
/// What came from peers is called so, and is gone on with.
const FETCH: &str = "fetch-";

/// The archives of one node.
#[derive(Debug)]
pub struct Archives {
    archives: PathBuf,
    incoming: PathBuf,
    max_bytes: u64,
    uploads: AtomicU64,
}

/// An archive opened for reading.
#[derive(Debug)]
pub struct ArchiveFile {
    /// Stands at the offset that was asked for.
    pub file: File,
    /// The whole length.
    pub length_bytes: u64,
}

/// What a look at an archive found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scrubbed {
    /// It is what its name says.
    Good,
    /// It was something else, and is set aside: no reader sees it any more.
    Damaged,
    /// It is not there.
    Absent,
}

impl Archives {
    /// Opens the archives of a state folder and removes what dead uploads left.
    pub fn open(folder: &StateFolder, max_bytes: u64) -> Result<Archives, StoreError> {
        let archives = Archives {
            archives: folder.path().join("archives"),
            incoming: folder.path().join("incoming"),
            max_bytes,
            uploads: AtomicU64::new(0),
        };
        for path in list(&archives.incoming)? {
            if name(&path).starts_with(UPLOAD) {
                fs::remove_file(&path).map_err(StoreError::at("remove", &path))?;
            }
        }
        Ok(archives)
    }

    /// What is here: digest and length of each. Every file was verified before it got its name.
    pub fn holdings(&self) -> Result<Vec<(Digest, u64)>, StoreError> {
        let mut found = Vec::new();
        for path in list(&self.archives)? {
            let Some(digest) = name(&path)
                .strip_suffix(".zip")
                .and_then(|name| name.parse().ok())
            else {
                continue;
            };
            let file = fs::metadata(&path).map_err(StoreError::at("look at", &path))?;
            found.push((digest, file.len()));
        }
        found.sort_unstable();
        Ok(found)
    }

    /// What is free for more of them.
    pub fn free_bytes(&self) -> Result<u64, StoreError> {
        free_bytes(&self.archives)
    }

    /// Where the archive is, if it is here.
    pub fn path(&self, digest: Digest) -> Option<PathBuf> {
        let path = self.archives.join(file_name(digest));
        path.is_file().then_some(path)
    }

    /// Opens an archive at an offset; nothing when it is not here or shorter.
    pub fn read(&self, digest: Digest, offset: u64) -> Result<Option<ArchiveFile>, StoreError> {
        let Some(path) = self.path(digest) else {
            return Ok(None);
        };
        let failed = || StoreError::at("read", &path);
        let mut file = File::open(&path).map_err(failed())?;
        let length_bytes = file.metadata().map_err(failed())?.len();
        if offset > length_bytes {
            return Ok(None);
        }
        file.seek(SeekFrom::Start(offset)).map_err(failed())?;
        Ok(Some(ArchiveFile { file, length_bytes }))
    }

    /// Begins to take an upload.
    pub fn upload(&self) -> Result<Incoming, StoreError> {
        let number = self.uploads.fetch_add(1, Ordering::Relaxed);
        let part = self.incoming.join(format!("{UPLOAD}{number}"));
        Incoming::upload(part, &self.archives, self.max_bytes)
    }

    /// Begins to take an archive from a peer, or goes on with it.
    pub fn fetch(&self, digest: Digest) -> Result<Incoming, StoreError> {
        let part = self.incoming.join(format!("{FETCH}{digest}"));
        Incoming::resume(part, &self.archives, self.max_bytes)
    }

    /// Forgets what came of an archive so far.
    pub fn abandon_fetch(&self, digest: Digest) -> Result<(), StoreError> {
        remove_if_there(&self.incoming.join(format!("{FETCH}{digest}")))
    }

    /// Removes an archive for good.
    pub fn delete(&self, digest: Digest) -> Result<(), StoreError> {
        remove_if_there(&self.archives.join(file_name(digest)))?;
        sync_folder(&self.archives)
    }

    /// Hashes an archive again and sets it aside if it is not what its name says.
    pub fn scrub(&self, digest: Digest) -> Result<Scrubbed, StoreError> {
        let Some(path) = self.path(digest) else {
            return Ok(Scrubbed::Absent);
        };
        let failed = || StoreError::at("read", &path);
        let mut file = File::open(&path).map_err(failed())?;
        let mut hasher = Sha256::new();
        hash(&mut file, &mut hasher).map_err(failed())?;
        if Digest::from_bytes(hasher.finalize().into()) == digest {
            return Ok(Scrubbed::Good);
        }
        let aside = self.incoming.join(format!("damaged-{digest}"));
        fs::rename(&path, &aside).map_err(StoreError::at("set aside", &path))?;
        sync_folder(&self.archives)?;
        Ok(Scrubbed::Damaged)
    }
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let entries = fs::read_dir(folder).map_err(StoreError::at("list", folder))?;
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(StoreError::at("list", folder))?.path());
    }
    Ok(paths)
}

fn name(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
}

fn remove_if_there(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(StoreError::at("remove", path)(source))
        }
        _ => Ok(()),
    }
}
