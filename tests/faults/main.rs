//! Real daemons on bad days: what is killed, frozen, cut off, filled or misused, and what people
//! then see.

mod daemons;
mod folders;
mod instances;
mod joining;
mod pauses;
mod seen;
