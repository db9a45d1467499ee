//! Whole sandboxes, with real daemons.

mod faults;
mod interrupts;
mod life;
mod others;
mod world;
