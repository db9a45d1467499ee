//! What a node holds of one system.

use std::collections::BTreeSet;
use std::sync::Arc;

use conduct_model::{NodeKey, System, Time};

use crate::assignment::Assignment;
use crate::epoch::Epoch;
use crate::hash;
use crate::ownership::Promise;
use crate::ownership::campaign::Campaign;

/// One system, as voter and as candidate.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    /// Where this system falls in the hashing.
    pub(super) hash: u64,
    /// What this node promised.
    pub(super) promised: Option<Promise>,
    /// The highest epoch heard of.
    pub(super) seen: Option<Epoch>,
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
            assignment: None,
            wanted: false,
            barred: false,
            stance: Stance::Idle,
            vacant_since: None,
            retry_at: None,
            releasing: None,
            release_told: None,
            forgotten: false,
            due: None,
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

    /// Who holds it, unless that one has given it up.
    pub(super) fn holder(&self) -> Option<NodeKey> {
        let highest = self.highest()?;
        let given_up = self.promised
            == Some(Promise {
                epoch: highest,
                released: true,
            });
        (!given_up).then_some(highest.owner)
    }
}
