//! Control groups, in whichever version the machine has them: limits, counting, killing everything.
//!
//! An instance has a group in each tree that is of use. The limits are the group's; the processes
//! are in groups below it, `run` for those that shims start and one for each container. Without the
//! right to make groups instances still run; what is not enforced then is said.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where the groups of all nodes are, from the top of each tree.
const TOP: &str = "conduct";

/// The group of the processes that a shim starts itself.
const RUN: &str = "run";

/// How often the making of a group is tried.
const GROUP_TRIES: usize = 3;

/// What an instance may use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Limits {
    /// Nothing where memory is not limited.
    pub(crate) memory_bytes: Option<u64>,
    pub(crate) cpu_millis: u64,
    pub(crate) processes: u64,
}

/// Where a machine's controllers are mounted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mounts {
    /// The tree of version 2: the whole, or beside version 1.
    unified: Option<PathBuf>,
    /// Controllers of version 1, each with a tree of its own.
    memory: Option<PathBuf>,
    cpu: Option<PathBuf>,
    pids: Option<PathBuf>,
    /// Every tree, also those that only runc uses.
    all: BTreeSet<PathBuf>,
}

/// The groups of one instance.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Groups {
    /// Those that hold the instance.
    pub(crate) joined: Vec<PathBuf>,
    /// Those that exist only if runc makes them.
    pub(crate) aside: Vec<PathBuf>,
    /// What of the limits the machine does not let us enforce.
    pub(crate) missing: Vec<&'static str>,
}

impl Mounts {
    /// Looks where this machine has them.
    pub(crate) fn find() -> Mounts {
        Mounts::read(&fs::read_to_string("/proc/self/mounts").unwrap_or_default())
    }

    fn read(text: &str) -> Mounts {
        let mut mounts = Mounts::default();
        for line in text.lines() {
            let mut parts = line.split(' ');
            let (Some(_), Some(path), Some(kind), Some(options)) =
                (parts.next(), parts.next(), parts.next(), parts.next())
            else {
                continue;
            };
            let has = |controller| options.split(',').any(|option| option == controller);
            let path = PathBuf::from(path);
            if kind == "cgroup" || kind == "cgroup2" {
                mounts.all.insert(path.clone());
            }
            match kind {
                "cgroup2" => mounts.unified = Some(path),
                "cgroup" if has("memory") => mounts.memory = Some(path),
                "cgroup" if has("cpu") => mounts.cpu = Some(path),
                "cgroup" if has("pids") => mounts.pids = Some(path),
                _ => {}
            }
        }
        mounts
    }

    /// Makes the groups of an instance, with limits where that is possible.
    pub(crate) fn make(&self, name: &str, instance: &str, limits: &Limits) -> Groups {
        let mut groups = Groups::default();
        let place = Path::new(TOP).join(name).join(instance);
        let made: Vec<&PathBuf> = [&self.unified, &self.memory, &self.cpu, &self.pids]
            .into_iter()
            .flatten()
            .filter(|tree| make_in(tree, &place).is_ok())
            .collect();
        for tree in &made {
            give_weight(tree, name);
        }
        let in_tree = |tree: &Option<PathBuf>| {
            let tree = tree.as_ref().filter(|tree| made.contains(tree))?;
            Some(tree.join(&place))
        };
        let unified = in_tree(&self.unified);
        // The one tree if it has the controller, else the controller's own.
        let set = |own: &Option<PathBuf>, new: (&str, String), old: (&str, String)| {
            let write = |group: &Option<PathBuf>, (file, value): (&str, String)| {
                let group = group.as_ref();
                group.is_some_and(|group| fs::write(group.join(file), value).is_ok())
            };
            write(&unified, new) || write(&in_tree(own), old)
        };
        let memory = limits.memory_bytes.map(|bytes| bytes.to_string());
        let new = memory.clone().unwrap_or_else(|| "max".to_owned());
        let old = memory.unwrap_or_else(|| "-1".to_owned());
        let limited = set(
            &self.memory,
            ("memory.max", new),
            ("memory.limit_in_bytes", old.clone()),
        );
        if limited && limits.memory_bytes.is_some() {
            // What goes over is killed and not swapped. A machine without swap has no such files.
            set(
                &self.memory,
                ("memory.swap.max", "0".to_owned()),
                ("memory.memsw.limit_in_bytes", old),
            );
        }
        let weight = (limits.cpu_millis / 10).clamp(1, 10_000);
        let shares = (limits.cpu_millis.saturating_mul(1024) / 1000).max(2);
        let shared = set(
            &self.cpu,
            ("cpu.weight", weight.to_string()),
            ("cpu.shares", shares.to_string()),
        );
        let most = limits.processes.to_string();
        let counted = set(&self.pids, ("pids.max", most.clone()), ("pids.max", most));
        groups.missing = [
            (limited, "memory"),
            (shared, "processor shares"),
            (counted, "processes"),
        ]
        .into_iter()
        .filter(|(is_set, _)| !is_set)
        .map(|(_, what)| what)
        .collect();
        groups.joined = made.iter().map(|tree| tree.join(&place)).collect();
        let others = self.all.iter().filter(|tree| !made.contains(tree));
        groups.aside = others.map(|tree| tree.join(&place)).collect();
        groups
    }

