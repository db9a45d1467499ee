use conduct_model::BundleId;

use crate::{Dot, WriterId};

/// Why the state refuses bytes, a peer, or a write. Nothing is changed by what is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// Bytes that no node of ours writes: drop them and count.
    #[error("bytes at {at} are no {what}")]
    Malformed {
        /// What was to be read.
        what: &'static str,
        /// Where.
        at: usize,
    },
    /// Written by a version of this crate that lays bytes out in another way.
    #[error("the layout has version {0}, which this node does not read")]
    Layout(u8),
    /// A record whose content is not what its writer sealed.
    #[error("record {0} does not match its checksum")]
    Checksum(Dot),
    /// A peer remembers more of this node's writer than the node itself: its folder is older than
    /// what it once told others. Draw a new writer ([`renew_writer`](crate::State::renew_writer)).
    #[error("peers hold version {theirs} of our writer {writer}, our folder only {ours}")]
    OwnWriterAhead {
        /// The writer of this folder.
        writer: WriterId,
        /// What the peer has seen of it.
        theirs: u64,
        /// What the folder has of it.
        ours: u64,
    },
    /// This state missed that writers were forgotten while its node was no member: it must begin
    /// anew, with an empty state and a new writer.
    #[error("this state is from before its node was removed from the cluster")]
    Outdated,
    /// The peer's state is from before its node was removed: nothing of it may be merged.
    #[error("the peer's state is from before its node was removed from the cluster")]
    PeerOutdated,
    /// The closing part of a transfer names records of parts that did not arrive: ask again.
    #[error("the closing part names record {0}, which did not arrive")]
    Incomplete(Dot),
    /// A wish for a bundle that no live load names.
    #[error("bundle {0:?} is not loaded")]
    NotLoaded(BundleId),
    /// A record of this key with a higher rank is there already.
    #[error("a record with a higher rank is there already: {0}")]
    Outranked(Dot),
    /// One more would break a bound.
    #[error("there are {max} {what} already")]
    Full {
        /// Of what.
        what: &'static str,
        /// The bound.
        max: usize,
    },
    /// A payload beyond [`PAYLOAD_BYTES_MAX`](crate::PAYLOAD_BYTES_MAX).
    #[error("a payload has at most {max} bytes, this has {0}", max = crate::PAYLOAD_BYTES_MAX)]
    Payload(usize),
    /// Own writes are still on their way to the disk.
    #[error("own writes from version {0} on are not stored yet")]
    Unstored(u64),
}
