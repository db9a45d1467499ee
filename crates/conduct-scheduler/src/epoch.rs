//! The order of decisions about one system: which owner, and which of its decisions.

use std::fmt;

use conduct_model::NodeKey;
use serde::{Deserialize, Serialize};

/// One term of ownership of one system. A later one fences off every earlier one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Epoch {
    /// One more than the highest that the owner had seen when it claimed.
    pub number: u64,
    /// The owner; tells apart two who claimed the same number.
    pub owner: NodeKey,
}

/// A decision of an owner: its epoch, and which of its decisions.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Version {
    /// Under which ownership.
    pub epoch: Epoch,
    /// Counts the owner's proposals from 1.
    pub sequence: u64,
}

impl Epoch {
    /// The epoch that `owner` claims when `highest` is the highest that it has seen.
    pub fn after(highest: Option<Epoch>, owner: NodeKey) -> Epoch {
        Epoch {
            number: highest.map_or(0, |epoch| epoch.number) + 1,
            owner,
        }
    }
}

impl Version {
    /// The decision after this one of the same owner.
    #[must_use]
    pub const fn next(self) -> Version {
        Version {
            epoch: self.epoch,
            sequence: self.sequence + 1,
        }
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.number, self.owner.short())
    }
}
