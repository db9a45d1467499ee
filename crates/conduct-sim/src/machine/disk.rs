//! A disk as databases know them: what was written is safe only after the sync, what was not may
//! be there or not after a crash, and what was safe may rot.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use conduct_node::effect::Write;
use conduct_node::input::StoreFailure;

use crate::engine::{Dice, Moment, PerMillion, micros, millis};

/// The state folder of one machine.
#[derive(Clone, Debug)]
pub struct Disk {
    synced: BTreeMap<Bytes, Bytes>,
    queue: VecDeque<Batch>,
    busy_until: Moment,
    fault: DiskFault,
    damaged: bool,
}

/// What is wrong with a disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DiskFault {
    /// Nothing.
    #[default]
    None,
    /// No sync returns before this moment.
    Stalled(Moment),
    /// No room: writes fail.
    Full,
    /// Syncs fail.
    Broken,
}

/// How a machine stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Crash {
    /// The daemon was killed: what it had handed to the kernel may still reach the disk.
    Process,
    /// The power went: what was not synced may be there, in part, or torn.
    Power,
}

/// What became of a batch that was handed to the disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It will be synced at this moment, unless something happens first.
    SyncedAt(Moment),
    /// It fails at this moment.
    FailsAt(Moment, StoreFailure),
}

#[derive(Clone, Debug)]
struct Batch {
    n: u64,
    writes: Vec<Write>,
}

impl Default for Disk {
    fn default() -> Disk {
        Disk {
            synced: BTreeMap::new(),
            queue: VecDeque::new(),
            busy_until: Moment::ZERO,
            fault: DiskFault::None,
            damaged: false,
        }
    }
}

impl Disk {
    /// What a reader would find: the synced records, in the order of their keys.
    pub fn records(&self) -> impl Iterator<Item = (&Bytes, &Bytes)> {
        self.synced.iter()
    }

    /// Whether parts were found damaged and left out since the last start.
    pub fn take_damaged(&mut self) -> bool {
        std::mem::take(&mut self.damaged)
    }

    /// How many bytes are synced.
    pub fn bytes(&self) -> usize {
        self.synced
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum()
    }

    /// What is wrong with it.
    pub const fn fault(&self) -> DiskFault {
        self.fault
    }

    /// Breaks or repairs it. What waits for a stalled disk goes on waiting until its moment.
    pub fn set_fault(&mut self, now: Moment, fault: DiskFault) {
        if let DiskFault::Stalled(until) = fault {
            self.busy_until = self.busy_until.max(until);
        } else if matches!(self.fault, DiskFault::Stalled(_)) {
            self.busy_until = now;
        }
        self.fault = fault;
    }

    /// Hands a batch over. Batches are synced in their order.
    pub fn write(&mut self, now: Moment, n: u64, writes: Vec<Write>, dice: &mut Dice) -> Outcome {
        let took = millis(1) + micros(dice.below(2_000));
        match self.fault {
            DiskFault::Full => return Outcome::FailsAt(now + took, StoreFailure::NoSpace),
            DiskFault::Broken => return Outcome::FailsAt(now + took, StoreFailure::Disk),
            DiskFault::None | DiskFault::Stalled(_) => {}
        }
        // Batches that wait together share a sync, as a database's group commit does.
        let at = self.busy_until.max(now) + took;
        if self.queue.is_empty() || self.busy_until <= now {
            self.busy_until = at;
        }
        self.queue.push_back(Batch { n, writes });
        Outcome::SyncedAt(at)
    }

    /// The moment of batch `n` has come: everything up to it is synced. False when it was not
    /// waiting (any more), or still waits for a stalled disk: then `retry_at` says until when.
    pub fn sync(&mut self, now: Moment, n: u64) -> Synced {
        if let DiskFault::Stalled(until) = self.fault
            && until > now
        {
            return Synced::Later(until);
        }
        let before = self.queue.len();
        while self.queue.front().is_some_and(|batch| batch.n <= n) {
            let batch = self.queue.pop_front().expect("the front was just seen");
            self.apply(batch.writes);
        }
        if self.queue.len() < before {
            Synced::Yes
        } else {
            Synced::Nothing
        }
    }

    /// Whether a write waits for its sync.
    pub fn is_writing(&self) -> bool {
        !self.queue.is_empty()
    }

