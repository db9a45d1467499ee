//! What happens to a node.

use std::net::SocketAddr;

use bytes::Bytes;
use conduct_model::NodeKey;

use crate::archive::ArchiveEvent;
use crate::command::Request;
use crate::runtime::RuntimeEvent;

/// Everything that can happen to a node. A driver hands inputs over one at a time, in the order
/// in which they happened, each with the time at which it is handed over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Input {
    /// The first input of a life, before any other and only once.
    Start,
    /// The moment of the last [`Effect::Arm`](crate::effect::Effect::Arm) has come. An early or
    /// needless one does no harm; a late one is noticed and taken for a pause of this node.
    Timer,
    /// A datagram from a peer. May be lost, doubled, late or out of order.
    Datagram {
        /// Who wrote it; proven by the transport.
        from: NodeKey,
        /// What it says; trusted in nothing.
        bytes: Bytes,
    },
    /// A message from a stream: whole, and in the sender's order as long as the connection lives.
    Frame {
        /// Who wrote it; proven by the transport.
        from: NodeKey,
        /// What it says; trusted in nothing.
        bytes: Bytes,
    },
    /// News of a connection.
    Link {
        /// The peer at its other end.
        peer: NodeKey,
        /// What is new.
        news: LinkNews,
    },
    /// Nobody could be reached at an address that was dialled without knowing whose it is.
    DialFailed {
        /// The address.
        address: SocketAddr,
    },
    /// A client's command.
    Request(Request),
    /// From the hands that run instances.
    Runtime(RuntimeEvent),
    /// From the store of archives.
    Archive(ArchiveEvent),
    /// All writes up to and including this number are synced to disk.
    Stored(u64),
    /// Of the writes from this number on, none may be relied on. The node writes them anew under
    /// later numbers.
    StoreFailed {
        /// The first number that failed.
        n: u64,
        /// Why.
        why: StoreFailure,
    },
}

/// What is new about a connection to a peer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum LinkNews {
    /// It stands, and the peer has proven its key. `address` is where the peer's packets come
    /// from or, if this node dialled, what it dialled.
    Connected {
        /// Where the peer is.
        address: SocketAddr,
    },
    /// It is being made.
    Connecting,
    /// It is gone: frames not yet answered may be lost.
    Lost,
    /// The kernel of the peer's host answered for it: see [`Hint`].
    Hinted(Hint),
}

/// What a host says in place of a peer that does not.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Hint {
    /// The host is up, but nobody listens at the port: the daemon is gone.
    DaemonGone,
    /// A router or this host says that there is no way to it.
    NoRoute,
}

/// Why a write failed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum StoreFailure {
    /// No room.
    NoSpace,
    /// The disk.
    Disk,
}
