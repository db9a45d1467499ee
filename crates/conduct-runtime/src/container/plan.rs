//! What is decided about a container before it is made. It lies in the instance's folder, since the
//! process that makes the container is not the one that decides.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use conduct_model::{BundleName, CompatibilityVersion, Digest};
use serde::{Deserialize, Serialize};

/// Numbers of users and groups that belong to one container and mean nobody outside.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Ids {
    /// What is 0 inside.
    pub first: u32,
    /// How many follow.
    pub count: u32,
}

/// Where the numbers begin that no user of the machine has, and how many ranges there are before
/// they end: what is set aside for containers by convention.
const FIRST_ID: u32 = 0x0008_0000;
const IDS_EACH: u32 = 0x0001_0000;
const RANGES: u32 = 28_000;

impl Ids {
    /// The numbers of a bundle's containers: the same for all of its compatible releases, since
    /// they share what lies in volumes. As the daemon is not root, it has none but its own.
    pub(crate) fn of(name: &BundleName, version: &CompatibilityVersion) -> Ids {
        let own = nix::unistd::geteuid();
        if !own.is_root() {
            return Ids {
                first: own.as_raw(),
                count: 1,
            };
        }
        let digest = Digest::of(format!("{name}\n{version}").as_bytes());
        let bytes = digest.as_bytes();
        let number = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        Ids {
            first: FIRST_ID + number % RANGES * IDS_EACH,
            count: IDS_EACH,
        }
    }
}

/// Whom a process runs as, in the numbers that hold inside.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Account {
    /// The user.
    pub user: u32,
    /// The group.
    pub group: u32,
    /// Further groups.
    pub groups: Vec<u32>,
}

/// A root file system and what its image says about running it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ContainerRoot {
    /// Where it is. Containers never change it.
    pub rootfs: PathBuf,
    /// The words that start it.
    pub words: Vec<String>,
    /// Its own variables.
    pub environment: Vec<(String, String)>,
    /// Where it begins.
    pub working_folder: String,
    /// Whom it runs as.
    pub account: Account,
    /// What it is labelled with.
    pub labels: BTreeMap<String, String>,
    /// Who owns each of the mount points that were asked for, in numbers of the host.
    pub owners: Vec<Owner>,
}

/// Who owns a folder, and what others may do there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Owner {
    /// The user, as the host counts.
    pub user: u32,
    /// The group, as the host counts.
    pub group: u32,
    /// Permission bits.
    pub mode: u32,
}

/// What an image is unpacked for.
#[derive(Clone, Copy, Debug)]
pub struct ImageRequest<'a> {
    /// The folder of the image layout.
    pub layout: &'a Path,
    /// Which of its images; the only or first one if nothing is said.
    pub tag: Option<&'a str>,
    /// Who owns the files.
    pub ids: Ids,
    /// Folders that must be there because something is mounted on them.
    pub folders: &'a [String],
    /// Files that must be there for the same reason.
    pub files: &'a [&'a str],
}

/// Why an image could not be unpacked.
pub type ImageFailure = Box<dyn std::error::Error + Send + Sync>;

/// Turns images into root file systems. The runtime runs containers and knows nothing of images;
/// whoever knows both introduces them.
pub trait Images: Send + Sync {
    /// Unpacks an image, or finds it unpacked already.
    fn unpack(&self, request: &ImageRequest<'_>) -> Result<ContainerRoot, ImageFailure>;

    /// Throws away what was unpacked and is not among these root file systems.
    fn keep_only(&self, used: &[PathBuf]) -> Result<(), ImageFailure>;
}

/// A directory of the host that a container sees.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Volume {
    pub(crate) source: PathBuf,
    pub(crate) target: String,
}

/// Everything about a container that is known before its start command is filled in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) runc: PathBuf,
    pub(crate) id: String,
    pub(crate) root: ContainerRoot,
    pub(crate) ids: Ids,
    pub(crate) volumes: Vec<Volume>,
    /// The control group that runc makes, from the top of each tree; none without the right to.
    pub(crate) group: Option<String>,
    /// What every process of the instance is marked with.
    pub(crate) mark: (String, String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compatible_releases_have_the_same_numbers_and_others_have_others() {
        if !nix::unistd::geteuid().is_root() {
            return;
        }
        let ids =
            |name: &str, version: &str| Ids::of(&name.parse().unwrap(), &version.parse().unwrap());
        assert_eq!(ids("shop", "1"), ids("shop", "1"));
        assert_ne!(ids("shop", "1"), ids("shop", "2"));
        assert_ne!(ids("shop", "1"), ids("cart", "1"));
        let Ids { first, count } = ids("shop", "1");
        assert!(first >= 0x8_0000 && first % count == 0 && first + (count - 1) <= 0x6fff_ffff);
    }
}
