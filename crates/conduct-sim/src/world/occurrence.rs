//! What can be due.

use bytes::Bytes;
use conduct_model::{Digest, InstanceId};
use conduct_node::input::{Input, StoreFailure};
use conduct_node::runtime::Exit;

use crate::clients::Attempt;
use crate::network::{EndId, Forgery};

/// Something that happens at a moment of the simulation.
#[derive(Clone, Debug)]
pub enum Occurrence {
    /// A daemon's timer.
    Timer {
        /// Where.
        host: u32,
        /// Of which daemon there.
        life: u32,
    },
    /// A daemon is told something by the world outside of its transport.
    Tell {
        /// Where.
        host: u32,
        /// Which daemon there.
        life: u32,
        /// What.
        input: Box<Input>,
    },
    /// A packet arrives.
    Packet(Box<Packet>),
    /// A step of making, checking or losing a connection.
    Line {
        /// At which end.
        end: EndId,
        /// What.
        step: LineStep,
    },
    /// A sync is done, or fails.
    Disk {
        /// Where.
        host: u32,
        /// For which daemon there.
        life: u32,
        /// Up to which write.
        n: u64,
        /// Why not.
        failure: Option<StoreFailure>,
    },
    /// Something an instance or its shim does.
    Hand {
        /// Where.
        host: u32,
        /// Since which boot.
        boot: u32,
        /// Which instance.
        instance: InstanceId,
        /// What.
        deed: Deed,
    },
    /// Leases may have run out.
    Lease {
        /// Where.
        host: u32,
        /// Since which boot.
        boot: u32,
    },
    /// An archive has arrived, or has not.
    Archive {
        /// Where.
        host: u32,
        /// Which.
        digest: Digest,
        /// Which transfer of it.
        transfer: u64,
    },
    /// A client does something.
    Client(Attempt),
    /// A fault begins or ends, or somebody with a plan acts.
    Fault(crate::faults::Act),
    /// The watchers look around.
    Look,
}

/// A sealed packet on its way.
#[derive(Clone, Debug)]
pub struct Packet {
    /// The end that it arrives at.
    pub to: EndId,
    /// The life of the sender's daemon.
    pub from_life: u32,
    /// The life that it was sealed for.
    pub to_life: u32,
    /// Its number among the sender's.
    pub number: u64,
    /// What somebody did to it.
    pub forgery: Option<Forgery>,
    /// How it travels.
    pub class: Class,
    /// What it holds.
    pub bytes: Bytes,
}

/// How a packet travels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// Alone, and perhaps in vain.
    Datagram,
    /// As part of a stream.
    Frame,
}

/// A step of a connection's life, at one end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LineStep {
    /// The next hello of an attempt leaves.
    Call {
        /// Which attempt.
        attempt: u32,
        /// Which hello of it.
        hello: u8,
    },
    /// A hello of the other end arrives here.
    Hello {
        /// The caller's life.
        caller: u32,
        /// Its attempt.
        attempt: u32,
    },
    /// The other end has answered this end's hello.
    Answer {
        /// The attempt that it answers.
        attempt: u32,
        /// The life that answers.
        answerer: u32,
    },
    /// The caller has proven itself: the connection stands here too.
    Finish {
        /// The caller's life.
        caller: u32,
        /// The life that it called.
        called: u32,
    },
    /// The other end says that it knows nothing of this connection.
    Reset {
        /// The life that was called.
        called: u32,
    },
    /// Is anybody there still?
    Check,
    /// Frames that were stuck in a cut get through.
    Flush,
    /// The kernel of the peer's host answers for it.
    Hint {
        /// The life that asked.
        asker: u32,
    },
}

/// What an instance or its shim does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Deed {
    /// Its directory is ready.
    Prepared,
    /// It is forked.
    Forked,
    /// It signals that it is healthy.
    Signals {
        /// How often it tried before.
        tries: u8,
    },
    /// It ends of itself.
    Ends(Exit),
    /// It ends because it was told to.
    Obeys,
    /// Its grace is over.
    Killed,
    /// Its shim has a successor.
    Reshimmed,
}
