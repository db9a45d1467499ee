//! What an owner decided for its system: which slot is filled by which instance on which node.
//!
//! An assignment is written by one owner at a time, as a whole, and a later version replaces an
//! earlier one. It says what *should* be; what *is* stands in the reports of the nodes.

use std::collections::{BTreeMap, BTreeSet};

use conduct_model::{BundleId, InstanceId, NodeKey};
use serde::{Deserialize, Serialize};

use crate::epoch::Version;
use crate::execution::Ending;

/// A place for one instance of a bundle.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct SlotId {
    /// Of which bundle.
    pub bundle: BundleId,
    /// The lowest free number is taken first.
    pub number: u32,
}

/// Everything decided for one system.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Assignment {
    /// The decision that this is.
    pub version: Version,
    /// The slots that are filled, completed, or wait out a back-off.
    pub slots: BTreeMap<SlotId, Slot>,
    /// What went wrong with a bundle lately. Bundles with nothing to tell have none.
    pub accounts: BTreeMap<BundleId, Account>,
}

/// One slot.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Slot {
    /// The decision that last changed it.
    pub version: Version,
    /// What is in it.
    pub content: Content,
    /// How often in a row an instance of this slot ended soon after it had been healthy: decides
    /// the back-off, and whether another node is tried.
    pub quick_ends: u32,
}

/// What is in a slot.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Content {
    /// Nothing: the next instance waits for its back-off or for a node.
    Vacant {
        /// Where the last one ran: where the archive is unpacked and the volumes are.
        last: NodeKey,
    },
    /// An instance.
    Filled(Filled),
    /// Its instance finished its work and is left alone until somebody asks for a run again.
    Completed {
        /// The generation of the wish that it completed.
        generation: u64,
    },
}

/// The instance in a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Filled {
    /// Its node.
    pub node: NodeKey,
    /// Its name, never used again.
    pub instance: InstanceId,
    /// How far its owner has let it go.
    pub stage: Stage,
    /// When it was last let further on its way up: what is newest is stopped first.
    pub since: Version,
    /// It is being replaced because its node is drained. It does not count towards the scale, and
    /// ends when enough others are healthy.
    pub moving: bool,
}

/// How far an owner has let an instance go.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Stage {
    /// Its node fetches and unpacks. No process exists before it is granted.
    Placed,
    /// It holds the gate of its system: it may fork, and nobody else of the system starts.
    Granted,
    /// It should have signalled or failed long ago, and its node is silent: it counts, but holds
    /// the gate no longer.
    Overdue,
    /// It signalled that it is healthy.
    Started,
    /// It is drained and told to end.
    Stopping(StopReason),
}

/// Why an instance is stopped.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum StopReason {
    /// Fewer are wished for.
    ScaledDown,
    /// Its bundle is unloaded.
    Unloaded,
    /// Its node is drained.
    Moved,
    /// Its health check failed too often; another takes its place.
    Unhealthy,
    /// It had not started when its bundle was given up for a while.
    Parked,
    /// It did not signal in time, and its node did not say so.
    Overdue,
}

/// What is remembered of a bundle beyond its slots.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Account {
    /// The decision that last changed it.
    pub version: Version,
    /// The wish that it belongs to; another one begins a new account.
    pub generation: u64,
    /// Failed starts since the last good one.
    pub failed_starts: u32,
    /// Where the last of them failed, the latest last.
    pub failed_on: Vec<NodeKey>,
    /// How the last failure ended.
    pub last_failure: Option<Ending>,
    /// How many instances no node can take.
    pub missing: u32,
    /// How often an instance was started in place of one that failed.
    pub reschedules: u64,
}

impl Account {
    /// So many failed starts in a row, and a bundle is parked.
    pub const FAILED_STARTS_MAX: u32 = 3;

    /// The longest that an account is when written: the keys of the nodes that failed, two digests,
    /// a reason.
    const BYTES_MAX: usize = 480;

    /// So many slots take as much room as an account does.
    const SLOTS: usize = 2;

    /// An account with nothing in it.
    pub(crate) const fn new(version: Version, generation: u64) -> Account {
        Account {
            version,
            generation,
            failed_starts: 0,
            failed_on: Vec::new(),
            last_failure: None,
            missing: 0,
            reschedules: 0,
        }
    }

    /// Whether the bundle was given up for a while: it is tried now and then.
    pub const fn is_parked(&self) -> bool {
        self.failed_starts >= Account::FAILED_STARTS_MAX
    }

    /// Whether something is wrong that people should see.
    pub const fn has_error(&self) -> bool {
        self.is_parked() || self.missing > 0
    }
}

