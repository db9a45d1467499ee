//! What goes into the machine beside messages, and how members appear outside it.

use std::net::SocketAddr;

use conduct_model::{Incarnation, NodeKey};

use crate::effect::DiskRecord;
use crate::identity::{Card, Record};
use crate::profile::Profile;
use crate::register::Register;

/// What a machine is made of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// The own key.
    pub key: NodeKey,
    /// What the node says of itself.
    pub card: Card,
    /// The numbers.
    pub profile: Profile,
    /// Addresses to ask for admission when no known member answers.
    pub seeds: Vec<SocketAddr>,
    /// Drawn afresh by the driver for every start of the daemon.
    pub nonce: u64,
    /// Seeds the machine's own generator.
    pub dice: u64,
    /// Room for news in one datagram.
    pub update_bytes_max: usize,
}

/// What is known when a machine is made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Boot {
    /// What the disk holds; nothing on the first start.
    Disk(Vec<DiskRecord>),
    /// A member of long standing, for simulations that begin with a settled cluster.
    Warm {
        /// The own start.
        start: u64,
        /// The voters.
        register: Register,
        /// All members, this node among them.
        members: Vec<Record>,
    },
}

/// What is heard of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Link {
    /// It stands, whoever made it.
    Connected,
    /// It is being made: neither success nor failure for a while.
    Connecting,
    /// It ended, or could not be made.
    Lost,
    /// The kernel says that the host answers and the daemon is gone. A hint: it may lengthen a
    /// wait, never shorten one.
    Refused,
}

/// What an operator, or the daemon for it, may ask for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// Make a cluster of this node alone. Only a node that belongs to none may.
    Bootstrap,
    /// Ask at these addresses too.
    Join(Vec<SocketAddr>),
    /// Give up the vote, then leave for good.
    Leave,
    /// The daemon stops and is expected back: peers wait as after the kernel's hint.
    Stop,
    /// The own card changed.
    Change(Card),
    /// Declare, against the rule, that these members are the voters. Two halves of a cluster that
    /// both do this are two clusters.
    ForceMajority(Vec<NodeKey>),
}

/// Why a command has no effect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// A cluster is made once.
    #[error("this node already belongs to a cluster")]
    HasCluster,
    /// There is nothing to leave or to force.
    #[error("this node belongs to no cluster")]
    NoCluster,
    /// Voters are core members, at most [`crate::VOTERS_MAX`], and this node is one of them.
    #[error("these cannot be the voters")]
    Voters,
    /// Longer than [`Card::NOTE_BYTES_MAX`].
    #[error("a note has at most {max} bytes, this has {0}", max = Card::NOTE_BYTES_MAX)]
    Note(usize),
}

/// How a member appears to the layer above.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Status {
    /// Its instances count and serve.
    Reachable,
    /// They count, their endpoints do not serve.
    Unreachable,
    /// They count, their endpoints serve while they answer.
    Restarting,
    /// They do not count.
    Down,
    /// They do not count.
    Left,
}

/// A member, for reading.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// Who.
    pub key: NodeKey,
    /// Which life.
    pub incarnation: Incarnation,
    /// How it appears.
    pub status: Status,
    /// Whether its state has been pulled: before that it starts nothing and does not vote.
    pub ready: bool,
    /// Whether it votes.
    pub voter: bool,
    /// Its place in the order of joining.
    pub seat: u32,
    /// What it says of itself.
    pub card: Card,
}
