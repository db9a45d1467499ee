//! What a node holds of one system.

use std::collections::BTreeSet;
use std::sync::Arc;

use conduct_model::{NodeKey, System, Time};

use crate::assignment::Assignment;
use crate::epoch::Epoch;
use crate::hash;
use crate::ownership::campaign::Campaign;
use crate::ownership::{Ownership, Promise};

/// So many epochs that were given up are remembered; only the latest matter.
const RELEASED_EPOCHS_MAX: usize = 16;

/// One system, as voter and as candidate.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    /// Where this system falls in the hashing.
    pub(super) hash: u64,
    /// What this node promised.
    pub(super) promised: Option<Promise>,
    /// The highest epoch heard of.
    pub(super) seen: Option<Epoch>,
    /// Since when the highest epoch is known.
    since: Time,
    pub(super) assignment: Option<Arc<Assignment>>,
    /// Whether there is anything to decide.
    pub(super) wanted: bool,
    /// Whether this node leaves it to others.
    pub(super) barred: bool,
    pub(super) stance: Stance,
    /// Since when nobody that answers holds it.
    pub(super) vacant_since: Option<Time>,
    /// Not before this is another claim made.
    pub(super) retry_at: Option<Time>,
    /// The last epoch that this node claimed: no number is claimed twice.
    pub(super) claimed: Option<Epoch>,
    /// The latest epochs that their owners are known to have given up.
    pub(super) released: BTreeSet<Epoch>,
    /// This node held it, and was outvoted.
    pub(super) lost: bool,
    /// Which voters have not acknowledged yet that this node released its epoch.
    pub(super) releasing: Option<(Epoch, BTreeSet<NodeKey>)>,
    /// When they were told last.
    pub(super) release_told: Option<Time>,
    /// Nothing of it is left anywhere; it goes once everybody knows.
    pub(super) forgotten: bool,
    /// When it is looked at again.
    pub(super) due: Option<Time>,
}

/// What a node does about a system.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Stance {
    /// It leaves it to others, or waits for its turn.
    Idle,
    /// It asks for promises.
    Claiming(Campaign),
    /// It owns it.
    Holding(Epoch),
}

impl Seat {
    pub(super) fn new(system: &System) -> Seat {
        Seat {
            hash: hash::system(system),
            promised: None,
            seen: None,
            since: Time::ZERO,
            assignment: None,
            wanted: false,
            barred: false,
            stance: Stance::Idle,
            vacant_since: None,
            retry_at: None,
            claimed: None,
            released: BTreeSet::new(),
            lost: false,
            releasing: None,
            release_told: None,
            forgotten: false,
            due: None,
        }
    }

    /// Notes that an epoch was given up.
    pub(super) fn note_release(&mut self, epoch: Epoch) {
        self.released.insert(epoch);
        while self.released.len() > RELEASED_EPOCHS_MAX {
            self.released.pop_first();
        }
    }

    /// The highest epoch known.
    pub(super) fn highest(&self) -> Option<Epoch> {
        let assigned = self
            .assignment
            .as_ref()
            .map(|assignment| assignment.version.epoch);
        self.promised
            .map(|promise| promise.epoch)
            .max(self.seen)
            .max(assigned)
    }

    /// Changes what is known, and notes when that brings a higher epoch.
    pub(super) fn learn(&mut self, now: Time, learn: impl FnOnce(&mut Seat)) {
        let before = self.highest();
        learn(self);
        if self.highest() > before {
            self.since = now;
        }
    }

    /// When the highest epoch is taken for one that nobody holds: whoever wins an epoch writes an
    /// assignment at once, so without one the claim failed, and its release was lost.
    pub(super) fn doubtful_from(&self) -> Option<Time> {
        let assigned = self
            .assignment
            .as_ref()
            .map(|assignment| assignment.version.epoch);
        (self.highest() > assigned).then(|| self.since + Ownership::PROOF_SPAN_MAX)
    }

    /// Whether `node` is the last that decided anything.
    pub(super) fn was_held_by(&self, node: NodeKey) -> bool {
        let assigned = self.assignment.as_ref();
        assigned.is_some_and(|assignment| assignment.version.epoch.owner == node)
    }

    /// Who holds it, unless that one has given it up.
    pub(super) fn holder(&self) -> Option<NodeKey> {
        let highest = self.highest()?;
        let promised = self.promised.filter(|promise| promise.released);
        let given_up = promised.is_some_and(|promise| promise.epoch == highest)
            || self.released.contains(&highest);
        (!given_up).then_some(highest.owner)
    }
}
