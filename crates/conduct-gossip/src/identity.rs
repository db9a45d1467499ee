//! What a member says of itself, and what is said of it.

use std::net::SocketAddr;

use conduct_model::{Incarnation, NodeKey};
use serde::{Deserialize, Serialize};

/// The first eight bytes of a node key: how members that both sides know are named in gossip.
/// Whoever does not know one asks the sender.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Short(pub(crate) [u8; 8]);

/// What a member tells about itself; only the member changes it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Card {
    /// Where it is reached.
    pub address: SocketAddr,
    /// It keeps state and archives, serves the API, may vote and own.
    pub core: bool,
    /// It runs instances.
    pub agent: bool,
    /// Bytes for the layer above, at most [`Card::NOTE_BYTES_MAX`]; members hand them on unread.
    pub note: Vec<u8>,
}

/// How a member stands. Of two claims about one life, and with one refutation, the later in this
/// order holds; the last two end the life and no refutation answers them.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
pub enum Standing {
    /// Read from our own disk and not heard of since.
    #[default]
    Unknown,
    /// Here, its state not pulled yet: it may not become a voter.
    Joining,
    /// Here.
    Alive,
    /// Here, and giving up its vote.
    Leaving,
    /// Did not answer somebody's probe; it may still refute.
    Suspect,
    /// Nobody who tried reaches it.
    Unreachable,
    /// Its host says that the daemon is gone: it is probably coming back.
    Restarting,
    /// A quorum of the voters voted this life down.
    Down,
    /// Left by its own will.
    Left,
}

/// Everything that members tell each other about one of them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Record {
    /// Whose record.
    pub key: NodeKey,
    /// Which life.
    pub incarnation: Incarnation,
    /// Answers suspicion: only the member itself raises it.
    pub refutation: u32,
    /// How it stands.
    pub standing: Standing,
    /// Its place in the order of joining: the oldest core members are the voters.
    pub seat: u32,
    /// What it says of itself.
    pub card: Card,
}

impl Short {
    /// The short form of `key`.
    pub fn of(key: &NodeKey) -> Short {
        let mut short = [0; 8];
        short.copy_from_slice(&key.digest().as_bytes()[..8]);
        Short(short)
    }
}

impl Card {
    /// Bounds every record that carries a card.
    pub const NOTE_BYTES_MAX: usize = 32;
}

impl Standing {
    /// Whether the member takes part: it is probed, gossiped with, counted as a member.
    pub fn is_present(self) -> bool {
        matches!(
            self,
            Standing::Joining | Standing::Alive | Standing::Leaving | Standing::Suspect
        )
    }

    /// Whether the member is missed but its life not over.
    pub fn is_absent(self) -> bool {
        matches!(
            self,
            Standing::Unknown | Standing::Unreachable | Standing::Restarting
        )
    }

    /// Whether this life is over for good.
    pub fn is_over(self) -> bool {
        matches!(self, Standing::Down | Standing::Left)
    }
}
