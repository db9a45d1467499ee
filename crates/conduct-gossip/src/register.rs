//! Who counts: the register of voters, and the one rule by which a majority is told.

use conduct_model::NodeKey;
use serde::{Deserialize, Serialize};

use crate::bounds::EPOCH_MAX;

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

impl Register {
    /// Whether this can be a register at all. What comes from a peer is checked first.
    pub(crate) fn is_sound(&self) -> bool {
        (1..=VOTERS_MAX).contains(&self.keys.len())
            && self.keys.is_sorted_by(|one, two| one < two)
            && (1..=EPOCH_MAX).contains(&self.epoch)
            && self.cluster > 0
    }

    /// Whether `next` is the next epoch's register and differs by one voter.
    pub(crate) fn is_followed_by(&self, next: &Register) -> bool {
        let gone = self.keys.iter().filter(|key| !next.contains(key)).count();
        let come = next.keys.iter().filter(|key| !self.contains(key)).count();
        next.is_sound()
            && !next.forced
            && next.cluster == self.cluster
            && next.epoch == self.epoch + 1
            && gone + come == 1
    }

    /// The next epoch's register with one more voter.
    pub(crate) fn with(&self, key: NodeKey) -> Register {
        let mut keys = self.keys.clone();
        keys.push(key);
        Register::new(self.cluster, self.epoch + 1, keys)
    }

    /// The next epoch's register without this voter.
    pub(crate) fn without(&self, key: &NodeKey) -> Register {
        let keys = self
            .keys
            .iter()
            .filter(|other| *other != key)
            .copied()
            .collect();
        Register::new(self.cluster, self.epoch + 1, keys)
    }
}

#[cfg(test)]
mod tests {
    use conduct_model::Digest;

    use super::*;

    fn voters(count: usize) -> Vec<NodeKey> {
        let key = |number: usize| NodeKey::from_digest(Digest::of(&number.to_be_bytes()));
        let mut keys: Vec<NodeKey> = (0..count).map(key).collect();
        keys.sort_unstable();
        keys
    }

    /// Every subset of up to seven nodes as a bit set.
    fn subsets(count: usize) -> std::ops::Range<u32> {
        0..1 << count
    }

    fn reached(voters: &[NodeKey], all: &[NodeKey], set: u32) -> Decision {
        decide(voters, |key| {
            set & 1 << all.binary_search(key).unwrap() != 0
        })
    }

    #[test]
    fn the_decision_is_the_rule_for_every_subset_of_up_to_seven() {
        for count in 0..=7 {
            let voters = voters(count);
            for set in subsets(count) {
                let reach = set.count_ones() as usize;
                let expected = match (reach * 2).cmp(&count) {
                    std::cmp::Ordering::Less => Decision::Minority,
                    std::cmp::Ordering::Greater => Decision::Majority,
                    std::cmp::Ordering::Equal if set & 1 == 1 => Decision::TieHeld,
                    std::cmp::Ordering::Equal if count == 0 => Decision::Minority,
                    std::cmp::Ordering::Equal => Decision::TieLost,
                };
                assert_eq!(reached(&voters, &voters, set), expected);
            }
        }
    }

    /// Every way to cut up to seven nodes in two, for every set of them that votes: the others
    /// are joining or only run instances, and count for nothing.
    #[test]
    fn of_two_sides_at_most_one_is_a_quorum_whoever_of_them_votes() {
        for count in 1..=7 {
            let all = voters(count);
            for voting in subsets(count).filter(|voting| *voting != 0) {
                let voters: Vec<NodeKey> = (0..count)
                    .filter(|at| voting & 1 << at != 0)
                    .map(|at| all[at])
                    .collect();
                for side in subsets(count) {
                    let other = !side & ((1 << count) - 1);
                    let one = reached(&voters, &all, side).is_quorum();
                    let two = reached(&voters, &all, other).is_quorum();
                    assert!(!(one && two));
                    assert!(one || two, "a cut in two always leaves one side in charge");
                }
            }
        }
    }

    /// Two quorums of neighbouring epochs, each counted by both registers, always share a voter.
    #[test]
    fn a_change_by_one_voter_leaves_no_two_sides_in_charge() {
        for count in 2..=7 {
            let all = voters(count);
            let new = Register::new(1, 2, all.clone());
            for out in 0..count {
                let old = Register::new(1, 1, new.without(&all[out]).keys().to_vec());
                for side in subsets(count) {
                    let quorum = |register: &Register, set: u32| {
                        register.is_quorum(|key| set & 1 << all.binary_search(key).unwrap() != 0)
                    };
                    let other = !side & ((1 << count) - 1);
                    let both = |set| quorum(&old, set) && quorum(&new, set);
                    assert!(!(both(side) && quorum(&old, other)));
                    assert!(!(both(side) && quorum(&new, other)));
                }
            }
        }
    }

    #[test]
    fn a_register_is_followed_only_by_one_more_or_one_less() {
        let keys = voters(4);
        let register = Register::new(7, 3, keys[..3].to_vec());
        assert!(register.is_followed_by(&register.with(keys[3])));
        assert!(register.is_followed_by(&register.without(&keys[0])));
        let swapped = Register::new(7, 4, vec![keys[0], keys[1], keys[3]]);
        assert!(!register.is_followed_by(&swapped));
        assert!(!register.is_followed_by(&Register::new(7, 5, keys.clone())));
        assert!(!register.is_followed_by(&Register::new(8, 4, keys)));
        let last = Register::new(7, 3, voters(1));
        assert!(
            !last.is_followed_by(&last.without(&voters(1)[0])),
            "somebody always votes"
        );
    }
}
