//! Who counts for a majority, and when enough of them agree.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::NodeKey;

/// The register of voters: every agreement of the cluster is counted over it. A later epoch
/// replaces an earlier one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub struct Voters {
    /// Rises by one with each voter that is added or removed.
    pub epoch: u64,
    /// The voters.
    pub keys: BTreeSet<NodeKey>,
}

impl Voters {
    /// Whether this node's vote counts.
    pub fn contains(&self, node: &NodeKey) -> bool {
        self.keys.contains(node)
    }

    /// Whether those who agree are a quorum: more than half of the voters, or exactly half with
    /// the lowest id of them all. Whoever is no voter does not count, and nobody counts twice.
    pub fn is_quorum<'a>(&self, agreeing: impl IntoIterator<Item = &'a NodeKey>) -> bool {
        let agreeing: BTreeSet<&NodeKey> = agreeing
            .into_iter()
            .filter(|key| self.keys.contains(key))
            .collect();
        match (agreeing.len() * 2).cmp(&self.keys.len()) {
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Equal => self
                .keys
                .first()
                .is_some_and(|lowest| agreeing.contains(lowest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Digest;

    fn voters(count: u8) -> (Voters, Vec<NodeKey>) {
        let keys: BTreeSet<NodeKey> = (0..count)
            .map(|n| NodeKey::from_digest(Digest::of(&[n])))
            .collect();
        (
            Voters {
                epoch: 1,
                keys: keys.clone(),
            },
            keys.into_iter().collect(),
        )
    }

    #[test]
    fn two_sides_of_a_cut_are_never_both_a_quorum_and_of_two_sides_one_is() {
        for count in 1..=9_u8 {
            let (voters, keys) = voters(count);
            for side in 0..1_u32 << count {
                let here = keys.iter().enumerate().filter(|(i, _)| side >> i & 1 == 1);
                let there = keys.iter().enumerate().filter(|(i, _)| side >> i & 1 == 0);
                let here = voters.is_quorum(here.map(|(_, key)| key));
                let there = voters.is_quorum(there.map(|(_, key)| key));
                assert!(here != there, "{count} voters, cut {side:b}");
            }
        }
    }

    #[test]
    fn strangers_and_repetitions_do_not_count() {
        let (voters, keys) = voters(3);
        let stranger = NodeKey::from_digest(Digest::of(b"stranger"));
        assert!(!voters.is_quorum([&keys[0], &keys[0], &stranger]));
        assert!(voters.is_quorum([&keys[0], &keys[2]]));
        assert!(!Voters::default().is_quorum([&stranger]));
    }
}
