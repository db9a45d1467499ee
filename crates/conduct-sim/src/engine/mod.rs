//! What turns the simulation: virtual time, the event heap, seeded dice.

mod dice;
mod moment;
mod schedule;

pub use dice::{Dice, PerMillion};
pub use moment::{Moment, hours, micros, millis, mins, secs};
pub use schedule::Schedule;
