//! Control groups, in whichever version the machine has them: limits, counting, killing everything.
//!
//! Without the right to make them instances still run; what is not enforced then is said once.

use std::fs;
use std::io;
use std::path::PathBuf;

use conduct_model::Resources;

/// Processes that an instance may have at once.
const PROCESSES_MAX: u64 = 1024;

/// Where a machine's controllers are mounted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mounts {
    /// The tree of version 2: the whole, or beside version 1.
    unified: Option<PathBuf>,
    /// Controllers of version 1, each with a tree of its own.
    memory: Option<PathBuf>,
    cpu: Option<PathBuf>,
    pids: Option<PathBuf>,
}

/// The groups of one instance.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Groups {
    /// What the instance's processes are put into.
    pub(crate) joined: Vec<PathBuf>,
    /// What of the limits the machine does not let us enforce.
    pub(crate) missing: Vec<&'static str>,
}

impl Mounts {
    /// Looks where this machine has them.
    pub(crate) fn find() -> Mounts {
        let text = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let mut mounts = Mounts::default();
        for line in text.lines() {
            let mut parts = line.split(' ');
            let (Some(_), Some(path), Some(kind), Some(options)) =
                (parts.next(), parts.next(), parts.next(), parts.next())
            else {
                continue;
            };
            let has = |controller| options.split(',').any(|option| option == controller);
            let path = Some(PathBuf::from(path));
            match kind {
                "cgroup2" => mounts.unified = path,
                "cgroup" if has("memory") => mounts.memory = path,
                "cgroup" if has("cpu") => mounts.cpu = path,
                "cgroup" if has("pids") => mounts.pids = path,
                _ => {}
            }
        }
        mounts
    }

    /// Makes the groups of an instance, with limits where that is possible.
    pub(crate) fn make(&self, name: &str, instance: &str, needs: &Resources) -> Groups {
        let mut groups = Groups::default();
        let mut made = |tree: &Option<PathBuf>, limits: &[(&str, String)]| {
            let Some(tree) = tree else { return false };
            let parent = tree.join("conduct").join(name);
            let group = parent.join(instance);
            if fs::create_dir_all(&group).is_err() {
                return false;
            }
            for above in [tree, &tree.join("conduct"), &parent] {
                // Refused where the tree has no controllers to hand down; the limits below tell.
                let _ = fs::write(above.join("cgroup.subtree_control"), "+memory +pids +cpu");
            }
            let set = limits
                .iter()
                .all(|(file, value)| fs::write(group.join(file), value).is_ok());
            groups.joined.push(group);
            set
        };
        let shares = needs.cpu_millis.saturating_mul(1024) / 1000;
        let weight = (needs.cpu_millis / 10).clamp(1, 10_000);
        let whole = made(
            &self.unified,
            &[
                ("pids.max", PROCESSES_MAX.to_string()),
                ("cpu.weight", weight.to_string()),
            ],
        );
        if !whole {
            let pids = made(&self.pids, &[("pids.max", PROCESSES_MAX.to_string())]);
            let cpu = made(&self.cpu, &[("cpu.shares", shares.max(2).to_string())]);
            let memory = made(&self.memory, &[]);
            for (has, what) in [
                (pids, "processes"),
                (cpu, "processor shares"),
                (memory, "memory"),
            ] {
                if !has {
                    groups.missing.push(what);
                }
            }
        }
        groups
    }
}

impl Groups {
    pub(crate) fn of(joined: Vec<PathBuf>) -> Groups {
        Groups {
            joined,
            missing: Vec::new(),
        }
    }

    /// Puts a process into all groups. Called between fork and exec, too: no locks, no threads.
    pub(crate) fn join(&self, pid: u32) -> io::Result<()> {
        for group in &self.joined {
            fs::write(group.join("cgroup.procs"), pid.to_string())?;
        }
        Ok(())
    }

    /// Everybody who is in any of the groups.
    pub(crate) fn members(&self) -> Vec<u32> {
        let mut members: Vec<u32> = self
            .joined
            .iter()
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
        let count = |group: &PathBuf| {
            ["memory.events", "memory.oom_control"]
                .iter()
                .find_map(|file| {
                    let text = fs::read_to_string(group.join(file)).ok()?;
                    text.lines()
                        .find_map(|line| line.strip_prefix("oom_kill ")?.parse::<u64>().ok())
                })
        };
        self.joined.iter().filter_map(count).max().unwrap_or(0)
    }

    /// Removes the groups; those that still hold somebody stay.
    pub(crate) fn remove(&self) {
        for group in &self.joined {
            if let Err(error) = fs::remove_dir(group)
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::debug!(group = %group.display(), %error, "a control group stays");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_hold_kill_and_go_or_are_named_as_missing() {
        let mounts = Mounts::find();
        let needs = Resources {
            cpu_millis: 100,
            memory_bytes: 64 << 20,
            disk_bytes: 0,
        };
        let name = format!("test-{}", std::process::id());
        let groups = mounts.make(&name, "one", &needs);
        if groups.joined.is_empty() {
            assert_eq!(groups.missing, ["processes", "processor shares", "memory"]);
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
}
