//! Applies one layer to a root file system.

use std::cell::Cell;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::rc::Rc;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{Mode, UtimensatFlags, fchmod, futimens, utimensat};
use nix::sys::time::{TimeSpec, TimeValLike as _};
use nix::unistd::{Gid, Uid, fchown, fchownat, linkat, symlinkat};
use tar::{Entry, EntryType};

use super::budget::{Budget, Counted, Measured};
use super::names;
use super::root::{Folder, Root};
use super::whiteout::{Meaning, Spare, Written, clear, clear_all};
use super::{Devices, Options, SpecialBits};
use crate::guard::{Allowance, Guard};
use crate::{ImageError, Layer, decode};

const BUFFER_BYTES: usize = 64 << 10;

/// Applies `layer` and checks that it was the one that its digest names.
pub(super) fn apply(
    layer: &Layer,
    root: &mut Root,
    options: &Options,
    budget: &mut Budget,
) -> Result<(), ImageError> {
    let (mut blob, went_in) = Counted::new(layer.open()?);
    let mut job = Job {
        root,
        options,
        budget,
        written: Written::default(),
        layer,
    };
    let applied = job.run(&mut blob, went_in);
    match applied {
        // Rather than what the decoder or the tar stumbled over, say that the blob is damaged.
        Ok(()) | Err(ImageError::Read { .. }) => {
            blob.into_inner()
                .finish()
                .map_err(ImageError::read(layer.name()))?;
            applied
        }
        refused => refused,
    }
}

struct Job<'a> {
    root: &'a mut Root,
    options: &'a Options,
    budget: &'a mut Budget,
    written: Written,
    layer: &'a Layer,
}

/// An entry's name: the folder that it is in, open, and what it is called there.
struct Spot {
    folder: Folder,
    name: OsString,
    parts: Vec<OsString>,
}

