//! What people wished for. Amounts, stamps and loads stand in the header, where merging needs
//! them; this is the rest.

use bytes::Bytes;
use conduct_model::{BundleId, NodeKey, RequestId};
use serde::{Deserialize, Serialize};

use crate::payload::{FieldReader, FieldWriter, Payload, PayloadError, Unknown};

/// An absolute scale.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScaleRecord {
    /// Only on nodes where that bundle runs.
    pub affinity: Option<BundleId>,
    /// Whose wish it is.
    pub origin: Asked,
    /// The requests whose wishes this one replaced, the latest last: one that is repeated now has
    /// had its effect.
    pub replaced: Vec<RequestId>,
    /// What a newer node said.
    pub unknown: Unknown,
}

/// A scale moved by so many.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OffsetRecord {
    /// Whose wish it is.
    pub origin: Asked,
    /// What a newer node said.
    pub unknown: Unknown,
}

/// What operators asked of a node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeWishRecord {
    /// It is to give away its instances and take none.
    pub drained: bool,
    /// Whose wish it is.
    pub origin: Asked,
    /// What a newer node said.
    pub unknown: Unknown,
}

/// Who asked for something.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Asked {
    /// The client's command.
    pub request: RequestId,
    /// The node that took it.
    pub by: NodeKey,
}

/// So many earlier requests a scale remembers.
pub const REPLACED_MAX: usize = 8;

const ORIGIN: u16 = 1;
const AFFINITY: u16 = 2;
const REPLACED: u16 = 3;
const DRAINED: u16 = 4;

impl Payload for ScaleRecord {
    fn write(&self) -> Bytes {
        FieldWriter::new()
            .field(ORIGIN, &self.origin)
            .unless_default(AFFINITY, &self.affinity)
            .many(REPLACED, &self.replaced)
            .finish(&self.unknown)
    }

    fn parse(bytes: &Bytes) -> Result<ScaleRecord, PayloadError> {
        let mut fields = FieldReader::new(bytes)?;
        Ok(ScaleRecord {
            origin: fields.need(ORIGIN)?,
            affinity: fields.or_default(AFFINITY)?,
            replaced: fields.or_default(REPLACED)?,
            unknown: fields.finish()?,
        })
    }
}

impl Payload for OffsetRecord {
    fn write(&self) -> Bytes {
        FieldWriter::new()
            .field(ORIGIN, &self.origin)
            .finish(&self.unknown)
    }

    fn parse(bytes: &Bytes) -> Result<OffsetRecord, PayloadError> {
        let mut fields = FieldReader::new(bytes)?;
        Ok(OffsetRecord {
            origin: fields.need(ORIGIN)?,
            unknown: fields.finish()?,
        })
    }
}

impl Payload for NodeWishRecord {
    fn write(&self) -> Bytes {
        FieldWriter::new()
            .field(ORIGIN, &self.origin)
            .unless_default(DRAINED, &self.drained)
            .finish(&self.unknown)
    }

    fn parse(bytes: &Bytes) -> Result<NodeWishRecord, PayloadError> {
        let mut fields = FieldReader::new(bytes)?;
        Ok(NodeWishRecord {
            origin: fields.need(ORIGIN)?,
            drained: fields.or_default(DRAINED)?,
            unknown: fields.finish()?,
        })
    }
}
