//! A cluster of fakes in virtual time, and what must hold in it whatever happens.
//!
//! Schedulers and hosts are the real ones. Network, disks, membership and the hands that run
//! instances are as simple as they can be while they still lose what real ones lose. Scenario
//! tests, property tests and the fuzzer all play in it.

mod carry;
mod check;
mod fake;
mod hands;
mod members;
mod sample;
mod script;
mod wires;
mod world;

pub use hands::Conduct;
#[cfg(test)]
pub(crate) use hands::place;
pub use sample::Sample;
pub use script::{fuzz_script, fuzz_words};
pub use world::World;
