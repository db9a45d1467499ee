//! The ballot that changes the voters: prepare, accept, each on disk before it is said.

use conduct_model::NodeKey;
use serde::{Deserialize, Serialize};

use crate::register::Register;

/// Orders the attempts to decide one epoch.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Ballot {
    /// Raised with every attempt.
    pub round: u32,
    /// Who tries: makes equal rounds different.
    pub proposer: NodeKey,
}

/// What an acceptor accepted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Accepted {
    /// In which attempt.
    pub ballot: Ballot,
    /// Which voters.
    pub register: Register,
}

/// What an acceptor must remember for ever of the epoch after the current one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Acceptor {
    /// The epoch that is being decided.
    pub epoch: u64,
    /// No lower attempt is heard.
    pub promised: Ballot,
    /// What was accepted last.
    pub accepted: Option<Accepted>,
}
