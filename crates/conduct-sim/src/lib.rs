//! A cluster in one thread, years of bad days in minutes.
//!
//! The product's brain is a function from inputs to effects. Here it is driven by an event heap
//! in virtual time instead of sockets, disks and processes, so everything that can happen to it
//! can be made to happen, in any order, and again in exactly the same order:
//!
//! * [`engine`]: virtual time, the heap, seeded dice;
//! * [`network`], [`machine`]: what lies between and under the nodes, and how it breaks;
//! * [`clients`]: who asks for what, and the history of what they were told;
//! * [`world`]: all of it together, and the truth that no node sees;
//! * [`faults`]: what goes wrong in the world of a seed;
//! * [`checkers`]: the rules, safety after every event and liveness after the healing;
//! * [`watch`]: the timeline for people, the trace for programs, the fingerprint of a run;
//! * [`mod@run`] plays one seed, [`Sim`] tells a story, [`history`] reads traces.
//!
//! There is no real clock, socket, file, thread or random number in here; the binary alone
//! touches those.

pub mod checkers;
pub mod clients;
pub mod engine;
pub mod faults;
pub mod history;
pub mod machine;
pub mod network;
pub mod run;
mod scenario;
pub mod watch;
pub mod world;

pub use engine::{Moment, hours, micros, millis, mins, secs};
pub use scenario::{A_MOMENT, BundleSpec, Setup, Sim, bundle};
