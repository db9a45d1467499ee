//! From the layout of an image to all that is needed to run it.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, fstat};

use super::accounts::{Account, account};
use super::root::Root;
use super::{IdRange, Limits, Options, Owners, open_in_root, unpack_cached};
use crate::{Files, ImageError, Layout, Platform, RunConfig, unpack::names};

/// The largest list of users that is read.
const ACCOUNTS_BYTES_MAX: u64 = 1 << 20;

/// What is wanted of an image.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// Which of the layout's images; the only or first one if nothing is said.
    pub tag: Option<&'a str>,
    /// Whose the files are.
    pub owners: Owners,
    /// Folders that must be there, since something is mounted on them.
    pub folders: &'a [String],
    /// Files that must be there for the same reason.
    pub files: &'a [&'a str],
}

/// An image that can be run.
#[derive(Debug, Clone)]
pub struct Rooted {
    /// Its root file system. Nothing in it may be changed: others use it as well.
    pub rootfs: PathBuf,
    /// How it wants to be run.
    pub config: RunConfig,
    /// Whom it runs as, in its own numbers.
    pub account: Account,
    /// What each of the wanted folders looks like.
    pub folders: Vec<Mounted>,
}

/// A folder that something is mounted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mounted {
    /// Its owner, as this machine counts.
    pub user: u32,
    /// Its group, as this machine counts.
    pub group: u32,
    /// Its permission bits.
    pub mode: u32,
}

/// Unpacks the image in the folder `layout` below `cache`, or finds it there, and reads how to run
/// it. An image that is not made for this machine is refused.
pub fn root_of(layout: &Path, cache: &Path, wanted: &Wanted<'_>) -> Result<Rooted, ImageError> {
    let layout = Layout::open(Files::folder(layout))?;
    let image = layout.resolve(wanted.tag, Some(&Platform::here()))?;
    let options = Options {
        owners: wanted.owners.clone(),
        ..Options::default()
    };
    let rootfs = unpack_cached(&image.layers()?, cache, &options)?;
    let root = Root::open(&rootfs, Limits::default().depth_max)?;
    let folders = wanted.folders.iter().map(|folder| mounted(&root, folder));
    let folders = folders.collect::<Result<_, _>>()?;
    for file in wanted.files {
        touch(&root, file)?;
    }
    let list = |path: &str| read_list(&rootfs, Path::new(path));
    let account = account(
        &image.config.config.user,
        &list("/etc/passwd")?,
        &list("/etc/group")?,
    )?;
    Ok(Rooted {
        rootfs,
        config: image.config.config,
        account,
        folders,
    })
}

/// The numbers of a user namespace whose 0 is `first`; a single number is the unpacker's own.
pub fn owners_from(first: u32, count: u32) -> Owners {
    if count == 1 {
        return Owners::Unpacker;
    }
    let range = IdRange {
        inside: 0,
        outside: first,
        count,
    };
    Owners::Mapped {
        users: vec![range],
        groups: vec![range],
    }
}

fn mounted(root: &Root, path: &str) -> Result<Mounted, ImageError> {
    let parts = names::parts(path.as_bytes(), usize::MAX)?;
    let folder = root.make_folder(&parts)?;
    let found = fstat(&folder.fd).map_err(root.failed(&parts))?;
    Ok(Mounted {
        user: found.st_uid,
        group: found.st_gid,
        mode: found.st_mode & 0o7777,
    })
}

/// Makes an empty file where there is nothing; whatever is there, a link included, is left alone.
fn touch(root: &Root, path: &str) -> Result<(), ImageError> {
    let parts = names::parts(path.as_bytes(), usize::MAX)?;
    let Some((name, above)) = parts.split_last() else {
        return Ok(());
    };
    let folder = root.make_folder(above)?;
    let flags = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_WRONLY | OFlag::O_CLOEXEC;
    match openat(
        &folder.fd,
        name.as_os_str(),
        flags,
        Mode::from_bits_truncate(0o644),
    ) {
        Ok(_) | Err(Errno::EEXIST) => Ok(()),
        Err(errno) => Err(root.failed(&parts)(errno)),
    }
}

/// A list of users or groups; images need not have one.
fn read_list(rootfs: &Path, path: &Path) -> Result<String, ImageError> {
    let Ok(file) = open_in_root(rootfs, path) else {
        return Ok(String::new());
    };
    let mut bytes = Vec::new();
    file.take(ACCOUNTS_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(ImageError::read(path.display().to_string()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
