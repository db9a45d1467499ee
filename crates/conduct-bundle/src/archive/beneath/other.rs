//! Where there are no descriptors of folders: each part is looked at before it is used. Somebody
//! who swaps a folder for a link between look and use is not held off; nodes do not run here.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::archive::path::EntryPath;
use crate::archive::stamp::Mode;

/// See the module above.
pub(crate) struct Beneath {
    root: PathBuf,
    made: RefCell<BTreeSet<PathBuf>>,
}

impl Beneath {
    /// Makes the folder `path`, which must not be there yet.
    pub(crate) fn create(path: &Path) -> io::Result<Beneath> {
        fs::create_dir(path)?;
        Ok(Beneath {
            root: path.to_owned(),
            made: RefCell::default(),
        })
    }

    /// Makes a folder, and those around it, where they are missing.
    pub(crate) fn folder(&self, path: &EntryPath, _mode: Mode) -> io::Result<()> {
        self.ensure_folder(path.as_str()).map(|_| ())
    }

    /// Makes a file that was not there before, and the folders around it.
    pub(crate) fn file(&self, path: &EntryPath, _mode: Mode) -> io::Result<File> {
        let folder = self.ensure_folder(path.folder().unwrap_or_default())?;
        File::create_new(folder.join(path.name()))
    }

    fn ensure_folder(&self, path: &str) -> io::Result<PathBuf> {
        let mut folder = self.root.clone();
        for part in path.split('/').filter(|part| !part.is_empty()) {
            folder.push(part);
            if self.made.borrow_mut().insert(folder.clone()) {
                fs::create_dir(&folder)?;
            }
            if !fs::symlink_metadata(&folder)?.is_dir() {
                return Err(io::ErrorKind::NotADirectory.into());
            }
        }
        Ok(folder)
    }
}
