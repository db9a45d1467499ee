//! What the machine wants done, and what it tells the layer above.

use std::net::SocketAddr;

use conduct_model::{Incarnation, NodeKey, Span, Time};
use serde::{Deserialize, Serialize};

use crate::ballot::Acceptor;
use crate::identity::Record;
use crate::message::{Class, Message, Refusal};
use crate::register::Register;

/// Names a write until it is stored.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Token(pub u64);

/// Names one attempt to leave quarantine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ticket(pub u64);

/// What is to be done, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Send to a peer. Datagrams only go where a connection stands; for a stream one is made.
    Send {
        /// The peer. [`crate::Membership::address`] knows where it is.
        to: NodeKey,
        /// How.
        class: Class,
        /// What.
        message: Message,
    },
    /// Keep a connection to this peer from now on.
    Keep(NodeKey),
    /// The connection to this peer is no longer needed.
    Release(NodeKey),
    /// Connect to whoever is at this address, and report with [`crate::Link::Connected`].
    Dial(SocketAddr),
    /// Ask the kernel, by a connected socket, whether this peer's daemon is gone while its host
    /// answers; report with [`crate::Link::Refused`].
    AskKernel(NodeKey),
    /// Write to disk and report with [`crate::Membership::stored`]. Writes are stored in order.
    Persist {
        /// Names the write.
        token: Token,
        /// Where.
        slot: Slot,
        /// What; nothing erases the slot.
        record: Option<DiskRecord>,
    },
    /// Pull the state of this voter, and report with [`crate::Membership::synced`].
    Sync {
        /// Names the attempt; reports for an earlier one are ignored.
        ticket: Ticket,
        /// Whose state.
        with: NodeKey,
    },
    /// A member came, changed, or went.
    Verdict(Verdict),
    /// This node has lost the majority, or cannot know: it accepts no change.
    Quarantined(Reason),
    /// This node is one of the majority again, with the majority's state.
    Released,
    /// Evidence that a quorum of the voters answered what was sent at or after `stamp`: leases
    /// count from here. Stamps only rise.
    Contact {
        /// On the node's own clock.
        stamp: Time,
    },
    /// The voters changed.
    Voters(Register),
    /// This node lives under this incarnation from now on; it is on disk.
    Life(Incarnation),
    /// Nobody lets this node in and nobody will: the daemon ends with this reason.
    Refused(Refusal),
    /// This node has left; nothing more will be sent.
    Gone,
    /// Something that a person may want to read.
    Notice(Notice),
    /// Call [`crate::Membership::tick`] at this time. Replaces the one before.
    Arm(Time),
}

/// What happened to a member.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// A new life is here. The one that it replaces, if any, was not voted down: what it ran may
    /// be adopted.
    Joined {
        /// Who.
        key: NodeKey,
        /// Which life.
        incarnation: Incarnation,
        /// The life before, if that was still a member.
        replaces: Option<Incarnation>,
    },
    /// It is back, the same life.
    Reachable(NodeKey),
    /// Nobody who tried reaches it: endpoints leave, instances still count.
    Unreachable(NodeKey),
    /// Its host says that the daemon is gone: endpoints stay while they answer.
    Restarting(NodeKey),
    /// A quorum voted this life down: its instances no longer count.
    Down {
        /// Who.
        key: NodeKey,
        /// Which life.
        incarnation: Incarnation,
    },
    /// It left by its own will.
    Left {
        /// Who.
        key: NodeKey,
        /// Which life.
        incarnation: Incarnation,
    },
    /// Its card changed: address, roles or note.
    Changed(NodeKey),
}

/// Why a node is in quarantine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Reason {
    /// Its last majority contact is too old.
    ContactLost,
    /// It called the roll and no quorum answered.
    RollCallFailed,
    /// It noticed that it had stood still.
    Paused,
    /// It has only just started.
    Starting,
    /// Its life was voted down; it begins another.
    VotedDown,
    /// It is no longer wanted: another node lives with its key.
    Refused,
}

/// For the event log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Notice {
    /// This node stood still.
    Paused(Span),
    /// A second node uses the key of this member, or ours.
    Clone(NodeKey),
    /// A node was not let in.
    NotAdmitted {
        /// Who.
        key: NodeKey,
        /// Why.
        why: Refusal,
    },
    /// This peer claimed what cannot be; nothing of it was believed.
    Forged(NodeKey),
    /// This peer accuses members falsely again and again; it is not listened to for a while.
    FalseAccuser(NodeKey),
    /// Answers regularly come later than the profile allows: the network wants another profile.
    SlowNetwork,
    /// An operator declared who counts, without a majority.
    MajorityForced {
        /// The voters before.
        from: u64,
        /// And now.
        to: u64,
    },
    /// This voter voted a life down, whose return the others saw first.
    VoteWithdrawn(NodeKey),
}

/// A place on disk; each holds one record.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Slot {
    /// The own start.
    Start,
    /// The voters.
    Voters,
    /// The acceptor's promise.
    Acceptor,
    /// The vote against a life of this node.
    Vote(NodeKey),
    /// What is known of this member.
    Member(NodeKey),
}

/// What the machine keeps on disk and gets back when it starts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum DiskRecord {
    /// The own start.
    Start(u64),
    /// The voters.
    Voters {
        /// Those of the highest epoch.
        register: Register,
        /// Those before.
        previous: Option<Register>,
    },
    /// The acceptor's promise.
    Acceptor(Acceptor),
    /// A vote against a life.
    Vote {
        /// Who.
        key: NodeKey,
        /// Which life.
        start: u64,
    },
    /// A member.
    Member(Record),
}

impl DiskRecord {
    /// Where the record lies.
    pub fn slot(&self) -> Slot {
        match self {
            DiskRecord::Start(_) => Slot::Start,
            DiskRecord::Voters { .. } => Slot::Voters,
            DiskRecord::Acceptor(_) => Slot::Acceptor,
            DiskRecord::Vote { key, .. } => Slot::Vote(*key),
            DiskRecord::Member(record) => Slot::Member(record.key),
        }
    }
}
