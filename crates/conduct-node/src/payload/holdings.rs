//! Which archives a node has on its disk. Apart from its report: the one changes with every
//! instance, the other with every load, and neither should drag the other along.

use bytes::Bytes;
use conduct_model::{BundleId, Digest, NodeKey};
use conduct_state::RecordKey;

use crate::payload::{FieldReader, FieldWriter, Payload, PayloadError, Unknown, named_node};

/// The archives of one node, verified.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Holdings {
    /// In ascending order.
    archives: Vec<Beginning>,
    /// Its disk has no room for further archives.
    pub full: bool,
    unknown: Unknown,
}

/// The first twelve bytes of a digest: nobody finds two archives that share them, and a list of
/// ten thousand stays a record that can be sent.
pub type Beginning = [u8; 12];

/// The number of this kind of record.
const KIND: u16 = 11;

/// So many archives one node may have.
pub const HOLDINGS_MAX: usize = 16_384;

const ARCHIVES: u16 = 1;
const FULL: u16 = 2;

/// The key of the record of `node`.
pub fn holdings_key(node: &NodeKey) -> RecordKey {
    RecordKey::other(KIND, node.digest().as_bytes())
        .expect("the kind is none of the state's own and a key is 32 bytes")
}

/// The node whose holdings `key` names, if it names any.
pub fn holdings_node(key: &RecordKey) -> Option<NodeKey> {
    named_node(key, KIND)
}

fn beginning(digest: &Digest) -> Beginning {
    let mut beginning = [0; 12];
    beginning.copy_from_slice(&digest.as_bytes()[..12]);
    beginning
}

impl Holdings {
    /// These archives.
    pub fn new<'a>(archives: impl IntoIterator<Item = &'a Digest>, full: bool) -> Holdings {
        let mut archives: Vec<Beginning> = archives.into_iter().map(beginning).collect();
        archives.sort_unstable();
        archives.dedup();
        Holdings {
            archives,
            full,
            unknown: Unknown::default(),
        }
    }

    /// Whether an archive is there.
    pub fn has(&self, digest: &Digest) -> bool {
        self.archives.binary_search(&beginning(digest)).is_ok()
    }

    /// Whether every archive of `bundle` is there.
    pub fn has_all(&self, bundle: &BundleId) -> bool {
        self.has(&bundle.bundle) && bundle.configuration.as_ref().is_none_or(|c| self.has(c))
    }

    /// Archives that are here and were not there before, or the other way round.
    pub fn difference(&self, before: &Holdings) -> Vec<Beginning> {
        let one_sided = |a: &[Beginning], b: &[Beginning]| -> Vec<Beginning> {
            a.iter()
                .filter(|archive| b.binary_search(archive).is_err())
                .copied()
                .collect()
        };
        let mut difference = one_sided(&self.archives, &before.archives);
        difference.extend(one_sided(&before.archives, &self.archives));
        difference
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.archives.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.archives.is_empty()
    }
}

impl Payload for Holdings {
    fn write(&self) -> Bytes {
        FieldWriter::new()
            .many(ARCHIVES, &self.archives)
            .unless_default(FULL, &self.full)
            .finish(&self.unknown)
    }

    fn parse(bytes: &Bytes) -> Result<Holdings, PayloadError> {
        let mut fields = FieldReader::new(bytes)?;
        let mut archives: Vec<Beginning> = fields.or_default(ARCHIVES)?;
        archives.sort_unstable();
        Ok(Holdings {
            archives,
            full: fields.or_default(FULL)?,
            unknown: fields.finish()?,
        })
    }
}
