//! Data that is kept on a disk and with all peers of a service.
//!
//! Every life of a process is an *origin*: it appends entries to a log of its own and numbers them
//! 1, 2, 3 … Nobody else ever writes to that log, and no later life goes on with it, so an entry is
//! known by (origin, number) and never changes. A replica has a prefix of every log; which prefixes
//! is its *version vector*. Two replicas are made equal by telling each other their vectors and
//! sending what the other one lacks, in order. Doing that twice, late, or three replicas in a ring
//! changes nothing: [`Log`] takes an entry only if it is the next one of its origin.
//!
//! What the entries *mean* is a [`View`]: a fold over the entries that must not depend on the order
//! in which they come in. Each carries a [`Stamp`]; "the later one wins" means the greater stamp.
//!
//! An entry is on this disk before any peer, caller or view gets to see it ([`Store`]), so what
//! peers know of an origin is never more than what its disk knew. [`Peers`] brings replicas together.

mod journal;
mod log;
mod peers;
mod stamp;
mod store;
mod wire;

pub use journal::JournalError;
pub use log::{Entry, Log, Vector};
pub use peers::{CatchUpError, Peers};
pub use stamp::{Origin, Stamp};
pub use store::{Decided, Store, StoreError, View};
pub use wire::{Exchange, Exchanged};
