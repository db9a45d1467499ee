//! What is thrown away, and when: run directories of instances that ended, images that nobody uses.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use conduct_model::BundleId;
use tokio::task::spawn_blocking;

use crate::container::ContainerRoot;
use crate::error::{RuntimeError, story};
use crate::folder::{RunFolder, read_json};
use crate::record::Record;
use crate::runtime::Shared;

/// The newest folders of a bundle that are kept after their instances have ended.
const FOLDERS_KEPT_MAX: usize = 2;

/// All run directories together, before old ones go whatever bundle they are of.
const STORAGE_BYTES_MAX: u64 = 4 << 30;

/// How old those are that go then.
const AGE_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How often everything is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(60 * 60);

#[derive(Default)]
pub(crate) struct House {
    looked: Mutex<Option<Instant>>,
    /// Read by those who unpack, written by who throws away.
    pub(crate) unpacking: RwLock<()>,
}

/// Tidies up after a start: the bundle's own folders at once, all the rest once in a while.
pub(crate) fn keep_house(shared: &Arc<Shared>, bundle: BundleId) {
    let shared = Arc::clone(shared);
    spawn_blocking(move || {
        let runs = &shared.config.runs;
        let mut done = remove_old(runs, bundle, FOLDERS_KEPT_MAX);
        if shared.house.is_due() {
            done = done.and_then(|()| remove_aged(runs, STORAGE_BYTES_MAX, AGE_MAX));
            done = done.and_then(|()| remove_images(&shared));
        }
        if let Err(why) = done {
            tracing::warn!(why = why.story(), "old run directories stay behind");
        }
    });
}

impl House {
    fn is_due(&self) -> bool {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = looked.is_none_or(|at| at.elapsed() >= LOOK_EVERY);
        if is_due {
            *looked = Some(Instant::now());
        }
        is_due
    }
}

/// A folder whose instance has ended and is forgotten.
struct Ended {
    bundle: BundleId,
    since: SystemTime,
    folder: RunFolder,
}

/// Oldest last.
fn ended(runs: &Path) -> Result<Vec<Ended>, RuntimeError> {
    let mut all = Vec::new();
    for (_, folder) in RunFolder::all(runs)? {
        let done = folder.path().join("done.json");
        let record: Option<Record> = read_json(&done)?;
        if let Some(record) = record {
            let since = std::fs::metadata(&done).and_then(|file| file.modified());
            all.push(Ended {
                bundle: record.bundle,
                since: since.unwrap_or(SystemTime::UNIX_EPOCH),
                folder,
            });
        }
    }
    all.sort_by_key(|one| std::cmp::Reverse(one.since));
    Ok(all)
}

/// Removes the folders of a bundle's ended instances but for the newest.
fn remove_old(runs: &Path, bundle: BundleId, keep: usize) -> Result<(), RuntimeError> {
    let of_bundle = ended(runs)?.into_iter().filter(|one| one.bundle == bundle);
    of_bundle.skip(keep).try_for_each(|one| one.folder.remove())
}

/// Where there is too much, removes what ended long ago. Says so if that is not enough.
fn remove_aged(runs: &Path, bytes_max: u64, age_max: Duration) -> Result<(), RuntimeError> {
    let mut bytes = size(runs);
    if bytes <= bytes_max {
        return Ok(());
    }
    let now = SystemTime::now();
    for one in ended(runs)?.into_iter().rev() {
        let age = now.duration_since(one.since).unwrap_or_default();
        if bytes > bytes_max && age > age_max {
            bytes = bytes.saturating_sub(size(one.folder.path()));
            one.folder.remove()?;
        }
    }
    if bytes > bytes_max {
        let (mebibytes, allowed) = (bytes >> 20, bytes_max >> 20);
        tracing::warn!(
            mebibytes,
            allowed,
            "run directories take more room than they should"
        );
    }
    Ok(())
}

