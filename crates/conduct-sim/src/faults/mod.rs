//! Everything that goes wrong on purpose.
//!
//! A seed first draws which kinds of faults exist in its world, few in most worlds and all in
//! some, and then a list of faults with their moments. The list is data: it prints, and a part of
//! it can be run alone, which is how a failure is made small.

mod act;
mod attacker;
mod carry_out;
mod draw;
mod kind;
mod plan;
mod sabotage;
mod shrink;
mod workload;

pub use act::Act;
pub use attacker::Attacker;
pub use draw::draw;
pub use kind::{Family, Fault, Kind, Phase};
pub use plan::{Plan, Planned};
pub use sabotage::{Bug, Sabotage};
pub use shrink::shrink;
pub use workload::descriptor;
