//! What ownership is told and does.

use std::sync::Arc;

use conduct_model::{NodeKey, System};
use serde::{Deserialize, Serialize};

use crate::assignment::Assignment;
use crate::epoch::Epoch;
use crate::message::Message;
use crate::token::Token;

/// What this node takes part in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// It owns what falls to it.
    Full,
    /// It is quarantined: it decides nothing, and gives up nothing that it may still hold.
    Suspended,
    /// It leaves or is drained: it gives everything up.
    Retired,
}

/// What a voter has on disk of a system.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Promise {
    /// Nothing of an earlier epoch is confirmed.
    pub epoch: Epoch,
    /// Its owner gave it up.
    pub released: bool,
}

/// What comes of a step of ownership.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OwnershipEffect {
    /// Tell a voter, never this node itself.
    Send {
        /// Whom.
        to: NodeKey,
        /// What.
        message: Message,
    },
    /// Write to disk, then call [`Ownership::stored`](crate::Ownership::stored).
    Persist {
        /// The write.
        token: Token,
        /// The promises; `None` removes one.
        promises: Vec<(System, Option<Promise>)>,
    },
    /// This node owns the system from now on, and begins with this.
    Won {
        /// Which.
        system: System,
        /// Under which epoch.
        epoch: Epoch,
        /// The latest that any of a quorum knew.
        assignment: Option<Arc<Assignment>>,
    },
    /// It owns it no more.
    Lost {
        /// Which.
        system: System,
    },
}
