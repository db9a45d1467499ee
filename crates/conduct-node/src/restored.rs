//! What a node finds when it starts.

use std::net::SocketAddr;

use bytes::Bytes;
use conduct_model::{Digest, NodeKey, Wall};

use crate::config::Duty;

/// What earlier lives of this node left on its disk.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Restored {
    /// Every key and value that is on the disk, in the order of the keys.
    pub records: Vec<(Bytes, Bytes)>,
    /// What the folder is like.
    pub folder: Folder,
    /// The crashes of earlier lives, as far as they are remembered: the driver notes what
    /// [`Node::handling`](crate::Node::handling) says when a step panics.
    pub crashes: Vec<Crash>,
    /// A cluster that the node is taken to be a member of, in place of what the disk says of it:
    /// for simulations that begin with a thousand settled nodes.
    pub settled: Option<Settled>,
}

/// A cluster of long standing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settled {
    /// Its members, the oldest first; the voters are the first core members among them.
    pub members: Vec<SettledMember>,
}

/// A member of a cluster of long standing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SettledMember {
    /// Who.
    pub key: NodeKey,
    /// Where it is reached.
    pub address: SocketAddr,
    /// What it takes part in.
    pub duty: Duty,
    /// The seed that its [`Node`](crate::Node) is made with.
    pub seed: u64,
}

/// What a state folder is like.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Folder {
    /// As it was left. An empty one is fresh.
    #[default]
    Intact,
    /// Parts were damaged and left out: what is there is true, but not all of it is there.
    Repaired,
}

/// A panic of an earlier life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Crash {
    /// What the node was busy with.
    pub handling: Fingerprint,
    /// When.
    pub at: Wall,
}

/// Names a piece of input by its content, so that it is recognised when it comes again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Fingerprint(pub u64);

impl Fingerprint {
    /// The fingerprint of some bytes.
    pub fn of(bytes: &[u8]) -> Fingerprint {
        let digest = Digest::of(bytes);
        let mut first = [0; 8];
        first.copy_from_slice(&digest.as_bytes()[..8]);
        Fingerprint(u64::from_be_bytes(first))
    }
}
