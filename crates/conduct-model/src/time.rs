//! Two clocks that never mix: [`Time`] orders and times out, [`Wall`] is shown to people.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

use serde::{Deserialize, Serialize};

/// Milliseconds on the node's own steady clock. Starts anywhere, never goes back, and means
/// nothing on another node.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
pub struct Time(u64);

/// A length of time in milliseconds.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
pub struct Span(u64);

/// Milliseconds since 1970 by the machine's clock, which people set, and which jumps. Only the
/// hybrid logical clock and what people read may look at it; no timeout does.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
pub struct Wall(u64);

/// What a driver knows of time when it hands over an input.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Now {
    /// The steady clock: every timeout.
    pub time: Time,
    /// The machine's clock: stamps and dates.
    pub wall: Wall,
}

impl Time {
    /// The first moment of a simulation.
    pub const ZERO: Time = Time(0);
    /// Later than anything that happens.
    pub const NEVER: Time = Time(u64::MAX);

    /// The moment `millis` milliseconds after the clock's zero.
    pub const fn from_millis(millis: u64) -> Time {
        Time(millis)
    }

    /// Milliseconds since the clock's zero.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// How long ago `earlier` was; nothing when it is yet to come.
    pub const fn since(self, earlier: Time) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// The moment `span` before this one, or the clock's zero.
    pub const fn before(self, span: Span) -> Time {
        Time(self.0.saturating_sub(span.0))
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Span = Span(0);

    /// A span of `millis` milliseconds.
    pub const fn millis(millis: u64) -> Span {
        Span(millis)
    }

    /// A span of `secs` seconds.
    pub const fn secs(secs: u64) -> Span {
        Span(secs * 1000)
    }

    /// The span in milliseconds.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The span `factor` times over.
    pub const fn times(self, factor: u64) -> Span {
        Span(self.0.saturating_mul(factor))
    }

    /// What is left of the span after `other` is taken away; never less than nothing.
    pub const fn less(self, other: Span) -> Span {
        Span(self.0.saturating_sub(other.0))
    }
}

impl Wall {
    /// The date `millis` milliseconds after the start of 1970.
    pub const fn from_millis(millis: u64) -> Wall {
        Wall(millis)
    }

    /// Milliseconds since the start of 1970.
    pub const fn as_millis(self) -> u64 {
        self.0
    }
}

impl Add<Span> for Time {
    type Output = Time;
    fn add(self, span: Span) -> Time {
        Time(self.0.saturating_add(span.0))
    }
}

impl AddAssign<Span> for Time {
    fn add_assign(&mut self, span: Span) {
        *self = *self + span;
    }
}

impl Sub<Time> for Time {
    type Output = Span;
    fn sub(self, earlier: Time) -> Span {
        self.since(earlier)
    }
}

impl Add for Span {
    type Output = Span;
    fn add(self, other: Span) -> Span {
        Span(self.0.saturating_add(other.0))
    }
}

/// Seconds with milliseconds, as a timeline wants them: `12.345`.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}

/// The largest unit that loses nothing a person would miss: `350 ms`, `1.7 s`, `5 min`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ms @ 0..1_000 => write!(f, "{ms} ms"),
            ms @ 1_000..120_000 if ms % 1000 == 0 => write!(f, "{} s", ms / 1000),
            ms @ 1_000..120_000 => write!(f, "{}.{} s", ms / 1000, ms % 1000 / 100),
            ms => write!(f, "{} min", ms / 60_000),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_stands_still_rather_than_wrap() {
        assert_eq!(Time::NEVER + Span::secs(1), Time::NEVER);
        assert_eq!(Time::ZERO.before(Span::secs(1)), Time::ZERO);
        assert_eq!(Time::ZERO.since(Time::NEVER), Span::ZERO);
    }

    #[test]
    fn spans_read_as_people_say_them() {
        let read = |ms| Span::millis(ms).to_string();
        assert_eq!(read(350), "350 ms");
        assert_eq!(read(1_700), "1.7 s");
        assert_eq!(read(15_000), "15 s");
        assert_eq!(read(300_000), "5 min");
    }
}
