//! What a scheduler is told of a node: the verdict on it, and what it says of itself.

use conduct_model::{Resources, Roles, Time};
use serde::{Deserialize, Serialize};

use crate::execution::{Execution, Turn};
use crate::terms::Kinds;

/// What the cluster holds of a node, as far as it matters for placement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It answers.
    Reachable,
    /// It does not answer: nothing new for it, and what it runs still counts.
    Unreachable,
    /// Its daemon is gone while its host answers: the same.
    Restarting,
    /// A quorum gave it up, or it left: what it ran does not count.
    Gone {
        /// When this node learned that, by its own clock.
        since: Time,
    },
}

/// What a node says of itself: the part of its report that decides what it is given.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct HostReport {
    /// The later report is true.
    pub turn: Turn,
    /// What keeps it from taking instances, if anything does.
    pub closed: Option<Closed>,
    /// It has started and is still asking its shims: what it does not name may live.
    pub adopting: bool,
    /// The roles that it offers.
    pub roles: Roles,
    /// The kinds of components that it can run.
    pub kinds: Kinds,
    /// What it gives to instances, all together.
    pub capacity: Resources,
    /// What of it is neither used nor promised.
    pub free: Resources,
    /// Its instances, also those that ended, until no assignment names them.
    pub executions: Vec<Execution>,
}

/// Why a node takes no instances for now.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Closed {
    /// It runs no instances at all.
    CoreOnly,
    /// It is being emptied: its instances are moved.
    Draining,
    /// It is cut off, or has been and still catches up.
    Quarantined,
    /// It is still asking its shims what lives.
    Adopting,
}
