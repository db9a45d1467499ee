//! What a node decided lately, so that any other can say why things are as they are, and so that a
//! command that left nothing behind is known again when it is repeated through another node.
//!
//! Apart from the node's report: the one changes with every instance, the other with every
//! decision, and neither should drag the other along.

use bytes::Bytes;
use conduct_model::{BundleId, NodeKey, RequestId, Wall};
use conduct_state::RecordKey;
use serde::{Deserialize, Serialize};

use crate::payload::{FieldReader, FieldWriter, Payload, PayloadError, Unknown, named_node};

/// The latest decisions of one node, the oldest first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Decisions {
    /// At most [`DECISIONS_MAX`].
    pub latest: Vec<Decision>,
    /// The latest unloads, at most [`UNLOADS_MAX`].
    pub unloads: Vec<Unloaded>,
    unknown: Unknown,
}

/// Something that a node decided about a bundle.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Decision {
    /// By the node's clock.
    pub at: Wall,
    /// About what.
    pub bundle: BundleId,
    /// What, for people.
    pub what: String,
}

/// An unload: of the bundle nothing is left that could name the request.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Unloaded {
    /// Whose wish it was.
    pub request: RequestId,
    /// What was unloaded.
    pub bundle: BundleId,
}

/// The number of this kind of record.
const KIND: u16 = 12;

/// So many decisions are told to others; the node itself remembers many more.
pub const DECISIONS_MAX: usize = 8;

/// So many unloads are known again through other nodes.
pub const UNLOADS_MAX: usize = 16;

/// The longest that is said of one decision.
pub const DECISION_BYTES_MAX: usize = 160;

const LATEST: u16 = 1;
const UNLOADS: u16 = 2;

/// The key of the record of `node`.
pub fn decisions_key(node: &NodeKey) -> RecordKey {
    RecordKey::other(KIND, node.digest().as_bytes())
        .expect("the kind is none of the state's own and a key is 32 bytes")
}

/// The node whose decisions `key` names, if it names any.
pub fn decisions_node(key: &RecordKey) -> Option<NodeKey> {
    named_node(key, KIND)
}

impl Decisions {
    /// One more.
    pub fn note(&mut self, mut decision: Decision) {
        let end = decision.what.floor_char_boundary(DECISION_BYTES_MAX);
        decision.what.truncate(end);
        push(&mut self.latest, decision, DECISIONS_MAX);
    }

    /// A request unloaded a bundle.
    pub fn note_unload(&mut self, unloaded: Unloaded) {
        push(&mut self.unloads, unloaded, UNLOADS_MAX);
    }
}

fn push<T>(latest: &mut Vec<T>, item: T, max: usize) {
    if latest.len() == max {
        latest.remove(0);
    }
    latest.push(item);
}

impl Payload for Decisions {
    fn write(&self) -> Bytes {
        FieldWriter::new()
            .many(LATEST, &self.latest)
            .many(UNLOADS, &self.unloads)
            .finish(&self.unknown)
    }

    fn parse(bytes: &Bytes) -> Result<Decisions, PayloadError> {
        let mut fields = FieldReader::new(bytes)?;
        Ok(Decisions {
            latest: fields.or_default(LATEST)?,
            unloads: fields.or_default(UNLOADS)?,
            unknown: fields.finish()?,
        })
    }
}
