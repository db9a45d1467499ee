//! What members say to each other. Small: most of it rides in datagrams, and many times a second.
//!
//! The transport proves who sent a message; the header says which life of it speaks.

use serde::{Deserialize, Serialize};

use crate::ballot::{Accepted, Ballot};
use crate::bounds::ROUND_MAX;
use crate::identity::{Record, Short, Standing};
use crate::register::Register;

/// One message of the membership protocol.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks, and what it knows.
    pub header: Header,
    /// What it says.
    pub body: Body,
}

/// How a message travels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// May be lost; fits into a datagram.
    Datagram,
    /// Sent again until it arrives or the connection is lost; may be long.
    Stream,
}

/// Travels with every message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Header {
    /// The sender's life.
    pub start: u64,
    /// Two bytes of its nonce: enough to notice a copied disk.
    pub tag: [u8; 2],
    /// The sender's own refutation.
    pub refutation: u32,
    /// How the sender sees itself: joining, alive or leaving.
    pub standing: Standing,
    /// The voters' epoch that the sender has on disk.
    pub epoch: u64,
    /// Hash of all members as the sender sees them.
    pub view: [u8; 4],
}

/// What a message says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Body {
    /// Are you there?
    Probe {
        /// Names the probe in its answer.
        seq: u16,
        /// The sender probes this member whether it votes or not, and wishes to be probed back.
        chosen: bool,
        /// News about members.
        updates: Vec<Update>,
    },
    /// Yes.
    Answer {
        /// Of the probe.
        seq: u16,
        /// A voter's age of majority contact in milliseconds.
        contact: Option<u16>,
        /// News about members.
        updates: Vec<Update>,
    },
    /// Probe this one for me.
    Relay {
        /// Names the request in its answer.
        seq: u16,
        /// Whom.
        target: Short,
    },
    /// Are you there? Somebody else asks.
    ProbeFor {
        /// Names the probe in its answer.
        seq: u16,
        /// Who asks.
        origin: Short,
        /// Which life of it.
        start: u64,
    },
    /// Yes, tell them.
    AnswerFor {
        /// Of the probe.
        seq: u16,
        /// As in an answer.
        contact: Option<u16>,
        /// The asking life was voted down here: it is not to take this for contact.
        down: bool,
    },
    /// What came of a relayed probe; nothing when nobody answered.
    Relayed {
        /// Of the request.
        seq: u16,
        /// What the target answered.
        found: Option<Found>,
    },
    /// News about members.
    Gossip {
        /// The news.
        updates: Vec<Update>,
    },
    /// My roll-call failed: check where you are.
    Alarm,
    /// I do not know this life of yours: introduce yourself.
    WhoAreYou,
    /// This is me; may I join?
    Hello {
        /// The cluster it believes to be in; zero for none.
        cluster: u64,
        /// Who it is.
        record: Box<Record>,
        /// Whether it wants to be told all members.
        wants_members: bool,
    },
    /// You are a member.
    Welcome {
        /// The voters.
        register: Register,
        /// The voters before, while the new ones are not in force everywhere.
        previous: Option<Register>,
        /// The newcomer's place in the order of joining.
        seat: u32,
    },
    /// You are none. It names the life that is meant: a copy of a node has the same key.
    Refused {
        /// The life's start.
        start: u64,
        /// And two bytes of its nonce.
        tag: [u8; 2],
        /// Why.
        why: Refusal,
    },
    /// This life of yours was voted down, if only by the sender: it will never count it again.
    YouAreDown {
        /// The life.
        start: u64,
    },
    /// You are said to be gone: refute it.
    Accused {
        /// The refutation that must be exceeded.
        refutation: u32,
    },
    /// Somebody else uses your key.
    Twin,
    /// Who are these?
    Ask {
        /// Whom the asker does not know.
        members: Vec<Short>,
    },
    /// Hashes of all members by groups, to find where two views differ.
    Compare {
        /// One hash per group.
        groups: Vec<[u8; 4]>,
    },
    /// Members in full.
    Records {
        /// The members.
        records: Vec<Record>,
        /// The groups whose members the receiver is to send back; none of them in an answer.
        groups: u32,
    },
    /// Which voters do you know?
    AskVoters,
    /// The voters.
    Voters {
        /// Those of the highest epoch.
        register: Register,
        /// Those before, while the new ones are not in force everywhere.
        previous: Option<Register>,
    },
    /// What a voter thinks of absent members.
    Judge {
        /// Could be voted down.
        opinions: Vec<Opinion>,
        /// Are voted down.
        votes: Vec<Vote>,
    },
    /// Asks for a promise to hear no lower ballot for this epoch.
    Prepare {
        /// The epoch that is to come.
        epoch: u64,
        /// The ballot.
        ballot: Ballot,
    },
    /// Promised, and on disk.
    Promise {
        /// The epoch.
        epoch: u64,
        /// The ballot.
        ballot: Ballot,
        /// What this acceptor accepted earlier.
        accepted: Option<Accepted>,
    },
    /// Asks to accept these voters.
    Accept {
        /// The ballot.
        ballot: Ballot,
        /// The voters.
        register: Register,
    },
    /// Accepted, and on disk.
    Accepted {
        /// The epoch.
        epoch: u64,
        /// The ballot.
        ballot: Ballot,
    },
    /// Not promised, not accepted.
    Declined {
        /// The epoch.
        epoch: u64,
        /// The ballot that was declined.
        ballot: Ballot,
        /// The higher one that was promised; none when the change itself is refused.
        promised: Option<Ballot>,
    },
}

