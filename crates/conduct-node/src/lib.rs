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

pub mod archive;
pub mod command;
pub mod config;
pub mod descriptor;
pub mod effect;
pub mod event;
pub mod input;
mod node;
pub mod restored;
pub mod runtime;
mod sentence;
pub mod view;

use conduct_model::Span;

pub use conduct_wire::{DATAGRAM_BYTES_MAX, FRAME_BYTES_MAX};
pub use node::Node;

/// The longest that a client waits for the reply to a command; only a drain that comes with
/// leaving or shutting down takes longer.
pub const REPLY_SPAN_MAX: Span = Span::secs(10);