    /// Removes what a node's instances had in common, once none has a group of its own any more.
    pub(crate) fn remove(&self, name: &str) {
        for tree in &self.all {
            let ours = tree.join(TOP);
            // Whatever still holds somebody stays, and so does what other nodes have in there.
            let _ = fs::remove_dir(ours.join(name));
            let _ = fs::remove_dir(&ours);
        }
    }
}

impl Mounts {
    /// The groups that there are of a node's instances, by instance.
    pub(crate) fn found(&self, name: &str) -> BTreeMap<String, Groups> {
        let mut found: BTreeMap<String, Groups> = BTreeMap::new();
        for tree in &self.all {
            let place = tree.join(TOP).join(name);
            for entry in fs::read_dir(place).into_iter().flatten().flatten() {
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    let instance = entry.file_name().to_string_lossy().into_owned();
                    found.entry(instance).or_default().joined.push(entry.path());
                }
            }
        }
        found
    }
}

/// A group that hands its controllers down, with the one that processes are put into.
fn make_in(tree: &Path, place: &Path) -> io::Result<()> {
    let group = tree.join(place).join(RUN);
    // Another node on this machine may be removing a folder above, empty until now.
    let made = (0..GROUP_TRIES).any(|_| fs::create_dir_all(&group).is_ok());
    if !made {
        fs::create_dir_all(&group)?;
    }
    let mut above = tree.to_owned();
    for part in place {
        // Refused one by one where the tree does not have them; the limits tell.
        for controller in ["+memory", "+pids", "+cpu"] {
            let _ = fs::write(above.join("cgroup.subtree_control"), controller);
        }
        above.push(part);
    }
    Ok(())
}

/// All instances together weigh as much as the machine has processors. Otherwise they would share
/// what one process of the host gets, since those stand beside the group of all nodes.
fn give_weight(tree: &Path, name: &str) {
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as u64;
    let top = tree.join(TOP);
    for group in [top.clone(), top.join(name)] {
        for (file, value) in [
            ("cpu.shares", cpus * 1024),
            ("cpu.weight", (cpus * 100).min(10_000)),
        ] {
            // Each version has the one or the other, other trees have neither.
            let path = group.join(file);
            if path.exists()
                && let Err(error) = fs::write(&path, value.to_string())
            {
                tracing::debug!(path = %path.display(), %error, "instances weigh little");
            }
        }
    }
}

impl Groups {
    pub(crate) fn of(joined: Vec<PathBuf>, aside: Vec<PathBuf>) -> Groups {
        Groups {
            joined,
            aside,
            missing: Vec::new(),
        }
    }

    /// The group for runc to make for a component, as runc names it: from the top of every tree.
    pub(crate) fn of_container(name: &str, instance: &str, component: &str) -> String {
        format!("/{TOP}/{name}/{instance}/{component}.container")
    }

    /// Puts a process into all groups. Called between fork and exec, too: no locks, no threads.
    pub(crate) fn join(&self, pid: u32) -> io::Result<()> {
        for group in &self.joined {
            fs::write(group.join(RUN).join("cgroup.procs"), pid.to_string())?;
        }
        Ok(())
    }

    /// Everybody who is in any of the groups.
    pub(crate) fn members(&self) -> Vec<u32> {
        let mut members: Vec<u32> = self
            .joined
            .iter()
            .flat_map(|group| with_inner(group))
            .filter_map(|group| fs::read_to_string(group.join("cgroup.procs")).ok())
            .flat_map(|text| {
                text.lines()
                    .filter_map(|line| line.parse().ok())
                    .collect::<Vec<_>>()
            })
            .collect();
        members.sort_unstable();
        members.dedup();
        members
    }

    /// Kills everybody at once where the kernel can; answers whether it could.
    pub(crate) fn kill(&self) -> bool {
        self.joined
            .iter()
            .any(|group| fs::write(group.join("cgroup.kill"), "1").is_ok())
    }

    /// How many processes the kernel has killed here for want of memory.
    pub(crate) fn out_of_memory_kills(&self) -> u64 {
        let count = |group: &Path, file: &str| {
            let text = fs::read_to_string(group.join(file)).ok()?;
            text.lines()
                .find_map(|line| line.strip_prefix("oom_kill ")?.parse::<u64>().ok())
        };
        let of = |group: &PathBuf| {
            // Version 2 counts below a group as well, version 1 only in it.
            count(group, "memory.events").unwrap_or_else(|| {
                let groups = with_inner(group);
                let counts = groups
                    .iter()
                    .filter_map(|group| count(group, "memory.oom_control"));
                counts.sum()
            })
        };
        self.joined.iter().map(of).max().unwrap_or(0)
    }

