//! The process table: 64 places, so that pids come again soon and a pid alone proves nothing.

use conduct_model::InstanceId;

use crate::engine::Moment;

/// A process id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Pid(pub u32);

/// A process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Process {
    /// What it is.
    pub what: What,
    /// When it began: with the pid and the boot it names one process for ever.
    pub since: Moment,
}

/// What a process is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// The keeper of an instance.
    Shim(InstanceId),
    /// An instance's own.
    Instance(InstanceId),
    /// None of ours.
    Stranger,
}

/// The processes of one machine since its last boot.
#[derive(Clone, Debug)]
pub struct Processes {
    boot: u64,
    table: Vec<Option<Process>>,
    next: usize,
}

const PIDS: usize = 64;
/// Strangers leave when there are more processes than this.
const STRANGERS: usize = 16;

impl Default for Processes {
    fn default() -> Processes {
        Processes {
            boot: 1,
            table: vec![None; PIDS],
            next: 1,
        }
    }
}

impl Processes {
    /// A table with more room, for machines that run thousands of instances.
    pub fn widen(&mut self, pids: usize) {
        self.table.resize(pids.max(self.table.len()), None);
    }

    /// Which boot this is.
    pub const fn boot(&self) -> u64 {
        self.boot
    }

    /// Forks. None when the table is full.
    pub fn fork(&mut self, what: What, now: Moment) -> Option<Pid> {
        for step in 0..self.table.len() {
            let pid = (self.next + step) % self.table.len();
            if pid != 0 && self.table[pid].is_none() {
                self.table[pid] = Some(Process { what, since: now });
                self.next = pid + 1;
                return Some(Pid(pid as u32));
            }
        }
        None
    }

    /// Who has this pid now.
    pub fn get(&self, pid: Pid) -> Option<&Process> {
        self.table[pid.0 as usize].as_ref()
    }

    /// Whether `pid` is still the process that began at `since`.
    pub fn is_same(&self, pid: Pid, since: Moment) -> bool {
        self.get(pid).is_some_and(|process| process.since == since)
    }

    /// The process ends and its pid is free.
    pub fn end(&mut self, pid: Pid) {
        self.table[pid.0 as usize] = None;
    }

    /// Strangers come and go: the pid that was just freed is somebody else's soon.
    pub fn bustle(&mut self, freed: Pid, now: Moment) {
        let oldest = (0..self.table.len())
            .filter(|pid| {
                matches!(
                    self.table[*pid],
                    Some(Process {
                        what: What::Stranger,
                        ..
                    })
                )
            })
            .min_by_key(|pid| self.table[*pid].map(|process| process.since));
        if let Some(oldest) = oldest
            && self.count() > STRANGERS
        {
            self.table[oldest] = None;
        }
        self.table[freed.0 as usize] = Some(Process {
            what: What::Stranger,
            since: now,
        });
    }

    /// The machine boots: everything is gone.
    pub fn reboot(&mut self) {
        let pids = self.table.len();
        *self = Processes {
            boot: self.boot + 1,
            ..Processes::default()
        };
        self.widen(pids);
    }

    /// How many processes there are.
    pub fn count(&self) -> usize {
        self.table.iter().flatten().count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::secs;

    #[test]
    fn a_pid_comes_again_and_is_not_the_same_process() {
        let mut processes = Processes::default();
        let first = processes
            .fork(What::Stranger, secs(1))
            .expect("there is room");
        processes.end(first);
        let again = (0..PIDS).find_map(|_| {
            let pid = processes.fork(What::Stranger, secs(2))?;
            (pid == first).then_some(pid)
        });
        assert_eq!(again, Some(first));
        assert!(!processes.is_same(first, secs(1)));
    }

    #[test]
    fn a_full_table_forks_no_more() {
        let mut processes = Processes::default();
        while processes.fork(What::Stranger, secs(1)).is_some() {}
        assert_eq!(processes.count(), PIDS - 1);
        processes.reboot();
        assert_eq!((processes.count(), processes.boot()), (0, 2));
    }
}
