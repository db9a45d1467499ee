//! The crate against a node that is played by a socket.

mod locator;
mod node;
mod signal;
