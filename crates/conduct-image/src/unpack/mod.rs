//! Turns the layers of an image into a root file system.
//!
//! Layers are other people's tars, and this runs with the rights of the daemon. So no name of an
//! entry is ever handed to the kernel as a path from outside: every folder on the way is opened
//! below the root with `openat2` and `RESOLVE_IN_ROOT`, which follows links as if the root were `/`,
//! and what is made, replaced or removed is one name inside a folder that is already open. Links
//! that change while all this happens change nothing.
//!
//! Modes, owners and times are kept as [`Options`] say; extended attributes are not, since those
//! that matter give rights that a container here does not have anyway.

mod accounts;
mod budget;
mod cache;
mod layer;
mod names;
mod owners;
mod root;
mod rooted;
#[cfg(test)]
mod tests;
mod whiteout;

use std::path::Path;

pub use accounts::Account;
pub use cache::{clean_cache, keep_only, unpack_cached};
pub use owners::{IdRange, Owners};
pub use root::open_in_root;
pub use rooted::{Mounted, Rooted, Wanted, owners_from, root_of};

use crate::{ImageError, Layer};
use budget::Budget;
use root::Root;

/// How much an image may unpack to. What it claims does not count, only what really comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// All files together.
    pub bytes_max: u64,
    /// Entries of all layers together.
    pub entries_max: u64,
    /// Parts of a path.
    pub depth_max: usize,
    /// Unpacked bytes for each byte of a layer, once more than [`Limits::RATIO_FROM_BYTES`] came out.
    pub ratio_max: u64,
}

impl Limits {
    /// Up to here a layer may be as hollow as it likes: files of zeros are honest.
    pub const RATIO_FROM_BYTES: u64 = 256 << 20;
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            bytes_max: 16 << 30,
            entries_max: 1_000_000,
            depth_max: 128,
            ratio_max: 200,
        }
    }
}

/// What becomes of the bits that give a program its owner's rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SpecialBits {
    /// Setuid, setgid and sticky bits of files are dropped.
    #[default]
    Strip,
    /// They stay.
    Keep,
}

/// What becomes of devices, pipes and sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Devices {
    /// They are left out; whoever runs the container makes the few that it needs.
    #[default]
    Skip,
    /// An image that has any is refused.
    Refuse,
}

/// How to unpack.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// How much at most.
    pub limits: Limits,
    /// Setuid and its like.
    pub special_bits: SpecialBits,
    /// Devices and their like.
    pub devices: Devices,
    /// Who owns the files.
    pub owners: Owners,
}

/// What was unpacked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unpacked {
    /// Entries of all layers.
    pub entries: u64,
    /// Content of all files.
    pub bytes: u64,
    /// Devices and their like that were left out.
    pub skipped: u64,
}

/// Unpacks `layers`, lowest first, into the folder `rootfs`, which is made if it is not there.
///
/// After an error the folder holds some part of the image and should be thrown away; see
/// [`unpack_cached`] for all or nothing.
pub fn unpack_layers(
    layers: &[Layer],
    rootfs: &Path,
    options: &Options,
) -> Result<Unpacked, ImageError> {
    let mut budget = Budget::new(options.limits);
    let mut root = Root::open(rootfs, options.limits.depth_max)?;
    for layer in layers {
        layer::apply(layer, &mut root, options, &mut budget)?;
    }
    root.finish()?;
    Ok(budget.spent())
}
