//! What nodes say to each other, and which kind of section says it.
//!
//! The bodies of membership, state and scheduling belong to their crates; what the node itself
//! asks and answers stands here. A kind never gets another meaning: what must change becomes a new
//! kind, which older nodes skip.

use bytes::Bytes;
use conduct_model::{BundleId, Digest, System, Wall};
use conduct_scheduler::Epoch;
use conduct_state::{Delta, Summary};
use conduct_wire::codec::{self, CodecError};
use conduct_wire::sections::Section;
use serde::{Deserialize, Serialize};

/// One section, as it is understood.
#[derive(Debug)]
pub(crate) enum Message {
    /// Who is here.
    Membership(conduct_gossip::Message),
    /// Who decides, what is to run where, and how it is.
    Scheduling(conduct_scheduler::Message),
    /// News of the state.
    Fresh(Delta),
    /// Do we know the same?
    Compare(Compare),
    /// This is what I know: tell me what I lack.
    Pull(conduct_state::Digest),
    /// A part of what was lacking, or nothing is.
    Pulled(Option<Delta>),
    /// Your state is from before your node was removed: begin anew.
    Outdated,
    /// Have you got this on disk?
    Push(Push),
    /// An answer to that.
    Pushed(Pushed),
    /// Get an archive, and keep it.
    Copy(Copy),
    /// There is no place here for the archives of a bundle.
    Declined(BundleId),
}

/// Two hashes, and the sender's clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Compare {
    pub(crate) summary: Summary,
    /// Compared with one's own it shows clocks that are set wrongly. Nothing is decided by it.
    pub(crate) wall: Wall,
}

/// Asks a voter to have a write on disk, and perhaps archives.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Push {
    /// Names the question in its answers.
    pub(crate) id: u64,
    /// The write.
    pub(crate) dot: conduct_state::Dot,
    /// What the voter presumably lacks for it.
    pub(crate) delta: Option<Delta>,
    /// What else is to be there.
    pub(crate) with: PushWith,
}

/// What a voter has to look at beside the write itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum PushWith {
    /// Nothing.
    Nothing,
    /// These archives are to be there too; the asking node has them.
    Archives(Vec<(Digest, u64)>),
    /// It is an assignment: a voter that promised a later epoch must not have it.
    Assignment(System, Epoch),
}

/// A voter's answer to a [`Push`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Pushed {
    /// Of the question.
    pub(crate) id: u64,
    /// What it is about.
    pub(crate) dot: conduct_state::Dot,
    /// The answer. There may be a second one when archives have arrived.
    pub(crate) answer: PushAnswer,
}

/// What a voter answers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum PushAnswer {
    /// It is on disk.
    Stored {
        /// So are the archives, if any were asked for.
        archives: bool,
    },
    /// It is on disk, but the archives cannot be had here.
    NoArchive,
    /// Something that the write builds on is missing: this is what is known here.
    Behind(Bytes),
    /// The stamp is too far ahead of this clock.
    Ahead(Wall),
    /// A later epoch was promised to another.
    Outvoted(Epoch),
    /// The disk here takes nothing.
    DiskFailed,
}

/// Asks a node to get a copy of a bundle's archives.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Copy {
    /// Whose archives.
    pub(crate) bundle: BundleId,
    /// The archives and their sizes.
    pub(crate) archives: Vec<(Digest, u64)>,
    /// Who has them.
    pub(crate) from: conduct_model::NodeKey,
}

/// Why a section is not understood.
#[derive(Debug)]
pub(crate) enum Stranger {
    /// Its kind is unknown: a newer node's.
    Kind,
    /// Its kind is known and its body is broken.
    Body,
}

mod kind {
    pub(super) const MEMBERSHIP: u16 = 1;
    pub(super) const SCHEDULING: u16 = 2;
    pub(super) const FRESH: u16 = 3;
    pub(super) const COMPARE: u16 = 4;
    pub(super) const PULL: u16 = 5;
    pub(super) const PULLED: u16 = 6;
    pub(super) const OUTDATED: u16 = 7;
    pub(super) const PUSH: u16 = 8;
    pub(super) const PUSHED: u16 = 9;
    pub(super) const COPY: u16 = 10;
    pub(super) const DECLINED: u16 = 11;
}

impl Message {
    /// Its kind and body.
    pub(crate) fn encode(&self) -> (u16, Bytes) {
        match self {
            Message::Membership(message) => (kind::MEMBERSHIP, codec::encode(message).into()),
            Message::Scheduling(message) => (kind::SCHEDULING, codec::encode(message).into()),
            Message::Fresh(delta) => (kind::FRESH, Bytes::copy_from_slice(delta.as_bytes())),
            Message::Compare(compare) => (kind::COMPARE, codec::encode(compare).into()),
            Message::Pull(digest) => (kind::PULL, digest.encode().into()),
            Message::Pulled(delta) => {
                let bytes = delta.as_ref().map_or(&[][..], Delta::as_bytes);
                (kind::PULLED, Bytes::copy_from_slice(bytes))
            }
            Message::Outdated => (kind::OUTDATED, Bytes::new()),
            Message::Push(push) => (kind::PUSH, codec::encode(push).into()),
            Message::Pushed(pushed) => (kind::PUSHED, codec::encode(pushed).into()),
            Message::Copy(copy) => (kind::COPY, codec::encode(copy).into()),
            Message::Declined(bundle) => (kind::DECLINED, codec::encode(bundle).into()),
        }
    }

    /// What a section says.
    pub(crate) fn decode(section: &Section) -> Result<Message, Stranger> {
        let body = &section.body;
        let delta = || Delta::from_bytes(body.to_vec());
        Ok(match section.kind {
            kind::MEMBERSHIP => Message::Membership(codec::decode(body)?),
            kind::SCHEDULING => Message::Scheduling(codec::decode(body)?),
            kind::FRESH => Message::Fresh(delta()),
            kind::COMPARE => Message::Compare(codec::decode(body)?),
            kind::PULL => {
                Message::Pull(conduct_state::Digest::decode(body).map_err(|_| Stranger::Body)?)
            }
            kind::PULLED => Message::Pulled((!body.is_empty()).then(delta)),
            kind::OUTDATED => Message::Outdated,
            kind::PUSH => Message::Push(codec::decode(body)?),
            kind::PUSHED => Message::Pushed(codec::decode(body)?),
            kind::COPY => Message::Copy(codec::decode(body)?),
            kind::DECLINED => Message::Declined(codec::decode(body)?),
            _ => return Err(Stranger::Kind),
        })
    }
}

impl From<CodecError> for Stranger {
    fn from(_: CodecError) -> Stranger {
        Stranger::Body
    }
}
