//! The brain of a node.
//!
//! [`Node::step`] takes one [`Input`](input::Input) with the time and appends
//! [`Effect`](effect::Effect)s. There is no socket, file, clock, thread or randomness in here, so
//! the daemon and the simulator drive the very same code.
//!
//! A driver makes a node from its [`Config`](config::Config), a seed and what earlier lives left
//! on disk ([`Restored`](restored::Restored)), hands over [`Input::Start`](input::Input::Start)
//! and then whatever happens: packets, news of connections, clients' commands, what becomes of
//! instances and archives, and the answers to its writes.
//!
//! Inside, four machines that do not know each other are composed: membership, state, scheduler
//! and host. `brain` has a file for each border between them; what it keeps itself are the writes
//! on their way to the disk and what waits for them, the confirmations by a quorum that commands
//! and assignments need, the requests of the last day, the archives, and what the records mean.

pub mod archive;
mod archives;
mod book;
mod brain;
pub mod command;
pub mod config;
mod confirm;
mod copies;
pub mod descriptor;
mod dice;
mod disk;
pub mod effect;
pub mod event;
mod event_name;
pub mod input;
mod journal;
mod node;
mod outbox;
pub mod payload;
mod poison;
mod protocol;
mod requests;
pub mod restored;
pub mod runtime;
mod sentence;
mod sync;
pub mod view;

use conduct_model::Span;

pub use conduct_state::Pool;
pub use conduct_wire::{DATAGRAM_BYTES_MAX, FRAME_BYTES_MAX};
pub use journal::EVENTS_MAX;
pub use node::Node;

/// The longest that a client waits for the reply to a command; only a drain that comes with
/// leaving or shutting down takes longer.
pub const REPLY_SPAN_MAX: Span = Span::secs(10);

#[cfg(test)]
mod tests;
