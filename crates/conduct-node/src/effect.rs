//! What a node does.

use std::net::SocketAddr;

use bytes::Bytes;
use conduct_model::{NodeKey, RequestId, Time};

use crate::archive::ArchiveOrder;
use crate::command::{ClientHandle, Reply};
use crate::event::Event;
use crate::runtime::RuntimeOrder;

/// Everything that a node can do. A driver carries the effects of a step out in their order, none
/// of them before the step has returned, and waits for none of them: what comes of an effect
/// comes back as an [`Input`](crate::input::Input).
///
/// What must not leave before a write is on disk is held back inside the node, so a driver never
/// delays an effect on account of another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Send a datagram of at most [`DATAGRAM_BYTES_MAX`](crate::DATAGRAM_BYTES_MAX) bytes by the
    /// standing connection; where there is none, it is lost.
    Datagram {
        /// To whom.
        to: NodeKey,
        /// What.
        bytes: Bytes,
    },
    /// Send a message of at most [`FRAME_BYTES_MAX`](crate::FRAME_BYTES_MAX) bytes by a stream,
    /// over a connection made for it where none stands. Lost with the connection, or where none
    /// can be made in time.
    Frame {
        /// To whom.
        to: NodeKey,
        /// What.
        bytes: Bytes,
    },
    /// See to connections.
    Link(LinkOrder),
    /// Write to disk, all of it or nothing, and sync. Numbers rise by one; `Stored(n)` may answer
    /// for several at once, and writes reach the disk in the order of their numbers.
    Persist {
        /// The number.
        n: u64,
        /// What is written.
        writes: Vec<Write>,
    },
    /// For the hands that run instances.
    Runtime(RuntimeOrder),
    /// For the store of archives.
    Archive(ArchiveOrder),
    /// Tell whoever listens on this node.
    Publish(Box<Event>),
    /// Answer a client.
    Reply {
        /// Who waits.
        client: ClientHandle,
        /// The name of its command.
        request: RequestId,
        /// The answer.
        reply: Reply,
    },
    /// Hand over `Input::Timer` at this moment; replaces the one armed before.
    Arm(Time),
    /// This node has nothing left to do: carry out what came before, then end the daemon. No
    /// input is handed over any more.
    End(End),
}

/// Why a node ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum End {
    /// It left the cluster, as asked. Its state folder is of no further use.
    Left,
    /// It stopped, as asked, and is expected back.
    Stopped,
    /// The cluster does not let it in, and never will, for this reason.
    Refused(String),
}

/// What to do about connections.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum LinkOrder {
    /// A peer is found here from now on.
    Address {
        /// Who.
        peer: NodeKey,
        /// Where.
        address: SocketAddr,
    },
    /// Keep a standing connection, and make it again whenever it is lost. An `Address` came
    /// before.
    Keep {
        /// To whom.
        peer: NodeKey,
    },
    /// No standing connection is needed; close it when it has been idle for a while.
    Release {
        /// To whom.
        peer: NodeKey,
    },
    /// Make a connection to an address without knowing whose it is; `Link` with `Connected` tells.
    Dial {
        /// Where.
        address: SocketAddr,
    },
    /// Ask the kernel of the peer's host, through a connected socket, whether anybody listens.
    /// Answered by `Link` with `Hinted`, or not at all.
    AskKernel {
        /// Whose host.
        peer: NodeKey,
    },
}

/// One write: a key's new value, or its removal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Write {
    /// The key; the node alone knows what it means.
    pub key: Bytes,
    /// The value, or `None` to remove it.
    pub value: Option<Bytes>,
}
