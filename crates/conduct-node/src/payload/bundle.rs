//! That a bundle was loaded: one of these stands behind every load dot.

use std::sync::Arc;

use bytes::Bytes;
use conduct_model::{NodeKey, RequestId, Wall};
use serde::{Deserialize, Serialize};

use crate::descriptor::Descriptor;
use crate::payload::{FieldReader, FieldWriter, Payload, PayloadError, Unknown};

/// One load. It never changes; another load of the same bundle has a record of its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoadRecord {
    /// What nodes need to know of the bundle.
    pub descriptor: Arc<Descriptor>,
    /// Who loaded it, when and how.
    pub origin: Origin,
    /// What a newer node said.
    pub unknown: Unknown,
}

/// Who loaded a bundle, when and how.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Origin {
    /// The node that took the command.
    pub by: NodeKey,
    /// The command: a repeated one makes no second record.
    pub request: RequestId,
    /// When, by that node's clock.
    pub at: Wall,
    /// The size of the archive.
    pub bundle_bytes: u64,
    /// The size of the configuration's archive.
    pub configuration_bytes: u64,
}

const DESCRIPTOR: u16 = 1;
const ORIGIN: u16 = 2;

impl Payload for LoadRecord {
    fn write(&self) -> Bytes {
        FieldWriter::new()
            .field(DESCRIPTOR, &*self.descriptor)
            .field(ORIGIN, &self.origin)
            .finish(&self.unknown)
    }

    fn parse(bytes: &Bytes) -> Result<LoadRecord, PayloadError> {
        let mut fields = FieldReader::new(bytes)?;
        Ok(LoadRecord {
            descriptor: Arc::new(fields.need(DESCRIPTOR)?),
            origin: fields.need(ORIGIN)?,
            unknown: fields.finish()?,
        })
    }
}
