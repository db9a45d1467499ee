//! The folder that an image is unpacked into, and the only ways to touch what is in it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat2, readlink, readlinkat};
use nix::sys::stat::{Mode, fchmod, fstat, futimens, mkdirat};
use nix::sys::time::{TimeSpec, TimeValLike as _};

use super::names;
use crate::ImageError;

/// How many links may lead from one to the next on the way to a folder that has to be made.
const LINKS_MAX: usize = 40;

/// How often a look-up is repeated that a rename disturbed.
const TRIES_MAX: usize = 8;

const FOLDER: OFlag = OFlag::O_DIRECTORY.union(OFlag::O_CLOEXEC);

/// The root, open.
#[derive(Debug)]
pub(super) struct Root {
    fd: OwnedFd,
    path: PathBuf,
    depth_max: usize,
    /// What folders should look like when nothing is added to them any more: until then they must
    /// be writable, and what is added changes their time.
    folders: BTreeMap<Vec<OsString>, (u32, i64)>,
}

/// A folder somewhere below the root, open.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) fd: OwnedFd,
    /// Its number in the file system: its name, whatever links led to it.
    pub(super) inode: u64,
}

impl Root {
    pub(super) fn open(path: &Path, depth_max: usize) -> Result<Root, ImageError> {
        let failed = |source| ImageError::Write {
            path: path.to_owned(),
            source,
        };
        fs::create_dir_all(path).map_err(failed)?;
        let path = path.canonicalize().map_err(failed)?;
        let fd = open(&path, FOLDER, Mode::empty()).map_err(|errno| failed(errno.into()))?;
        Ok(Root {
            fd,
            path,
            depth_max,
            folders: BTreeMap::new(),
        })
    }

    /// Where something lies, for messages.
    pub(super) fn shown(&self, parts: &[OsString]) -> PathBuf {
        parts
            .iter()
            .fold(self.path.clone(), |path, part| path.join(part))
    }

    /// Opens a folder, if there is one.
    pub(super) fn folder(&self, parts: &[OsString]) -> Result<Option<Folder>, ImageError> {
        let opened = open_below(&self.fd, parts, FOLDER).and_then(Folder::new);
        match opened {
            Ok(folder) => Ok(Some(folder)),
            Err(Errno::ENOENT | Errno::ENOTDIR) => Ok(None),
            Err(errno) => Err(self.failed(parts)(errno)),
        }
    }

    /// Opens a folder; where it is missing, makes it and those above it. Layers need not name them.
    pub(super) fn make_folder(&self, parts: &[OsString]) -> Result<Folder, ImageError> {
        self.make(parts.to_vec(), LINKS_MAX)
    }

    fn make(&self, parts: Vec<OsString>, links: usize) -> Result<Folder, ImageError> {
        if let Some(folder) = self.folder(&parts)? {
            return Ok(folder);
        }
        let (name, above) = parts.split_last().expect("the root itself is there");
        let parent = self.make(above.to_vec(), links)?;
        match self.make_in(&parent, name, 0o755) {
            Ok(()) => self.make(parts, links),
            // A link whose target was not made yet, or something that is no folder at all.
            Err(Errno::EEXIST) if links > 0 => match readlinkat(&parent.fd, name.as_os_str()) {
                Ok(target) => self.make(beside(above, &target), links - 1),
                Err(_) => Err(self.failed(&parts)(Errno::ENOTDIR)),
            },
            Err(errno) => Err(self.failed(&parts)(errno)),
        }
    }

    /// Makes one folder in another. Links can stack folders deeper than any name says, so what
    /// counts is how deep the parent really lies.
    pub(super) fn make_in(&self, parent: &Folder, name: &OsStr, mode: u32) -> Result<(), Errno> {
        let path = readlink(format!("/proc/self/fd/{}", raw(&parent.fd)).as_str())?;
        let below = Path::new(&path)
            .strip_prefix(&self.path)
            .map_err(|_| Errno::EXDEV)?;
        if below.components().count() >= self.depth_max {
            return Err(Errno::ELOOP);
        }
        mkdirat(&parent.fd, name, Mode::from_bits_truncate(mode))
    }