impl Job<'_> {
    fn run(&mut self, blob: impl Read, went_in: Rc<Cell<u64>>) -> Result<(), ImageError> {
        let layer = self.layer;
        let read = || ImageError::read(layer.name());
        let tar = Measured::new(decode(blob).map_err(read())?, went_in, self.options.limits);
        let (guard, allowance) = Guard::new(tar);
        let mut archive = tar::Archive::new(guard);
        for entry in archive.entries().map_err(read())? {
            let mut entry = entry.map_err(read())?;
            self.budget.entry()?;
            self.entry(&mut entry, &allowance)?;
            // What of the entry was of no interest is no part of the next one's headers.
            allowance.content();
            io::copy(&mut entry, &mut io::sink()).map_err(read())?;
            allowance.headers_only();
        }
        Ok(())
    }

    fn entry<R: Read>(
        &mut self,
        entry: &mut Entry<'_, R>,
        allowance: &Allowance,
    ) -> Result<(), ImageError> {
        let kind = entry.header().entry_type();
        if kind == EntryType::XGlobalHeader {
            return Ok(());
        }
        let parts = names::parts(&entry.path_bytes(), self.budget.depth_max())?;
        let Some((name, above)) = parts.split_last() else {
            return self.root_itself(entry);
        };
        match Meaning::of(name) {
            Meaning::Itself => {}
            Meaning::Nothing => return Ok(()),
            Meaning::Wrong => return refuse(entry, "it hides a name that no folder can have"),
            Meaning::Hide(hidden) => return self.hide(above, Some(hidden)),
            Meaning::HideAll => return self.hide(above, None),
        }
        if !has_place(kind) {
            return self.leave_out(entry);
        }
        let folder = self.root.make_folder(above)?;
        let spot = Spot {
            folder,
            name: name.clone(),
            parts,
        };
        match kind {
            EntryType::Directory => self.folder(entry, &spot)?,
            EntryType::Symlink => self.link(entry, &spot)?,
            EntryType::Link => self.hard_link(entry, &spot)?,
            _ => {
                allowance.content();
                self.file(entry, &spot)?;
            }
        }
        self.written.note(&spot.folder, &spot.name);
        Ok(())
    }

    fn root_itself<R: Read>(&mut self, entry: &Entry<'_, R>) -> Result<(), ImageError> {
        if entry.header().entry_type() != EntryType::Directory {
            return refuse(entry, "it stands for the root and is no folder");
        }
        let (mode, modified) = self.looks(entry)?;
        self.root.remember(Vec::new(), mode, modified);
        Ok(())
    }

    fn hide(&mut self, above: &[OsString], name: Option<&OsStr>) -> Result<(), ImageError> {
        let Some(folder) = self.root.folder(above)? else {
            return Ok(());
        };
        let cleared = match name {
            Some(name) => clear(&folder, name, &mut self.written, Spare::Written),
            None => clear_all(&folder, &mut self.written, Spare::Written),
        };
        cleared.map(drop).map_err(self.root.failed(above))
    }

    fn leave_out<R: Read>(&mut self, entry: &Entry<'_, R>) -> Result<(), ImageError> {
        match self.options.devices {
            Devices::Refuse => refuse(entry, "it is a device, a pipe or of an unknown kind"),
            Devices::Skip => {
                self.budget.skip();
                Ok(())
            }
        }
    }

    fn folder<R: Read>(&mut self, entry: &Entry<'_, R>, spot: &Spot) -> Result<(), ImageError> {
        // A folder over a folder adds to it; over anything else it takes the place.
        if spot.folder.inner(&spot.name).is_err() {
            self.vacate(spot)?;
            self.root
                .make_in(&spot.folder, &spot.name, 0o700)
                .map_err(|errno| match errno {
                    Errno::ELOOP => refused(entry, "it lies too deep behind links"),
                    errno => self.root.failed(&spot.parts)(errno),
                })?;
        }
        self.own(entry, spot)?;
        let (mode, modified) = self.looks(entry)?;
        self.root.remember(spot.parts.clone(), mode, modified);
        Ok(())
    }

    fn link<R: Read>(&mut self, entry: &Entry<'_, R>, spot: &Spot) -> Result<(), ImageError> {
        let target = entry.link_name_bytes().unwrap_or_default();
        if target.is_empty() || target.contains(&0) {
            return refuse(entry, "it is a link that leads nowhere");
        }
        self.vacate(spot)?;
        symlinkat(&*target, &spot.folder.fd, spot.name.as_os_str())
            .map_err(self.root.failed(&spot.parts))?;
        self.own(entry, spot)?;
        let (_, modified) = self.looks(entry)?;
        let time = TimeSpec::seconds(modified);
        let place = (&spot.folder.fd, spot.name.as_os_str());
        utimensat(
            place.0,
            place.1,
            &time,
            &time,
            UtimensatFlags::NoFollowSymlink,
        )
        .map_err(self.root.failed(&spot.parts))
    }

    fn hard_link<R: Read>(&mut self, entry: &Entry<'_, R>, spot: &Spot) -> Result<(), ImageError> {
        let target = entry.link_name_bytes().unwrap_or_default();
        let target = names::parts(&target, self.budget.depth_max())?;
        let Some((name, above)) = target.split_last() else {
            return refuse(entry, "it is another name for the root");
        };
        let Some(folder) = self.root.folder(above)? else {
            return refuse(entry, "it is another name for a file that is not there");
        };
        if (folder.inode, name) == (spot.folder.inode, &spot.name) {
            return Ok(());
        }
        self.vacate(spot)?;
        let (old, new) = (name.as_os_str(), spot.name.as_os_str());
        match linkat(&folder.fd, old, &spot.folder.fd, new, AtFlags::empty()) {
            Ok(()) => Ok(()),
            Err(Errno::ENOENT | Errno::EPERM) => {
                refuse(entry, "it is another name for something that is no file")
            }
            Err(errno) => Err(self.root.failed(&spot.parts)(errno)),
        }
    }

    fn file<R: Read>(&mut self, entry: &mut Entry<'_, R>, spot: &Spot) -> Result<(), ImageError> {
        self.vacate(spot)?;
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
        let made = openat(&spot.folder.fd, spot.name.as_os_str(), flags, Mode::S_IRUSR);
        let mut file = File::from(made.map_err(self.root.failed(&spot.parts))?);
        self.copy(entry, &mut file, spot)?;
        let (mode, modified) = self.looks(entry)?;
        let mode = match self.options.special_bits {
            SpecialBits::Keep => mode,
            SpecialBits::Strip => mode & 0o777,
        };
        // Giving a file away takes its setuid bit, so that comes first.
        let time = TimeSpec::seconds(modified);
        self.owner(entry)?
            .map_or(Ok(()), |(user, group)| {
                fchown(&file, Some(user), Some(group))
            })
            .and_then(|()| fchmod(&file, Mode::from_bits_truncate(mode)))
            .and_then(|()| futimens(&file, &time, &time))
            .map_err(self.root.failed(&spot.parts))
    }

    fn copy<R: Read>(
        &mut self,
        entry: &mut Entry<'_, R>,
        file: &mut File,
        spot: &Spot,
    ) -> Result<(), ImageError> {
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let count = entry
                .read(&mut buffer)
                .map_err(ImageError::read(self.layer.name()))?;
            if count == 0 {
                return Ok(());
            }
            self.budget.content(count as u64)?;
            file.write_all(&buffer[..count])
                .map_err(|source| ImageError::Write {
                    path: self.root.shown(&spot.parts),
                    source,
                })?;
        }
    }

    /// Removes what is in the way of an entry.
    fn vacate(&mut self, spot: &Spot) -> Result<(), ImageError> {
        clear(&spot.folder, &spot.name, &mut self.written, Spare::Nothing)
            .map(drop)
            .map_err(self.root.failed(&spot.parts))
    }

    /// Gives a folder or a link to its owner.
    fn own<R: Read>(&self, entry: &Entry<'_, R>, spot: &Spot) -> Result<(), ImageError> {
        let Some((user, group)) = self.owner(entry)? else {
            return Ok(());
        };
        let (folder, name) = (&spot.folder.fd, spot.name.as_os_str());
        fchownat(
            folder,
            name,
            Some(user),
            Some(group),
            AtFlags::AT_SYMLINK_NOFOLLOW,
        )
        .map_err(self.root.failed(&spot.parts))
    }

    fn owner<R: Read>(&self, entry: &Entry<'_, R>) -> Result<Option<(Uid, Gid)>, ImageError> {
        let header = entry.header();
        let read = || ImageError::read(self.layer.name());
        let (user, group) = (header.uid().map_err(read())?, header.gid().map_err(read())?);
        let owner = self.options.owners.of(user, group)?;
        Ok(owner.map(|(user, group)| (Uid::from_raw(user), Gid::from_raw(group))))
    }

    /// Mode and time of an entry.
    fn looks<R: Read>(&self, entry: &Entry<'_, R>) -> Result<(u32, i64), ImageError> {
        let header = entry.header();
        let read = || ImageError::read(self.layer.name());
        let modified = header.mtime().map_err(read())?;
        Ok((
            header.mode().map_err(read())? & 0o7777,
            i64::try_from(modified).unwrap_or(i64::MAX),
        ))
    }
}

fn has_place(kind: EntryType) -> bool {
    matches!(
        kind,
        EntryType::Regular
            | EntryType::Continuous
            | EntryType::GNUSparse
            | EntryType::Directory
            | EntryType::Symlink
            | EntryType::Link
    )
}

fn refuse<R: Read>(entry: &Entry<'_, R>, why: &str) -> Result<(), ImageError> {
    Err(refused(entry, why))
}

fn refused<R: Read>(entry: &Entry<'_, R>, why: &str) -> ImageError {
    let entry = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
    ImageError::Refused {
        entry,
        why: why.to_owned(),
    }
}
