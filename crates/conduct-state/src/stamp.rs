//! The hybrid logical clock: which of two wishes that did not know each other is the later one.

use std::fmt;

use conduct_model::{NodeKey, Span, Wall};
use serde::{Deserialize, Serialize};

/// How far a stamp may run ahead of the clock of a node that is asked to confirm it.
pub const STAMP_AHEAD_MAX: Span = Span::secs(5);

/// Bits below the millisecond; they count the stamps within one.
const COUNTER_BITS: u32 = 16;

/// A moment of the hybrid clock: milliseconds since 1970 and a counter within each.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
pub struct Hlc(u64);

/// When and by whom a wish was made. No two wishes have the same one, so the order is total.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Stamp {
    /// When.
    pub hlc: Hlc,
    /// The node that took the command; breaks ties.
    pub node: NodeKey,
}

/// Whose clock a stamp is drawn from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reading {
    /// The node's own.
    Own(Wall),
    /// That of a peer which refused a stamp of ours, as told in its refusal.
    Peer(Wall),
}

/// What a node that is asked to confirm answers to a stamp too far ahead of its clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, thiserror::Error)]
#[error("stamp is ahead of the clock here, which reads {} ms", clock.as_millis())]
pub struct StampAhead {
    /// The refusing node's clock; stamp anew by [`Reading::Peer`] of it.
    pub clock: Wall,
}

/// The clock of one node. Its last stamp is on disk with the write that used it, so a restart
/// under an earlier wall clock repeats none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Clock {
    last: Hlc,
}

impl Hlc {
    /// The last moment there is, thousands of years from now. What a peer stamps beyond it is no
    /// stamp, so there is always one after what was read.
    pub const LAST: Hlc = Hlc(u64::MAX >> 1);

    /// The first moment of the millisecond that `wall` shows.
    pub const fn from_wall(wall: Wall) -> Hlc {
        let millis = wall.as_millis();
        let last = Hlc::LAST.0 >> COUNTER_BITS;
        Hlc(if millis > last { last } else { millis } << COUNTER_BITS)
    }

    /// The moment with this number.
    pub const fn from_u64(number: u64) -> Hlc {
        Hlc(number)
    }

    /// The number itself; it orders as the moments do.
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The millisecond.
    pub const fn wall(self) -> Wall {
        Wall::from_millis(self.0 >> COUNTER_BITS)
    }

    const fn next(self) -> Hlc {
        match self.0 < Hlc::LAST.0 {
            true => Hlc(self.0 + 1),
            false => Hlc::LAST,
        }
    }

    /// Whether a node whose clock shows `now` confirms a record stamped so. One that is further
    /// ahead would win against every honest wish until the clocks catch up.
    pub fn admit(self, now: Wall) -> Result<(), StampAhead> {
        let latest = now.as_millis().saturating_add(STAMP_AHEAD_MAX.as_millis());
        if self.wall().as_millis() > latest {
            Err(StampAhead { clock: now })
        } else {
            Ok(())
        }
    }
}

impl Clock {
    pub(crate) fn at(last: Hlc) -> Clock {
        Clock { last }
    }

    pub(crate) fn last(&self) -> Hlc {
        self.last
    }

    /// The stamp of a wish that takes the place of one stamped `replaces`. `turn` differs from
    /// call to call: drawn from another's clock, the counter cannot go on from our last stamp.
    pub(crate) fn issue(&mut self, reading: Reading, replaces: Option<Hlc>, turn: u64) -> Hlc {
        let after = replaces.map_or(Hlc(0), Hlc::next);
        self.last = match reading {
            Reading::Own(wall) => Hlc::from_wall(wall).max(self.last.next()).max(after),
            Reading::Peer(wall) => {
                let anew = Hlc(Hlc::from_wall(wall).0 | (turn & ((1 << COUNTER_BITS) - 1)));
                // What we replace may itself be ahead of everyone, left by a coordinator that
                // died before it could stamp anew. We have seen it, so it goes either way.
                if after.admit(wall).is_ok() {
                    anew.max(after)
                } else {
                    anew
                }
            }
        };
        self.last
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.hlc.0, self.node.short())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Wall = Wall::from_millis(43_200_000);
    const ONE: Wall = Wall::from_millis(46_800_000);

    #[test]
    fn a_stamp_is_later_than_the_last_and_than_what_it_replaces() {
        let mut clock = Clock::default();
        let first = clock.issue(Reading::Own(NOON), None, 1);
        assert_eq!(first.wall(), NOON);
        let second = clock.issue(Reading::Own(Wall::from_millis(0)), None, 2);
        assert!(second > first, "the wall clock fell, the stamp did not");
        let third = clock.issue(Reading::Own(NOON), Some(Hlc::from_wall(ONE)), 3);
        assert!(third > Hlc::from_wall(ONE));
    }

    #[test]
    fn a_stamp_far_ahead_is_refused_with_the_clock_and_stamped_anew_by_it() {
        let mut clock = Clock::default();
        let hasty = clock.issue(Reading::Own(ONE), None, 1);
        let refusal = hasty.admit(NOON).unwrap_err();
        let anew = clock.issue(Reading::Peer(refusal.clock), Some(hasty), 2);
        assert!(anew.admit(NOON).is_ok());
        assert!(clock.issue(Reading::Own(NOON), None, 3).admit(NOON).is_ok());
    }

    #[test]
    fn at_the_end_of_time_the_clock_stands_still() {
        let mut clock = Clock::default();
        let never = Wall::from_millis(u64::MAX);
        let last = clock.issue(Reading::Own(never), Some(Hlc::LAST), 1);
        assert_eq!(last, Hlc::LAST);
        assert_eq!(clock.issue(Reading::Own(never), Some(last), 2), Hlc::LAST);
        let anew = clock.issue(Reading::Peer(NOON), Some(last), 3);
        assert!(anew.admit(NOON).is_ok(), "a peer's clock leads back");
    }

    #[test]
    fn five_seconds_are_forgiven() {
        let five = Wall::from_millis(NOON.as_millis() + 5_000);
        assert!(Hlc::from_wall(five).admit(NOON).is_ok());
        let more = Wall::from_millis(NOON.as_millis() + 5_001);
        assert!(Hlc::from_wall(more).admit(NOON).is_err());
    }
}