impl Slot {
    /// The longest that a slot is with its id when written: two digests, three keys, some numbers.
    const BYTES_MAX: usize = 250;

    /// The instance in it.
    pub const fn filled(&self) -> Option<&Filled> {
        match &self.content {
            Content::Filled(filled) => Some(filled),
            Content::Vacant { .. } | Content::Completed { .. } => None,
        }
    }
}

impl Filled {
    /// Whether it counts as running or starting: it is neither on its way out nor being replaced.
    pub const fn counts(&self) -> bool {
        !self.moving && !matches!(self.stage, Stage::Stopping(_))
    }

    /// Whether it was told to end.
    pub const fn is_stopping(&self) -> bool {
        matches!(self.stage, Stage::Stopping(_))
    }
}

impl Assignment {
    /// So many slots one system can have, of which each of its bundles takes two for its account:
    /// the assignment has to fit into one record, whatever happens to its instances.
    pub const SLOTS_MAX: usize = 1_024;

    /// An assignment with nothing in it.
    pub const fn empty(version: Version) -> Assignment {
        Assignment {
            version,
            slots: BTreeMap::new(),
            accounts: BTreeMap::new(),
        }
    }

    /// How many of [`Assignment::SLOTS_MAX`] are taken, if `cleared` are not any more.
    pub(crate) fn slots_taken(&self, cleared: &BTreeSet<SlotId>) -> usize {
        let slots = self.slots.keys().filter(|id| !cleared.contains(id));
        let mut bundles: BTreeSet<BundleId> = self.accounts.keys().copied().collect();
        bundles.extend(slots.clone().map(|id| id.bundle));
        slots.count() + bundles.len() * Account::SLOTS
    }

    /// How many of them another slot of a bundle takes, with an account if it is the first.
    pub(crate) fn slots_for(&self, bundle: BundleId) -> usize {
        let known = self.accounts.contains_key(&bundle) || self.slots_of(bundle).next().is_some();
        1 + if known { 0 } else { Account::SLOTS }
    }

    /// The slots of a bundle.
    pub fn slots_of(&self, bundle: BundleId) -> impl Iterator<Item = (SlotId, &Slot)> {
        let all = SlotId { bundle, number: 0 }..=SlotId {
            bundle,
            number: u32::MAX,
        };
        self.slots.range(all).map(|(id, slot)| (*id, slot))
    }

    /// Every slot that holds an instance, with it.
    pub fn filled(&self) -> impl Iterator<Item = (SlotId, &Filled)> {
        self.slots
            .iter()
            .filter_map(|(id, slot)| Some((*id, slot.filled()?)))
    }

    /// The slot that holds `instance`.
    pub fn named(&self, instance: InstanceId) -> Option<&Filled> {
        self.filled()
            .map(|(_, filled)| filled)
            .find(|filled| filled.instance == instance)
    }

    /// How many instances of a bundle count as running or starting.
    pub fn counted(&self, bundle: BundleId) -> u32 {
        let counts = |(_, slot): &(SlotId, &Slot)| slot.filled().is_some_and(Filled::counts);
        self.slots_of(bundle).filter(counts).count() as u32
    }

    /// Whether an owner can have decided this: no part of it was changed by a later decision than
    /// the whole.
    pub fn is_sound(&self) -> bool {
        let within = |version: Version| version <= self.version && version.is_sound();
        let slots = self.slots.values().all(|slot| {
            let since = slot.filled().map(|filled| filled.since);
            within(slot.version) && since.is_none_or(within)
        });
        let accounts = self.accounts.values();
        self.version.is_sound() && slots && accounts.map(|account| account.version).all(within)
    }

    /// About how many bytes it takes to tell it: an upper bound for planning messages.
    pub fn size_hint(&self) -> usize {
        64 + self.slots.len() * Slot::BYTES_MAX + self.accounts.len() * Account::BYTES_MAX
    }

    /// What a new owner begins with that was told of two assignments.
    ///
    /// Each is complete, so the later one names everything that was decided up to its version:
    /// what it does not name was removed. For what both name, the later entry holds.
    #[must_use]
    pub fn joined(mut self, mut other: Assignment) -> Assignment {
        if self.version < other.version {
            std::mem::swap(&mut self, &mut other);
        }
        for (id, slot) in other.slots {
            if let Some(mine) = self.slots.get_mut(&id)
                && mine.version < slot.version
            {
                *mine = slot;
            }
        }
        for (bundle, account) in other.accounts {
            if let Some(mine) = self.accounts.get_mut(&bundle)
                && mine.version < account.version
            {
                *mine = account;
            }
        }
        self
    }
}
