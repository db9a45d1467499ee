//! The state folder: one daemon, nobody else's eyes, a place for everything.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};

use crate::error::StoreError;

/// Only the daemon's user looks in here.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// A state folder that this process holds until it is dropped or dies.
#[derive(Debug)]
pub struct StateFolder {
    path: PathBuf,
    _lock: Flock<File>,
}

impl StateFolder {
    /// Takes the folder, making it where there is none. Two daemons never share one.
    pub fn take(path: &Path) -> Result<StateFolder, StoreError> {
        let read_only = |source: io::Error| StoreError::ReadOnly {
            folder: path.to_owned(),
            source,
        };
        make_folder(path).map_err(read_only)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(FILE_MODE)
            .open(path.join("lock"))
            .map_err(read_only)?;
        let in_use = |_| StoreError::InUse {
            folder: path.to_owned(),
        };
        let mut lock = Flock::lock(lock, FlockArg::LockExclusiveNonblock).map_err(in_use)?;
        note_holder(&mut lock).map_err(read_only)?;
        for part in ["archives", "incoming"] {
            make_folder(&path.join(part)).map_err(read_only)?;
        }
        Ok(StateFolder {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The process that holds a folder, if any does.
pub fn holder(path: &Path) -> Result<Option<u32>, StoreError> {
    let lock_path = path.join("lock");
    let failed = || StoreError::at("read", &lock_path);
    let lock = match File::open(&lock_path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(failed())?,
    };
    match Flock::lock(lock, FlockArg::LockSharedNonblock) {
        // Nobody holds it, and whoever is noted in it is gone.
        Ok(_) => Ok(None),
        Err(_) => {
            let text = fs::read_to_string(&lock_path).map_err(failed())?;
            Ok(text.trim().parse().ok())
        }
    }
}

fn note_holder(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    lock.write_all(format!("{}\n", std::process::id()).as_bytes())
}

fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(FOLDER_MODE)
        .create(path)?;
    if fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(FOLDER_MODE))?;
    }
    Ok(())
}

/// Makes a rename or a removal last: the folder itself has to reach the disk.
pub(crate) fn sync_folder(path: &Path) -> Result<(), StoreError> {
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(StoreError::at("sync", path))
}

/// Opens a file that only the daemon reads.
pub(crate) fn create(path: &Path) -> Result<File, StoreError> {
    OpenOptions::new()
        .create(true)
        .read(true)
        .write(true)
        .truncate(false)
        .mode(FILE_MODE)
        .custom_flags(nix::libc::O_NOFOLLOW)
        .open(path)
        .map_err(StoreError::at("open", path))
}

/// Closes a file to everybody else.
pub(crate) fn private(path: &Path) -> Result<(), StoreError> {
    fs::set_permissions(path, fs::Permissions::from_mode(FILE_MODE))
        .map_err(StoreError::at("close to others", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_daemon_is_refused_until_the_first_is_gone() {
        let place = tempfile::tempdir().unwrap();
        let first = StateFolder::take(place.path()).unwrap();
        let second = StateFolder::take(place.path()).unwrap_err();
        assert_eq!(
            second.to_string(),
            format!("another daemon uses {}", place.path().display())
        );
        assert_eq!(holder(place.path()).unwrap(), Some(std::process::id()));
        drop(first);
        assert_eq!(holder(place.path()).unwrap(), None);
        assert!(StateFolder::take(place.path()).is_ok());
    }

    #[test]
    fn nobody_else_looks_into_the_folder() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("state");
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let _held = StateFolder::take(&path).unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            FOLDER_MODE
        );
    }
}