/// What a relayed probe found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Found {
    /// The target's own header.
    pub header: Header,
    /// As in an answer.
    pub contact: Option<u16>,
    /// As in a relayed answer.
    pub down: bool,
}

/// Why a node is not let in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Refusal {
    /// The asked one is no member of anything yet.
    NoCluster,
    /// The asked one belongs to another cluster.
    OtherCluster,
    /// A later life of this key is known.
    Superseded {
        /// Its start.
        start: u64,
    },
    /// An earlier life of this key is alive at another address.
    Lingering,
    /// Another node lives with this key and start.
    Clone,
    /// The cluster has as many members as it can hold.
    Full,
}

/// One piece of news.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Update {
    /// How a known member stands.
    Brief {
        /// Who.
        member: Short,
        /// Which life.
        start: u64,
        /// With which refutation.
        refutation: u32,
        /// How it stands.
        standing: Standing,
    },
    /// Somebody's own probe failed.
    Suspicion {
        /// Who.
        member: Short,
        /// Which life.
        start: u64,
        /// With which refutation.
        refutation: u32,
        /// Whose probe.
        accuser: Short,
    },
    /// A member in full.
    Full(Box<Record>),
}

/// A voter could vote this life down: it was absent for the whole hold-down.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Opinion {
    /// Who.
    pub member: Short,
    /// Which life.
    pub start: u64,
}

/// A voter voted this life down, for good.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Vote {
    /// Who.
    pub member: Short,
    /// Which life.
    pub start: u64,
    /// How long ago, in milliseconds, as far as it matters.
    pub age: u16,
}

impl Message {
    /// A record takes at most 32 + 9 + 9 + 5 + 1 + 5 bytes for the member and 20 + 2 + 1 + 32 for
    /// its card; this is more.
    pub const RECORD_BYTES_MAX: usize = 128;
}

impl Body {
    /// Whether the attempts to decide an epoch that this names may have been made.
    pub(crate) fn is_likely_attempt(&self) -> bool {
        let (ballot, other) = match self {
            Body::Prepare { ballot, .. }
            | Body::Accept { ballot, .. }
            | Body::Accepted { ballot, .. } => (ballot, None),
            Body::Promise {
                ballot, accepted, ..
            } => (ballot, accepted.as_ref().map(|held| &held.ballot)),
            Body::Declined {
                ballot, promised, ..
            } => (ballot, promised.as_ref()),
            _ => return true,
        };
        ballot.round <= ROUND_MAX && other.is_none_or(|other| other.round <= ROUND_MAX)
    }
}

impl Update {
    /// No encoding of this update takes more bytes.
    pub(crate) fn bytes_max(&self) -> usize {
        match self {
            Update::Brief {
                start, refutation, ..
            } => 10 + number_bytes(*start) + number_bytes((*refutation).into()),
            Update::Suspicion {
                start, refutation, ..
            } => 17 + number_bytes(*start) + number_bytes((*refutation).into()),
            Update::Full(record) => {
                let address = if record.card.address.is_ipv4() { 8 } else { 20 };
                32 + 9
                    + 2
                    + number_bytes(record.incarnation.start)
                    + number_bytes(record.refutation.into())
                    + number_bytes(record.seat.into())
                    + address
                    + 3
                    + record.card.note.len()
            }
        }
    }
}

/// Bytes of a number whose length depends on its size.
fn number_bytes(number: u64) -> usize {
    match number {
        0..251 => 1,
        251..0x1_0000 => 3,
        0x1_0000..0x1_0000_0000 => 5,
        _ => 9,
    }
}

#[cfg(test)]
mod tests {
    use conduct_model::{Digest, Incarnation, NodeKey};
    use proptest::prelude::*;

    use super::*;
    use crate::identity::Card;

    fn bytes(update: &Update) -> usize {
        bincode::serde::encode_to_vec(update, bincode::config::standard())
            .unwrap()
            .len()
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_update_takes_more_bytes_than_it_is_counted_with(
            start: u64, nonce: u64, refutation: u32, seat: u32, port: u16, v6: bool, note in 0..33_usize,
        ) {
            let key = NodeKey::from_digest(Digest::of(&start.to_be_bytes()));
            let member = Short::of(&key);
            let ip = if v6 { [9_u16; 8].into() } else { std::net::IpAddr::from([10, 0, 0, 1]) };
            let address = std::net::SocketAddr::new(ip, port);
            let card = Card { address, core: true, agent: false, note: vec![7; note] };
            let incarnation = Incarnation { start, nonce };
            let standing = Standing::Left;
            let record = Record { key, incarnation, refutation, standing, seat, card };
            for update in [
                Update::Brief { member, start, refutation, standing },
                Update::Suspicion { member, start, refutation, accuser: member },
                Update::Full(Box::new(record)),
            ] {
                prop_assert!(bytes(&update) <= update.bytes_max());
                prop_assert!(update.bytes_max() <= Message::RECORD_BYTES_MAX);
            }
        }
    }
}
