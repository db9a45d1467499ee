//! What the brain asks of the store of archives, and what it tells it.

use std::fmt;

use conduct_model::{Digest, NodeKey};
use serde::{Deserialize, Serialize};

/// An order to the store of archives. Each may come twice and must then do nothing that it has
/// done already.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ArchiveOrder {
    /// Get an archive from a peer that has it, resumable, and verify it before it is visible.
    /// Answered by `Verified` or `FetchFailed`.
    Fetch {
        /// Which.
        digest: Digest,
        /// Its size, for the room that it takes and for the progress shown.
        bytes: u64,
        /// Who has it.
        from: NodeKey,
    },
    /// Stop getting it: nobody needs it here any more.
    Cancel {
        /// Which.
        digest: Digest,
    },
    /// Send an archive that is still arriving here on to a peer, as it arrives. The peer's own
    /// store announces it there once it is verified.
    Forward {
        /// Which.
        digest: Digest,
        /// To whom.
        to: NodeKey,
    },
    /// Remove it from the disk. Answered by `Gone`.
    Delete {
        /// Which.
        digest: Digest,
    },
}

/// What the store of archives tells the brain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ArchiveEvent {
    /// After a start of the daemon: everything that is on the disk and was verified when written.
    Holdings {
        /// Digest and size of each.
        archives: Vec<(Digest, u64)>,
    },
    /// An upload has begun. The brain may answer with `Forward`, so that the second copy costs no
    /// second pass.
    Arriving {
        /// What the upload claims to be.
        digest: Digest,
        /// How much it claims to bring, where known.
        bytes: Option<u64>,
    },
    /// The upload ended without a whole archive; what came is gone.
    Aborted {
        /// What the upload claimed to be.
        digest: Digest,
    },
    /// The archive is whole, verified and synced to disk, from whomever it came.
    Verified {
        /// Which.
        digest: Digest,
        /// Its size.
        bytes: u64,
    },
    /// It could not be had from that peer.
    FetchFailed {
        /// Which.
        digest: Digest,
        /// From whom.
        from: NodeKey,
        /// Why.
        why: FetchFailure,
    },
    /// The archive is on this disk no more: deleted, or found damaged and set aside.
    Gone {
        /// Which.
        digest: Digest,
        /// Why.
        why: GoneWhy,
    },
    /// What is left on the disk for archives.
    Space {
        /// In bytes.
        free_bytes: u64,
    },
}

/// Why an archive could not be had.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum FetchFailure {
    /// The peer cannot be reached or stopped sending.
    Unreachable,
    /// The peer does not have it.
    Absent,
    /// What it sent is not what its digest says.
    Damaged,
    /// No room here.
    NoSpace,
    /// The disk here failed.
    Disk,
}

/// Why an archive is no longer on a disk.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum GoneWhy {
    /// It was ordered so.
    Deleted,
    /// A check found other bytes than its digest says.
    Damaged,
    /// It is missing and nobody said why.
    Lost,
}

impl fmt::Display for FetchFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FetchFailure::Unreachable => "it cannot be reached",
            FetchFailure::Absent => "it does not have it",
            FetchFailure::Damaged => "what it sent is damaged",
            FetchFailure::NoSpace => "there is no room here",
            FetchFailure::Disk => "the disk here failed",
        })
    }
}