    /// The most memory that was in use at once, where the machine counts it.
    pub(crate) fn memory_peak_bytes(&self) -> Option<u64> {
        let files = ["memory.peak", "memory.max_usage_in_bytes"];
        self.joined
            .iter()
            .flat_map(|group| files.map(|file| group.join(file)))
            .find_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok())
    }

    /// Removes the groups; those that still hold somebody stay.
    pub(crate) fn remove(&self) {
        for group in self.joined.iter().chain(&self.aside) {
            for group in with_inner(group).iter().rev() {
                if let Err(error) = fs::remove_dir(group)
                    && error.kind() != io::ErrorKind::NotFound
                {
                    tracing::debug!(group = %group.display(), %error, "a control group stays");
                }
            }
        }
    }
}

/// A group and all below it, outer ones first.
fn with_inner(group: &Path) -> Vec<PathBuf> {
    let mut found = vec![group.to_owned()];
    let mut next = 0;
    while next < found.len() {
        let entries = fs::read_dir(&found[next]).into_iter().flatten().flatten();
        let inner = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        let inner: Vec<PathBuf> = inner.map(|entry| entry.path()).collect();
        found.extend(inner);
        next += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        memory_bytes: Some(64 << 20),
        cpu_millis: 100,
        processes: 1024,
    };

    #[test]
    fn groups_hold_kill_and_go_or_are_named_as_missing() {
        let mounts = Mounts::find();
        let name = format!("test-{}", std::process::id());
        let groups = mounts.make(&name, "one", &LIMITS);
        if groups.joined.is_empty() {
            assert_eq!(groups.missing, ["memory", "processor shares", "processes"]);
            return;
        }
        let mut child = std::process::Command::new("sleep")
            .arg("100")
            .spawn()
            .unwrap();
        groups.join(child.id()).unwrap();
        assert_eq!(groups.members(), [child.id()]);
        if !groups.kill() {
            child.kill().unwrap();
        }
        child.wait().unwrap();
        assert!(groups.members().is_empty());
        groups.remove();
        assert!(groups.joined.iter().all(|group| !group.exists()));
        for group in &groups.joined {
            let _ = fs::remove_dir(group.parent().unwrap());
        }
    }

    /// Trees as folders: what is written to their files can be read again.
    fn fake(version_1: &[&str], version_2: bool) -> (tempfile::TempDir, Mounts) {
        let folder = tempfile::tempdir().unwrap();
        let mut text = String::new();
        for controller in version_1 {
            let tree = folder.path().join(controller);
            fs::create_dir(&tree).unwrap();
            text += &format!("cgroup {} cgroup rw,{controller} 0 0\n", tree.display());
        }
        if version_2 {
            let tree = folder.path().join("unified");
            fs::create_dir(&tree).unwrap();
            text += &format!("cgroup2 {} cgroup2 rw 0 0\n", tree.display());
        }
        let mounts = Mounts::read(&text);
        (folder, mounts)
    }

    fn written(folder: &tempfile::TempDir, path: &str) -> String {
        fs::read_to_string(folder.path().join(path)).unwrap_or_default()
    }

    #[test]
    fn limits_are_written_where_the_controllers_are() {
        let (folder, mounts) = fake(&["memory", "cpu", "pids", "freezer"], false);
        let groups = mounts.make("here", "one", &LIMITS);
        assert_eq!(groups.missing, [""; 0]);
        let place = "conduct/here/one";
        assert_eq!(
            written(&folder, &format!("memory/{place}/memory.limit_in_bytes")),
            "67108864"
        );
        assert_eq!(written(&folder, &format!("cpu/{place}/cpu.shares")), "102");
        assert_eq!(written(&folder, &format!("pids/{place}/pids.max")), "1024");
        assert_eq!(groups.aside, [folder.path().join("freezer").join(place)]);

        let (folder, mounts) = fake(&[], true);
        let groups = mounts.make("here", "one", &LIMITS);
        assert_eq!(groups.missing, [""; 0]);
        assert_eq!(
            written(&folder, "unified/conduct/here/one/memory.max"),
            "67108864"
        );
        assert_eq!(
            written(&folder, "unified/conduct/here/one/cpu.weight"),
            "10"
        );
        assert_eq!(groups.joined.len(), 1);
    }

    #[test]
    fn a_controller_that_is_not_there_is_named() {
        let (_folder, mounts) = fake(&["cpu", "pids"], false);
        assert_eq!(mounts.make("here", "one", &LIMITS).missing, ["memory"]);
        let (_folder, mounts) = fake(&[], false);
        assert_eq!(
            mounts.make("here", "one", &LIMITS).missing,
            ["memory", "processor shares", "processes"]
        );
    }
}
