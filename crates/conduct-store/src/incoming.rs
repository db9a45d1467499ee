//! Archives on their way in: hashed while they arrive, visible only when they are what they should be.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use conduct_model::Digest;
use sha2::{Digest as _, Sha256};

use crate::error::StoreError;
use crate::folder::{create, sync_folder};

/// What is read at once when a part is hashed again.
pub(crate) const CHUNK_BYTES: usize = 256 * 1024;

/// An archive of which a part is here. Dropped unfinished, an upload leaves nothing behind; what
/// came from a peer stays, so that the rest can be fetched later.
#[derive(Debug)]
pub struct Incoming {
    part: PathBuf,
    archives: PathBuf,
    file: File,
    hasher: Sha256,
    length_bytes: u64,
    max_bytes: u64,
    keep_part: bool,
    finished: bool,
}

/// An archive that is whole and synced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Received {
    /// What it is.
    pub digest: Digest,
    /// How long it is.
    pub length_bytes: u64,
}

impl Incoming {
    /// Begins an upload, whose digest is known at its end only.
    pub(crate) fn upload(
        part: PathBuf,
        archives: &Path,
        max_bytes: u64,
    ) -> Result<Incoming, StoreError> {
        let file = create(&part)?;
        file.set_len(0).map_err(StoreError::at("empty", &part))?;
        Ok(Incoming {
            part,
            archives: archives.to_owned(),
            file,
            hasher: Sha256::new(),
            length_bytes: 0,
            max_bytes,
            keep_part: false,
            finished: false,
        })
    }

    /// Goes on with what came from a peer before, hashing it anew.
    pub(crate) fn resume(
        part: PathBuf,
        archives: &Path,
        max_bytes: u64,
    ) -> Result<Incoming, StoreError> {
        let mut file = create(&part)?;
        let mut hasher = Sha256::new();
        let length_bytes = hash(&mut file, &mut hasher).map_err(StoreError::at("read", &part))?;
        Ok(Incoming {
            part,
            archives: archives.to_owned(),
            file,
            hasher,
            length_bytes,
            max_bytes,
            keep_part: true,
            finished: false,
        })
    }

    /// How much is here: where a fetch goes on.
    pub fn length_bytes(&self) -> u64 {
        self.length_bytes
    }

    /// Where the part is, for whoever sends it on while it arrives.
    pub fn part(&self) -> &Path {
        &self.part
    }

    /// Takes the next bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let length_bytes = self.length_bytes + bytes.len() as u64;
        if length_bytes > self.max_bytes {
            self.keep_part = false;
            return Err(StoreError::TooLarge {
                max_bytes: self.max_bytes,
            });
        }
        self.file
            .write_all(bytes)
            .map_err(StoreError::at("write", &self.part))?;
        self.hasher.update(bytes);
        self.length_bytes = length_bytes;
        Ok(())
    }

    /// Takes back the last bytes, which turned out not to belong to the archive.
    pub fn truncate(&mut self, length_bytes: u64) -> Result<(), StoreError> {
        let failed = || StoreError::at("shorten", &self.part);
        self.file.set_len(length_bytes).map_err(failed())?;
        self.file.seek(SeekFrom::Start(0)).map_err(failed())?;
        self.hasher = Sha256::new();
        self.length_bytes = hash(&mut self.file, &mut self.hasher).map_err(failed())?;
        Ok(())
    }

    /// What came so far hashes to this.
    pub fn digest(&self) -> Digest {
        Digest::from_bytes(self.hasher.clone().finalize().into())
    }

    /// Makes the archive visible if it is what it should be; else nothing of it stays.
    pub fn finish(mut self, expected: Digest) -> Result<Received, StoreError> {
        let actual = self.digest();
        if actual != expected {
            self.keep_part = false;
            return Err(StoreError::Digest { expected, actual });
        }
        self.file
            .sync_all()
            .map_err(StoreError::at("sync", &self.part))?;
        let target = self.archives.join(file_name(actual));
        fs::rename(&self.part, &target).map_err(StoreError::at("rename", &self.part))?;
        self.finished = true;
        sync_folder(&self.archives)?;
        Ok(Received {
            digest: actual,
            length_bytes: self.length_bytes,
        })
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if !self.finished
            && !self.keep_part
            && let Err(why) = fs::remove_file(&self.part)
        {
            tracing::warn!(part = %self.part.display(), %why, "a part could not be removed");
        }
    }
}

/// How an archive's file is called.
pub(crate) fn file_name(digest: Digest) -> String {
    format!("{digest}.zip")
}

/// Hashes a file from where it stands to its end.
pub(crate) fn hash(file: &mut impl Read, hasher: &mut Sha256) -> std::io::Result<u64> {
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut length = 0;
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(length),
            read => {
                hasher.update(&chunk[..read]);
                length += read as u64;
            }
        }
    }
}