    /// Remembers how a folder should look in the end.
    pub(super) fn remember(&mut self, parts: Vec<OsString>, mode: u32, modified: i64) {
        self.folders.insert(parts, (mode, modified));
    }

    /// Gives the folders their modes and times, the deepest first.
    pub(super) fn finish(&mut self) -> Result<(), ImageError> {
        for (parts, (mode, modified)) in std::mem::take(&mut self.folders).into_iter().rev() {
            let flags = FOLDER | OFlag::O_NOFOLLOW;
            let folder = match open_below(&self.fd, &parts, flags) {
                Ok(folder) => folder,
                // A later layer removed it or put something else there.
                Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => continue,
                Err(errno) => return Err(self.failed(&parts)(errno)),
            };
            let time = TimeSpec::seconds(modified);
            fchmod(&folder, Mode::from_bits_truncate(mode))
                .and_then(|()| futimens(&folder, &time, &time))
                .map_err(self.failed(&parts))?;
        }
        Ok(())
    }

    /// An error at some place below the root.
    pub(super) fn failed(&self, parts: &[OsString]) -> impl FnOnce(Errno) -> ImageError {
        let path = self.shown(parts);
        move |errno| ImageError::Write {
            path,
            source: errno.into(),
        }
    }
}

impl Folder {
    fn new(fd: OwnedFd) -> Result<Folder, Errno> {
        let inode = fstat(&fd)?.st_ino;
        Ok(Folder { fd, inode })
    }

    /// Opens a folder in this one, unless it is a link to one.
    pub(super) fn inner(&self, name: &OsStr) -> Result<Folder, Errno> {
        nix::fcntl::openat(&self.fd, name, FOLDER | OFlag::O_NOFOLLOW, Mode::empty())
            .and_then(Folder::new)
    }
}

/// Opens a file of an unpacked image for reading, following links as the container would.
pub fn open_in_root(root: &Path, path: &Path) -> Result<File, ImageError> {
    let failed = |source: io::Error| {
        let path = root
            .join(path.strip_prefix("/").unwrap_or(path))
            .display()
            .to_string();
        ImageError::Read { path, source }
    };
    let parts = names::parts(path.as_os_str().as_bytes(), usize::MAX)?;
    let root = open(root, FOLDER, Mode::empty()).map_err(|errno| failed(errno.into()))?;
    // A pipe would wait for a writer that never comes.
    let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let fd = open_below(&root, &parts, flags).map_err(|errno| failed(errno.into()))?;
    let file = File::from(fd);
    match file.metadata() {
        Ok(metadata) if metadata.is_file() => Ok(file),
        Ok(_) => Err(failed(io::Error::new(
            io::ErrorKind::InvalidInput,
            "this is no plain file",
        ))),
        Err(source) => Err(failed(source)),
    }
}

/// The one place where names of an image become a path for the kernel.
fn open_below(root: &OwnedFd, parts: &[OsString], flags: OFlag) -> Result<OwnedFd, Errno> {
    let path: PathBuf = std::iter::once(OsStr::new("."))
        .chain(parts.iter().map(AsRef::as_ref))
        .collect();
    let how = OpenHow::new()
        .flags(flags)
        .resolve(ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS);
    let mut tries = 0;
    loop {
        match openat2(root, &path, how) {
            Err(Errno::EAGAIN | Errno::EINTR) if tries < TRIES_MAX => tries += 1,
            result => return result,
        }
    }
}

/// Where a link in the folder `above` leads, never further up than the root.
fn beside(above: &[OsString], target: &OsStr) -> Vec<OsString> {
    let mut parts = if target.as_bytes().starts_with(b"/") {
        Vec::new()
    } else {
        above.to_vec()
    };
    for part in target.as_bytes().split(|&byte| byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop();
            }
            part => parts.push(OsStr::from_bytes(part).to_owned()),
        }
    }
    parts
}

fn raw(fd: &OwnedFd) -> i32 {
    std::os::fd::AsRawFd::as_raw_fd(fd)
}
