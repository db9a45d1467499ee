//! With file descriptors: in one step where the kernel resolves paths beneath a folder itself
//! (Linux since 5.6), part by part elsewhere.

use std::cell::Cell;
use std::fs::{DirBuilder, File, Permissions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::{Mode as Bits, mkdirat};

use crate::archive::path::EntryPath;
use crate::archive::stamp::Mode;

const FOLDER: OFlag = OFlag::O_RDONLY
    .union(OFlag::O_DIRECTORY)
    .union(OFlag::O_NOFOLLOW)
    .union(OFlag::O_CLOEXEC);
const NEW_FILE: OFlag = OFlag::O_WRONLY
    .union(OFlag::O_CREAT)
    .union(OFlag::O_EXCL)
    .union(OFlag::O_NOFOLLOW)
    .union(OFlag::O_CLOEXEC);

/// See the module.
pub(crate) struct Beneath {
    root: OwnedFd,
    /// The kernel does not know how, or a sandbox does not let us ask it.
    part_by_part: Cell<bool>,
}

impl Beneath {
    /// Makes the folder `path`, which must not be there yet, for this user only.
    pub(crate) fn create(path: &Path) -> io::Result<Beneath> {
        DirBuilder::new().mode(0o700).create(path)?;
        let root = open(path, FOLDER, Bits::empty())?;
        Ok(Beneath {
            root,
            part_by_part: Cell::new(!cfg!(target_os = "linux")),
        })
    }

    /// Makes a folder, and those around it, where they are missing.
    pub(crate) fn folder(&self, path: &EntryPath, mode: Mode) -> io::Result<()> {
        let folder = self.ensure_folder(path.as_str())?;
        // Whoever unpacks must be able to fill and to remove it.
        File::from(folder).set_permissions(Permissions::from_mode(mode.bits() | 0o700))
    }

    /// Makes a file that was not there before, and the folders around it.
    pub(crate) fn file(&self, path: &EntryPath, mode: Mode) -> io::Result<File> {
        let file = match self.open_beneath(path.as_str(), NEW_FILE) {
            Err(Errno::ENOENT) => {
                self.ensure_folder(path.folder().unwrap_or_default())?;
                self.open_beneath(path.as_str(), NEW_FILE)
            }
            opened => opened,
        };
        let file = File::from(file?);
        // Not by the mode of the call, which the umask takes bits from.
        file.set_permissions(Permissions::from_mode(mode.bits()))?;
        Ok(file)
    }

    fn ensure_folder(&self, path: &str) -> io::Result<OwnedFd> {
        match self.open_beneath(path, FOLDER) {
            Err(Errno::ENOENT) => {}
            opened => return Ok(opened?),
        }
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let parent = self.ensure_folder(parent)?;
        match mkdirat(&parent, name, Bits::S_IRWXU) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(error) => return Err(error.into()),
        }
        let folder = openat(&parent, name, FOLDER, Bits::empty())?;
        let file = File::from(folder);
        file.set_permissions(Permissions::from_mode(Mode::PROGRAM.bits()))?;
        Ok(file.into())
    }

    fn open_beneath(&self, path: &str, flags: OFlag) -> nix::Result<OwnedFd> {
        if !self.part_by_part.get() {
            match open_at_once(self.root.as_fd(), path, flags) {
                Err(Errno::ENOSYS | Errno::EPERM) => self.part_by_part.set(true),
                opened => return opened,
            }
        }
        self.open_part_by_part(path, flags)
    }

    fn open_part_by_part(&self, path: &str, flags: OFlag) -> nix::Result<OwnedFd> {
        let (folders, name) = match path.rsplit_once('/') {
            Some((folders, name)) => (folders.split('/').collect(), name),
            None => (Vec::new(), path),
        };
        let mut folder: Option<OwnedFd> = None;
        for part in folders {
            let inside = folder.as_ref().unwrap_or(&self.root);
            folder = Some(openat(inside, part, FOLDER, Bits::empty())?);
        }
        let inside = folder.as_ref().unwrap_or(&self.root);
        let name = if name.is_empty() { "." } else { name };
        openat(inside, name, flags, Bits::S_IRUSR | Bits::S_IWUSR)
    }
}

#[cfg(target_os = "linux")]
fn open_at_once(root: BorrowedFd<'_>, path: &str, flags: OFlag) -> nix::Result<OwnedFd> {
    use nix::fcntl::{OpenHow, ResolveFlag, openat2};
    let resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS;
    let mut how = OpenHow::new().flags(flags).resolve(resolve);
    // A mode where nothing is created is an error to this call.
    if flags.contains(OFlag::O_CREAT) {
        how = how.mode(Bits::S_IRUSR | Bits::S_IWUSR);
    }
    openat2(root, if path.is_empty() { "." } else { path }, how)
}

#[cfg(not(target_os = "linux"))]
fn open_at_once(_root: BorrowedFd<'_>, _path: &str, _flags: OFlag) -> nix::Result<OwnedFd> {
    Err(Errno::ENOSYS)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::os::unix::fs::symlink;

    use super::*;

    fn path(text: &str) -> EntryPath {
        text.parse().unwrap()
    }

    /// Runs `test` with the kernel's way and with ours.
    fn both_ways(test: impl Fn(&Path, Beneath)) {
        for part_by_part in [false, true] {
            let home = tempfile::tempdir().unwrap();
            let root = home.path().join("root");
            let beneath = Beneath::create(&root).unwrap();
            beneath.part_by_part.set(part_by_part);
            test(&root, beneath);
        }
    }

    #[test]
    fn files_and_their_folders_appear_with_their_modes_whatever_the_umask() {
        both_ways(|root, beneath| {
            let mut file = beneath
                .file(&path("a/b/run"), Mode::from_unix(0o775))
                .unwrap();
            file.write_all(b"x").unwrap();
            beneath
                .folder(&path("a/empty"), Mode::from_unix(0o550))
                .unwrap();
            beneath.file(&path("top"), Mode::FILE).unwrap();
            let mode = |name: &str| fs::metadata(root.join(name)).unwrap().permissions().mode();
            assert_eq!(mode("a/b/run") & 0o7777, 0o775);
            assert_eq!(mode("a/b") & 0o7777, 0o755);
            assert_eq!(mode("a/empty") & 0o7777, 0o750);
            assert_eq!(fs::read(root.join("a/b/run")).unwrap(), b"x");
        });
    }

    #[test]
    fn a_link_that_appears_on_the_way_is_not_followed() {
        both_ways(|root, beneath| {
            let outside = tempfile::tempdir().unwrap();
            beneath.file(&path("a/first"), Mode::FILE).unwrap();
            fs::rename(root.join("a"), root.join("old")).unwrap();
            symlink(outside.path(), root.join("a")).unwrap();
            symlink(outside.path().join("made"), root.join("link")).unwrap();

            assert!(beneath.file(&path("a/second"), Mode::FILE).is_err());
            assert!(beneath.file(&path("a/deep/er"), Mode::FILE).is_err());
            assert!(beneath.folder(&path("a"), Mode::PROGRAM).is_err());
            assert!(beneath.folder(&path("a/new"), Mode::PROGRAM).is_err());
            assert!(beneath.file(&path("link"), Mode::FILE).is_err());
            assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
        });
    }

    #[test]
    fn a_file_that_is_there_already_is_not_touched() {
        both_ways(|root, beneath| {
            fs::write(root.join("there"), b"mine").unwrap();
            let error = beneath.file(&path("there"), Mode::FILE).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(fs::read(root.join("there")).unwrap(), b"mine");
        });
    }
}
