//! What peers say to each other.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::log::{Entry, Vector};
use super::stamp::Origin;

/// The path that peers post to. It is no public path: only peers know the port.
pub(super) const PATH: &str = "/peers/exchange";

/// Entries in one message: with the longest chirps it stays below a megabyte.
pub(super) const ENTRIES_MAX: usize = 500;

/// Peers named in one message.
pub(super) const PEERS_MAX: usize = 64;

/// "This is what I have, this is what you lack; what do I lack?"
#[derive(Debug, Serialize, Deserialize)]
pub struct Exchange {
    /// Ports are given again: whoever is at an address need not be who was.
    pub service: String,
    /// Where the asking one is reached.
    pub from: SocketAddr,
    /// Its life.
    pub origin: Origin,
    /// What it has on its disk.
    pub have: Vector,
    /// Whom else it knows.
    pub peers: Vec<SocketAddr>,
    /// What the other one lacks, as far as is known.
    pub entries: Vec<Entry<Value>>,
}

/// The answer.
#[derive(Debug, Serialize, Deserialize)]
pub struct Exchanged {
    /// The answering life.
    pub origin: Origin,
    /// What it has on its disk, with what it was just sent.
    pub have: Vector,
    /// Whom else it knows.
    pub peers: Vec<SocketAddr>,
    /// What the asking one lacks.
    pub entries: Vec<Entry<Value>>,
}
