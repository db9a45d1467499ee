//! Virtual time, in microseconds: what really is, while every node has only its own clock.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

/// A moment of the simulation, or the length of time between two: microseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Moment(u64);

/// `n` microseconds.
pub const fn micros(n: u64) -> Moment {
    Moment(n)
}

/// `n` milliseconds.
pub const fn millis(n: u64) -> Moment {
    Moment(n * 1_000)
}

/// `n` seconds.
pub const fn secs(n: u64) -> Moment {
    Moment(n * 1_000_000)
}

/// `n` minutes.
pub const fn mins(n: u64) -> Moment {
    Moment(n * 60_000_000)
}

/// `n` hours.
pub const fn hours(n: u64) -> Moment {
    Moment(n * 3_600_000_000)
}

impl Moment {
    /// The beginning.
    pub const ZERO: Moment = Moment(0);
    /// Later than anything that happens.
    pub const NEVER: Moment = Moment(u64::MAX);

    /// Microseconds since the beginning.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Whole milliseconds since the beginning.
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000
    }

    /// How long ago `earlier` was; nothing when it is yet to come.
    pub const fn since(self, earlier: Moment) -> Moment {
        Moment(self.0.saturating_sub(earlier.0))
    }

    /// The moment `n` times over.
    pub const fn times(self, n: u64) -> Moment {
        Moment(self.0.saturating_mul(n))
    }
}

impl Add for Moment {
    type Output = Moment;
    fn add(self, other: Moment) -> Moment {
        Moment(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Moment {
    fn add_assign(&mut self, other: Moment) {
        *self = *self + other;
    }
}

impl Sub for Moment {
    type Output = Moment;
    fn sub(self, earlier: Moment) -> Moment {
        self.since(earlier)
    }
}

/// Seconds with milliseconds: `12.345`.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1_000_000, self.0 / 1_000 % 1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_reads_in_seconds_and_never_wraps() {
        assert_eq!((secs(12) + millis(345)).to_string(), "12.345");
        assert_eq!(Moment::NEVER + secs(1), Moment::NEVER);
        assert_eq!(Moment::ZERO - secs(1), Moment::ZERO);
    }
}