/// Removes unpacked images that no folder refers to.
fn remove_images(shared: &Shared) -> Result<(), RuntimeError> {
    let Some(images) = &shared.config.images else {
        return Ok(());
    };
    let unpacking = &shared.house.unpacking;
    let _alone = unpacking.write().unwrap_or_else(PoisonError::into_inner);
    let used = used_images(&shared.config.runs)?;
    if let Err(why) = images.keep_only(&used) {
        tracing::warn!(why = story(&*why), "unused images stay behind");
    }
    Ok(())
}

fn used_images(runs: &Path) -> Result<Vec<PathBuf>, RuntimeError> {
    let mut used = Vec::new();
    for (_, folder) in RunFolder::all(runs)? {
        for path in folder.container_roots() {
            let root: Option<ContainerRoot> = read_json(&path)?;
            used.extend(root.map(|root| root.rootfs));
        }
    }
    Ok(used)
}

/// What a folder takes on the disk, as far as it can be seen; links are not followed.
fn size(path: &Path) -> u64 {
    let Ok(found) = path.symlink_metadata() else {
        return 0;
    };
    if !found.is_dir() {
        return found.len();
    }
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    entries.map(|entry| size(&entry.path())).sum()
}

#[cfg(test)]
mod tests {
    use conduct_model::{Digest, InstanceId};

    use super::*;
    use crate::folder::write_json;
    use crate::record::{Stage, boot};

    /// A folder whose instance ended so long ago.
    fn folder(runs: &Path, number: u128, bundle: BundleId, age_secs: u64) -> RunFolder {
        let instance = InstanceId::from_u128(number);
        let folder = RunFolder::of(runs, instance);
        folder.create().unwrap();
        let record = Record {
            instance,
            bundle,
            boot: boot(),
            stage: Stage::Prepared,
        };
        let done = folder.path().join("done.json");
        write_json(&done, &record).unwrap();
        std::fs::write(folder.path().join("content"), [0; 1000]).unwrap();
        let at = SystemTime::now() - Duration::from_secs(age_secs);
        let file = std::fs::File::options().write(true).open(done).unwrap();
        file.set_modified(at).unwrap();
        folder
    }

    #[test]
    fn of_a_bundle_the_newest_stay_and_others_are_left_alone() {
        let runs = tempfile::tempdir().unwrap();
        let bundle = |text: &str| BundleId::plain(Digest::of(text.as_bytes()));
        let own: Vec<RunFolder> = (0..4)
            .map(|age| folder(runs.path(), age, bundle("own"), age as u64))
            .collect();
        let other = folder(runs.path(), 9, bundle("other"), 100);
        remove_old(runs.path(), bundle("own"), 2).unwrap();
        let kept: Vec<bool> = own.iter().map(|folder| folder.path().exists()).collect();
        assert_eq!(kept, [true, true, false, false]);
        assert!(other.path().exists());
    }

    #[test]
    fn too_much_goes_from_the_oldest_on_and_what_is_young_stays() {
        let runs = tempfile::tempdir().unwrap();
        let bundle = BundleId::plain(Digest::of(b"own"));
        let all: Vec<RunFolder> = [100, 90, 80, 1]
            .into_iter()
            .zip(1..)
            .map(|(age, number)| folder(runs.path(), number, bundle, age))
            .collect();
        let whole = size(runs.path());
        let kept = || -> Vec<bool> { all.iter().map(|folder| folder.path().exists()).collect() };
        remove_aged(runs.path(), whole, Duration::from_secs(10)).unwrap();
        assert_eq!(kept(), [true; 4]);
        remove_aged(runs.path(), whole - 1, Duration::from_secs(10)).unwrap();
        assert_eq!(kept(), [false, true, true, true]);
        remove_aged(runs.path(), 0, Duration::from_secs(10)).unwrap();
        assert_eq!(kept(), [false, false, false, true]);
    }
}
