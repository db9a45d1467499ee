//! A layer removes what lies below it: `.wh.name` hides one name, `.wh..wh..opq` all of a folder.
//! Both speak of the layers below only, whatever their place in the tar.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag};
use nix::sys::stat::{Mode, SFlag, fstatat};
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::root::Folder;

const PREFIX: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";
const AUFS_OWN: &[u8] = b".wh..wh.";

/// What the last part of an entry's name means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning<'a> {
    /// A file, folder or link.
    Itself,
    /// Hide this name of the layers below.
    Hide(&'a OsStr),
    /// Hide all that the layers below have in this folder.
    HideAll,
    /// A note of the union file system to itself.
    Nothing,
    /// A whiteout for a name that no folder can have.
    Wrong,
}

impl Meaning<'_> {
    pub(super) fn of(name: &OsStr) -> Meaning<'_> {
        let bytes = name.as_bytes();
        match bytes.strip_prefix(PREFIX) {
            None => Meaning::Itself,
            Some(_) if bytes == OPAQUE => Meaning::HideAll,
            Some(_) if bytes.starts_with(AUFS_OWN) => Meaning::Nothing,
            Some(b"" | b"." | b"..") => Meaning::Wrong,
            Some(hidden) => Meaning::Hide(OsStr::from_bytes(hidden)),
        }
    }
}

/// What the layer in hand has put down so far: the number of a folder and a name in it. Paths would
/// not do, since links give a folder many of them.
#[derive(Debug, Default)]
pub(super) struct Written(BTreeSet<(u64, OsString)>);

impl Written {
    pub(super) fn note(&mut self, folder: &Folder, name: &OsStr) {
        self.0.insert((folder.inode, name.to_owned()));
    }

    fn has(&self, folder: &Folder, name: &OsStr) -> bool {
        self.0.contains(&(folder.inode, name.to_owned()))
    }

    /// A folder is gone, and its number may be given to another one.
    fn forget(&mut self, inode: u64) {
        let from = (inode, OsString::new());
        let gone: Vec<_> = self
            .0
            .range(from..)
            .take_while(|(folder, _)| *folder == inode)
            .cloned()
            .collect();
        for name in gone {
            self.0.remove(&name);
        }
    }
}

/// What is spared when something is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spare {
    /// What the layer in hand has put down.
    Written,
    /// Nothing: another entry takes the place.
    Nothing,
}

/// Removes `name` and all below it. Returns whether something of it had to stay.
pub(super) fn clear(
    folder: &Folder,
    name: &OsStr,
    written: &mut Written,
    spare: Spare,
) -> Result<bool, Errno> {
    let kind = match fstatat(&folder.fd, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Err(Errno::ENOENT) => return Ok(false),
        stat => SFlag::from_bits_truncate(stat?.st_mode) & SFlag::S_IFMT,
    };
    let spared = spare == Spare::Written && written.has(folder, name);
    if kind != SFlag::S_IFDIR {
        if !spared {
            unlinkat(&folder.fd, name, UnlinkatFlags::NoRemoveDir)?;
        }
        return Ok(spared);
    }
    let inner = folder.inner(name)?;
    let stays = clear_all(&inner, written, spare)? || spared;
    if !stays {
        unlinkat(&folder.fd, name, UnlinkatFlags::RemoveDir)?;
        written.forget(inner.inode);
    }
    Ok(stays)
}

/// Removes all that is in `folder`. Returns whether something had to stay.
pub(super) fn clear_all(
    folder: &Folder,
    written: &mut Written,
    spare: Spare,
) -> Result<bool, Errno> {
    let mut stays = false;
    for name in names(folder)? {
        stays |= clear(folder, &name, written, spare)?;
    }
    Ok(stays)
}

fn names(folder: &Folder) -> Result<Vec<OsString>, Errno> {
    let flags = OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let mut listing = Dir::openat(&folder.fd, ".", flags, Mode::empty())?;
    let mut names = Vec::new();
    for entry in listing.iter() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(OsStr::from_bytes(name).to_owned());
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whiteout_never_means_the_folder_itself_or_the_one_above() {
        let meaning = |name: &'static str| Meaning::of(OsStr::new(name));
        assert_eq!(meaning("passwd"), Meaning::Itself);
        assert_eq!(meaning(".wh.passwd"), Meaning::Hide(OsStr::new("passwd")));
        assert_eq!(meaning(".wh..hidden"), Meaning::Hide(OsStr::new(".hidden")));
        assert_eq!(meaning(".wh..wh..opq"), Meaning::HideAll);
        assert_eq!(meaning(".wh..wh.plnk"), Meaning::Nothing);
        for name in [".wh.", ".wh..", ".wh..."] {
            assert_eq!(meaning(name), Meaning::Wrong, "{name}");
        }
    }
}
