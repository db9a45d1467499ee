//! Who counts: the register of voters, and the one rule by which a majority is told.

use conduct_model::NodeKey;
use serde::{Deserialize, Serialize};

/// More voters make agreement slower and no safer.
pub const VOTERS_MAX: usize = 9;

/// The voters of one epoch. Every epoch differs from the one before by one voter, decided by a
/// ballot; only an operator may force another step.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Register {
    /// Drawn when the cluster was made: nodes of different clusters never count together.
    pub cluster: u64,
    /// Counts the changes.
    pub epoch: u64,
    /// Whether an operator set it without a quorum.
    pub forced: bool,
    /// The voters in ascending order.
    keys: Vec<NodeKey>,
}

/// What those that can be reached amount to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    /// More than half of the voters.
    Majority,
    /// Exactly half of them with the lowest id: a tie that this side wins.
    TieHeld,
    /// Exactly half of them without the lowest id: a tie that this side loses.
    TieLost,
    /// Less than half.
    Minority,
}

impl Decision {
    /// Whether this side may go on.
    pub fn is_quorum(self) -> bool {
        matches!(self, Decision::Majority | Decision::TieHeld)
    }
}

/// Decides what the `reached` of the `voters` amount to. Two disjoint sets of reached voters are
/// never both a quorum. `voters` is in ascending order; without voters nobody is a quorum.
pub fn decide(voters: &[NodeKey], mut reached: impl FnMut(&NodeKey) -> bool) -> Decision {
    let Some(lowest) = voters.first() else {
        return Decision::Minority;
    };
    let holds_lowest = reached(lowest);
    let others = voters[1..].iter().filter(|key| reached(key)).count();
    let count = others + usize::from(holds_lowest);
    match (2 * count).cmp(&voters.len()) {
        std::cmp::Ordering::Greater => Decision::Majority,
        std::cmp::Ordering::Equal if holds_lowest => Decision::TieHeld,
        std::cmp::Ordering::Equal => Decision::TieLost,
        std::cmp::Ordering::Less => Decision::Minority,
    }
}

impl Register {
    /// The register of `keys` in any order.
    pub fn new(cluster: u64, epoch: u64, mut keys: Vec<NodeKey>) -> Register {
        keys.sort_unstable();
        keys.dedup();
        assert!(
            keys.len() <= VOTERS_MAX,
            "a register has at most {VOTERS_MAX} voters"
        );
        Register {
            cluster,
            epoch,
            forced: false,
            keys,
        }
    }

    /// The voters in ascending order.
    pub fn keys(&self) -> &[NodeKey] {
        &self.keys
    }

    /// Whether `key` votes.
    pub fn contains(&self, key: &NodeKey) -> bool {
        self.keys.binary_search(key).is_ok()
    }

    /// Whether the reached voters are a quorum.
    pub fn is_quorum(&self, reached: impl FnMut(&NodeKey) -> bool) -> bool {
        decide(&self.keys, reached).is_quorum()
    }
}
