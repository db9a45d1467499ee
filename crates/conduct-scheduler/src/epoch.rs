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
    /// The highest number there is: records are ordered by it and a part of the owner's key, in
    /// one word.
    pub const NUMBER_MAX: u64 = (1 << 40) - 1;

    /// So many owners of a system nobody misses who hears of one. A number that jumps further was
    /// made up, to leave none for later.
    pub const JUMP_MAX: u64 = 1 << 20;

    /// How far the word of one voter or host takes a candidate at once. Less than a voter accepts
    /// of it, so that what one of them made up, or believed, does not take it beyond what the
    /// others promise; and it can go on from there.
    pub const FOLLOW_MAX: u64 = Epoch::JUMP_MAX / 2;

    /// The epoch that `owner` claims when `highest` is the highest that it has seen.
    pub fn after(highest: Option<Epoch>, owner: NodeKey) -> Epoch {
        Epoch {
            number: highest.map_or(0, |epoch| epoch.number).saturating_add(1),
            owner,
        }
    }

    /// This epoch, or as much of it as is followed at once: then one of `me`, which is nobody's
    /// and keeps nobody waiting.
    pub(crate) fn followed(self, known: Option<Epoch>, me: NodeKey) -> Epoch {
        match self.is_likely(known, Epoch::FOLLOW_MAX) {
            true => self,
            false => Epoch::furthest(known, Epoch::FOLLOW_MAX, me),
        }
    }

    /// The furthest that `owner` gets at once. Whoever claims more and asks again gets there in a
    /// few steps, as an honest one must that followed a lie.
    pub(crate) fn furthest(known: Option<Epoch>, jump: u64, owner: NodeKey) -> Epoch {
        let known = known.map_or(0, |epoch| epoch.number);
        let number = known.saturating_add(jump).min(Epoch::NUMBER_MAX);
        Epoch { number, owner }
    }

    /// Whether this may come after `known` by at most `jump` owners.
    pub fn is_likely(&self, known: Option<Epoch>, jump: u64) -> bool {
        let known = known.map_or(0, |epoch| epoch.number);
        self.number <= Epoch::NUMBER_MAX && self.number.saturating_sub(known) <= jump
    }
}

impl Version {
    /// So often no owner decides: once a millisecond for thousands of years.
    pub const SEQUENCE_MAX: u64 = 1 << 48;

    /// Whether any owner can have come this far.
    pub const fn is_sound(&self) -> bool {
        self.epoch.number <= Epoch::NUMBER_MAX && self.sequence <= Version::SEQUENCE_MAX
    }

    /// The decision after this one of the same owner.
    #[must_use]
    pub const fn next(self) -> Version {
        Version {
            epoch: self.epoch,
            sequence: self.sequence.saturating_add(1),
        }
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.number, self.owner.short())
    }
}

#[cfg(test)]
mod tests {
    use conduct_model::Digest;

    use super::*;

    fn epoch(number: u64) -> Epoch {
        let owner = NodeKey::from_digest(Digest::of(b"owner"));
        Epoch { number, owner }
    }

    #[test]
    fn counting_ends_rather_than_begins_anew() {
        let last = epoch(u64::MAX);
        assert_eq!(Epoch::after(Some(last), last.owner), last);
        let version = Version {
            epoch: last,
            sequence: u64::MAX,
        };
        assert_eq!(version.next(), version);
        assert!(!version.is_sound());
    }

    #[test]
    fn an_epoch_is_likely_up_to_the_jump_and_no_further() {
        for (number, known, likely) in [
            (1, None, true),
            (Epoch::JUMP_MAX, None, true),
            (Epoch::JUMP_MAX + 1, None, false),
            (Epoch::JUMP_MAX + 7, Some(7), true),
            (Epoch::JUMP_MAX + 8, Some(7), false),
            (3, Some(Epoch::NUMBER_MAX), true),
            (Epoch::NUMBER_MAX + 1, Some(Epoch::NUMBER_MAX), false),
            (u64::MAX, Some(u64::MAX), false),
        ] {
            let known = known.map(epoch);
            let found = epoch(number).is_likely(known, Epoch::JUMP_MAX);
            assert_eq!(found, likely, "{number} after {known:?}");
        }
    }
}
