//! Room on the disk: how much there is, and a little that is kept back for the day it runs out.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use nix::sys::statvfs::statvfs;

use crate::error::StoreError;
use crate::folder::create;

/// Enough for many thousand records once everything else is full.
const RESERVE_BYTES: u64 = 8 * 1024 * 1024;

/// Room that is taken before others can take it. Given up when the disk is full, so that what is
/// most needed – a life's number, a promise – can still be written; taken again when there is room.
#[derive(Debug)]
pub struct Reserve {
    path: PathBuf,
}

impl Reserve {
    /// Takes the reserve in this folder, as far as there is room for it.
    pub fn take(folder: &Path) -> Reserve {
        let reserve = Reserve {
            path: folder.join("reserve"),
        };
        if let Err(why) = reserve.fill() {
            tracing::warn!(%why, "no room to keep a reserve");
            reserve.give_up();
        }
        reserve
    }

    /// Whether the reserve is there.
    pub fn is_held(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|file| file.len() == RESERVE_BYTES)
    }

    /// Gives the room to whoever needs it more.
    pub fn give_up(&self) {
        if let Err(why) = fs::remove_file(&self.path)
            && why.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%why, "the reserve could not be given up");
        }
    }

    /// Takes the room back when twice as much is free; answers whether the reserve is there.
    pub fn restore(&self) -> bool {
        if self.is_held() {
            return true;
        }
        let roomy = self
            .path
            .parent()
            .is_some_and(|folder| free_bytes(folder).is_ok_and(|free| free >= 2 * RESERVE_BYTES));
        roomy && self.fill().is_ok()
    }

    /// Written, not only made long: a file with holes keeps nothing.
    fn fill(&self) -> Result<(), StoreError> {
        if self.is_held() {
            return Ok(());
        }
        let failed = || StoreError::at("write", &self.path);
        let mut file = create(&self.path)?;
        let zeros = vec![0; 1024 * 1024];
        for _ in 0..RESERVE_BYTES / zeros.len() as u64 {
            file.write_all(&zeros).map_err(failed())?;
        }
        file.sync_all().map_err(failed())
    }
}

/// What is free for the daemon in the file system that holds `path`.
pub(crate) fn free_bytes(path: &Path) -> Result<u64, StoreError> {
    let found = statvfs(path).map_err(|errno| StoreError::at("measure", path)(errno.into()))?;
    Ok(found.blocks_available() * found.fragment_size())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserve_is_given_up_and_taken_again() {
        let place = tempfile::tempdir().unwrap();
        let reserve = Reserve::take(place.path());
        assert!(reserve.is_held());
        reserve.give_up();
        assert!(!reserve.is_held());
        assert!(reserve.restore() && reserve.is_held());
    }
}
