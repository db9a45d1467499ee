//! What can go wrong on a disk, as far as someone would act on it.

use std::io;
use std::path::{Path, PathBuf};

use conduct_model::Digest;

/// Why the disk did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another daemon holds the folder.
    #[error("another daemon uses {folder}")]
    InUse {
        /// The state folder.
        folder: PathBuf,
    },
    /// The folder cannot be written.
    #[error("{folder} cannot be written")]
    ReadOnly {
        /// The state folder.
        folder: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// No room is left.
    #[error("no room is left for {path}")]
    NoSpace {
        /// What was being written.
        path: PathBuf,
    },
    /// The disk failed.
    #[error("could not {what} {path}")]
    Disk {
        /// What was tried.
        what: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The records' file does not do as asked.
    #[error("the records in {path} cannot be used")]
    Records {
        /// The file.
        path: PathBuf,
        /// What the database said.
        source: Box<redb::Error>,
    },
    /// The bytes that came are not those that were announced.
    #[error("the archive should be {expected}, its contents hash to {actual}")]
    Digest {
        /// What it was called.
        expected: Digest,
        /// What it is.
        actual: Digest,
    },
    /// More came than may come.
    #[error("the archive is larger than {max_bytes} bytes")]
    TooLarge {
        /// The most that is taken.
        max_bytes: u64,
    },
}

/// What the brain must know of a failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StoreFailure {
    /// Room may come back.
    NoSpace,
    /// The disk itself.
    Disk,
}

impl StoreError {
    /// Puts the path to what the kernel said; a full disk is a matter of its own.
    pub(crate) fn at(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::NoSpace {
                path: path.to_owned(),
            },
            _ => StoreError::Disk {
                what,
                path: path.to_owned(),
                source,
            },
        }
    }

    /// Whether room would help.
    pub fn failure(&self) -> StoreFailure {
        match self {
            StoreError::NoSpace { .. } => StoreFailure::NoSpace,
            _ => StoreFailure::Disk,
        }
    }
}
