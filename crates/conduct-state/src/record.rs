//! The envelope: a header that every version of the product can merge, and a payload that only
//! its readers understand.

use std::fmt;
use std::sync::Arc;

use conduct_model::Digest;
use serde::{Deserialize, Serialize};

use crate::codec::Encoder;
use crate::wire::EncodeTables;
use crate::{RecordKey, Stamp, StateError};

/// Longest payload of a record.
pub const PAYLOAD_BYTES_MAX: usize = 256 * 1024;
/// So often nobody writes: a writer that names more lies, and would leave no number for later.
pub const VERSION_MAX: u64 = 1 << 48;
/// Longest addition to a header by a newer version.
pub const EXTRA_BYTES_MAX: usize = 4 * 1024;
/// Most load dots that one wish is made against.
pub const AGAINST_DOTS_MAX: usize = 64;

/// One life of one state folder, as a writer of records. Whoever makes a folder, repairs it, or
/// finds it older than its peers remember draws a new one, so that no version is given twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct WriterId(u64);

/// One write: the how manieth of which writer. Names a record for ever.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Dot {
    /// Who wrote.
    pub writer: WriterId,
    /// Which of its writes, from 1 on.
    pub version: u64,
}

/// Which of several records with one key is read: the highest.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
pub enum Rank {
    /// No order beyond that of the dots.
    #[default]
    Plain,
    /// Start and version, epoch and sequence, or epoch alone.
    Counted(u64, u64),
    /// The later stamp.
    Stamped(Stamp),
}

/// What a record says, before it is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Draft {
    /// What it is about.
    pub key: RecordKey,
    /// Its place among records with the same key.
    pub rank: Rank,
    /// Base of a scale, or delta of an offset.
    pub amount: i64,
    /// The absolute scale that an offset moves.
    pub generation: Option<Stamp>,
    /// The loads that a wish is made against. It is void once none of them is alive.
    pub against: Vec<Dot>,
    /// What newer versions add to the header. Kept as it came.
    pub extra: Vec<u8>,
    /// What its readers read.
    pub payload: Arc<[u8]>,
}

/// A record as it was written. It never changes; a later word on its subject is another record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    dot: Dot,
    draft: Draft,
    fingerprint: u128,
}

impl WriterId {
    /// The writer with this number, drawn at random by whoever makes the folder.
    pub const fn from_u64(number: u64) -> WriterId {
        WriterId(number)
    }

    /// The number itself.
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

impl Dot {
    /// Write `version` of `writer`.
    pub const fn new(writer: WriterId, version: u64) -> Dot {
        Dot { writer, version }
    }
}

impl Rank {
    /// The stamp, of what is ordered by one.
    pub fn stamp(&self) -> Option<Stamp> {
        match self {
            Rank::Stamped(stamp) => Some(*stamp),
            Rank::Plain | Rank::Counted(..) => None,
        }
    }
}

impl Draft {
    /// A record about `key` that says `payload`, and nothing else.
    pub fn new(key: RecordKey, rank: Rank, payload: impl Into<Arc<[u8]>>) -> Draft {
        Draft {
            key,
            rank,
            amount: 0,
            generation: None,
            against: Vec::new(),
            extra: Vec::new(),
            payload: payload.into(),
        }
    }

    pub(crate) fn check_size(&self) -> Result<(), StateError> {
        if self.payload.len() > PAYLOAD_BYTES_MAX {
            return Err(StateError::Payload(self.payload.len()));
        }
        if self.extra.len() > EXTRA_BYTES_MAX {
            return Err(StateError::Full {
                what: "header bytes",
                max: EXTRA_BYTES_MAX,
            });
        }
        if self.against.len() > AGAINST_DOTS_MAX {
            return Err(StateError::Full {
                what: "loads of one wish",
                max: AGAINST_DOTS_MAX,
            });
        }
        Ok(())
    }

    /// Gives the record its name and seals it.
    pub(crate) fn seal(self, dot: Dot) -> Record {
        let mut encoder = Encoder::default();
        self.encode_under(dot, &mut encoder);
        let digest = Digest::of(encoder.as_slice());
        let mut first = [0; 16];
        first.copy_from_slice(&digest.as_bytes()[..16]);
        Record {
            dot,
            draft: self,
            fingerprint: u128::from_be_bytes(first),
        }
    }

    fn encode_under(&self, dot: Dot, encoder: &mut Encoder) {
        let mut tables = EncodeTables::default();
        tables.dot(dot, encoder);
        tables.draft(self, encoder);
    }
}

impl Record {
    /// Its name.
    pub fn dot(&self) -> Dot {
        self.dot
    }

    /// What it is about.
    pub fn key(&self) -> &RecordKey {
        &self.draft.key
    }

    /// Its place among records with the same key.
    pub fn rank(&self) -> Rank {
        self.draft.rank
    }

    /// When and where it was wished, if it is ordered by that.
    pub fn stamp(&self) -> Option<Stamp> {
        self.draft.rank.stamp()
    }

    /// Base of a scale, or delta of an offset.
    pub fn amount(&self) -> i64 {
        self.draft.amount
    }

    /// The absolute scale that an offset moves.
    pub fn generation(&self) -> Option<Stamp> {
        self.draft.generation
    }

    /// The loads that it was made against.
    pub fn against(&self) -> &[Dot] {
        &self.draft.against
    }

    /// What newer versions added to the header.
    pub fn extra(&self) -> &[u8] {
        &self.draft.extra
    }

    /// What its readers read.
    pub fn payload(&self) -> &Arc<[u8]> {
        &self.draft.payload
    }

    pub(crate) fn draft(&self) -> &Draft {
        &self.draft
    }

    /// Equal for equal records, and only for them.
    pub(crate) fn fingerprint(&self) -> u128 {
        self.fingerprint
    }

    /// What travels and is stored beside the record, so that a bit that falls over anywhere on
    /// its way through memories and disks is found by the next who reads it.
    pub(crate) fn checksum(&self) -> u64 {
        (self.fingerprint >> 64) as u64
    }

    /// The bytes that are stored: the same on every node that holds the record.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut encoder = Encoder::default();
        self.draft.encode_under(self.dot, &mut encoder);
        encoder.fixed(self.checksum());
        encoder.finish()
    }
}

impl fmt::Display for WriterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Display for Dot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.writer, self.version)
    }
}