    /// The machine stops: of what waits, as many batches as chance has it are there afterwards,
    /// in their order, each whole or not at all, as the database promises.
    pub fn crash(&mut self, crash: Crash, dice: &mut Dice) {
        let survives = match crash {
            Crash::Process => PerMillion::percent(70),
            Crash::Power => PerMillion::percent(30),
        };
        while let Some(batch) = self.queue.pop_front() {
            if !dice.hits(survives) {
                break;
            }
            self.apply(batch.writes);
        }
        self.queue.clear();
        self.busy_until = Moment::ZERO;
    }

    /// A record rots. The store's checksum finds it at the next start and leaves it out.
    pub fn rot(&mut self, dice: &mut Dice) -> bool {
        let Some(victim) = nth(&self.synced, dice.below(self.synced.len() as u64)) else {
            return false;
        };
        self.synced.remove(&victim);
        self.damaged = true;
        true
    }

    /// A new, empty disk.
    pub fn wipe(&mut self) {
        *self = Disk {
            fault: self.fault,
            ..Disk::default()
        };
    }

    /// A copy of what is safe, as a backup takes it.
    pub fn backup(&self) -> BTreeMap<Bytes, Bytes> {
        self.synced.clone()
    }

    /// Puts a backup in the place of everything.
    pub fn restore(&mut self, backup: BTreeMap<Bytes, Bytes>) {
        self.queue.clear();
        self.synced = backup;
    }

    /// Changes what is stored behind everyone's back, for experiments with broken promises.
    pub fn edit(&mut self, change: impl FnOnce(&mut BTreeMap<Bytes, Bytes>)) {
        change(&mut self.synced);
    }

    fn apply(&mut self, writes: Vec<Write>) {
        for write in writes {
            match write.value {
                Some(value) => self.synced.insert(write.key, value),
                None => self.synced.remove(&write.key),
            };
        }
    }
}

/// What came of a sync.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Synced {
    /// It is safe now.
    Yes,
    /// Nothing waited.
    Nothing,
    /// The disk is stalled until then.
    Later(Moment),
}

fn nth(records: &BTreeMap<Bytes, Bytes>, n: u64) -> Option<Bytes> {
    records.keys().nth(n as usize).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(key: &'static str) -> Vec<Write> {
        vec![Write {
            key: Bytes::from_static(key.as_bytes()),
            value: Some(Bytes::from_static(b"value")),
        }]
    }

    fn keys(disk: &Disk) -> Vec<&[u8]> {
        disk.records().map(|(key, _)| &key[..]).collect()
    }

    #[test]
    fn what_is_not_synced_survives_a_crash_only_as_a_prefix() {
        for seed in 0..200 {
            let mut dice = Dice::of(seed, "disk", 0);
            let mut disk = Disk::default();
            for (n, key) in ["a", "b", "c", "d"].into_iter().enumerate() {
                disk.write(Moment::ZERO, n as u64, put(key), &mut dice);
            }
            disk.sync(millis(10), 1);
            disk.crash(Crash::Power, &mut dice);
            let found = keys(&disk).concat();
            assert!(
                b"abcd".starts_with(&found[..]) && found.len() >= 2,
                "{found:?}"
            );
        }
    }

    #[test]
    fn a_stalled_disk_syncs_nothing_and_a_full_one_says_so() {
        let mut dice = Dice::of(1, "disk", 0);
        let mut disk = Disk::default();
        disk.set_fault(Moment::ZERO, DiskFault::Stalled(millis(5_000)));
        let Outcome::SyncedAt(at) = disk.write(Moment::ZERO, 1, put("a"), &mut dice) else {
            panic!("a stalled disk takes writes");
        };
        assert!(at >= millis(5_000));
        assert_eq!(disk.sync(millis(100), 1), Synced::Later(millis(5_000)));
        assert_eq!(disk.sync(at, 1), Synced::Yes);

        disk.set_fault(at, DiskFault::Full);
        let outcome = disk.write(at, 2, put("b"), &mut dice);
        assert!(matches!(
            outcome,
            Outcome::FailsAt(_, StoreFailure::NoSpace)
        ));
        assert_eq!(keys(&disk), [b"a"]);
    }
}
