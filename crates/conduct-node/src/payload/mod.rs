//! What stands inside the envelopes of the state, in types of our own.
//!
//! A payload is a row of fields, each with a number. Whoever reads one takes the fields that it
//! knows and keeps the others; whoever writes it again puts them back. So an old node never
//! strips what a newer one wrote. A field whose number has [`MUST`] set changes the meaning of the
//! rest: whoever does not know it leaves the whole payload unread.
//!
//! The shape of a field never changes. What must change becomes another field.

mod assignment;
mod bundle;
mod decisions;
mod holdings;
mod report;
mod wish;

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::{Bytes, BytesMut};
use conduct_model::{Digest, NodeKey};
use conduct_state::RecordKey;
use conduct_wire::codec::{self, CodecError};
use conduct_wire::sections::{self, Section, SectionsError};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use assignment::AssignmentRecord;
pub use bundle::{LoadRecord, Origin};
pub use decisions::{
    DECISION_BYTES_MAX, DECISIONS_MAX, Decision, Decisions, UNLOADS_MAX, Unloaded, decisions_key,
    decisions_node,
};
pub use holdings::{Beginning, HOLDINGS_MAX, Holdings, holdings_key, holdings_node};
pub use report::{Identity, Offer, Report, ReportedExecution, Routing};
pub use wish::{Asked, NodeWishRecord, OffsetRecord, REPLACED_MAX, ScaleRecord};

/// The bit of a field's number that says: without me, the rest means something else.
pub const MUST: u16 = 0x8000;

/// The longest payload that is written; anything longer could not be sent.
pub const PAYLOAD_BYTES_MAX: usize = conduct_state::PAYLOAD_BYTES_MAX;

/// Why a payload is left unread.
#[derive(Debug, thiserror::Error)]
pub enum PayloadError {
    /// It is no row of fields.
    #[error("the payload is no row of fields")]
    Row(#[source] SectionsError),
    /// A field is broken.
    #[error("field {field} is broken")]
    Field {
        /// Its number.
        field: u16,
        /// How.
        source: CodecError,
    },
    /// A field stands twice.
    #[error("field {0} stands there twice")]
    Twice(u16),
    /// A field is missing without which there is nothing to say.
    #[error("field {0} is missing")]
    Missing(u16),
    /// A newer node wrote a field that must be understood.
    #[error("field {0} is unknown and must be understood")]
    Unknown(u16),
    /// What it says cannot be.
    #[error("it contradicts itself")]
    Contradiction,
    /// Reading it panicked.
    #[error("reading it panicked")]
    Panicked,
}

/// The node that a key of this kind names, if it is of this kind.
fn named_node(key: &RecordKey, kind: u16) -> Option<NodeKey> {
    match key {
        RecordKey::Other(other) if other.kind().as_u16() == kind => {
            let bytes: [u8; 32] = other.name().try_into().ok()?;
            Some(NodeKey::from_digest(Digest::from_bytes(bytes)))
        }
        _ => None,
    }
}

/// Something that stands inside an envelope.
pub trait Payload: Sized {
    /// Its fields as bytes.
    fn write(&self) -> Bytes;

    /// What the bytes say.
    ///
    /// # Errors
    /// When they cannot be understood here; whoever calls keeps the bytes.
    fn parse(bytes: &Bytes) -> Result<Self, PayloadError>;

    /// As [`Payload::parse`], and a reader that panics does not take the node with it: such bytes
    /// are on every node, and all of them would fall together.
    ///
    /// # Errors
    /// As `parse`, or when it panicked.
    fn read(bytes: &Bytes) -> Result<Self, PayloadError> {
        // Nothing outlives a failed reading that it could have left half done.
        catch_unwind(AssertUnwindSafe(|| Self::parse(bytes))).unwrap_or(Err(PayloadError::Panicked))
    }
}

/// Fields that this build does not know, kept for those that do.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Unknown(Vec<Section>);

/// Fields being written.
struct FieldWriter {
    row: BytesMut,
}

/// Fields being read: each is taken out once, what is left is unknown.
struct FieldReader {
    fields: Vec<Section>,
}

impl FieldWriter {
    fn new() -> FieldWriter {
        FieldWriter {
            row: BytesMut::new(),
        }
    }

    fn field<T: Serialize + ?Sized>(mut self, number: u16, value: &T) -> FieldWriter {
        sections::write(&mut self.row, number, &codec::encode(value));
        self
    }

    /// Writes nothing for a value that readers take for granted.
    fn unless_default<T: Serialize + Default + PartialEq>(
        self,
        number: u16,
        value: &T,
    ) -> FieldWriter {
        if *value == T::default() {
            self
        } else {
            self.field(number, value)
        }
    }

    /// Writes nothing for a list without anything in it.
    fn many<T: Serialize>(self, number: u16, values: &[T]) -> FieldWriter {
        if values.is_empty() {
            self
        } else {
            self.field(number, values)
        }
    }

    fn finish(mut self, unknown: &Unknown) -> Bytes {
        for section in &unknown.0 {
            sections::write(&mut self.row, section.kind, &section.body);
        }
        self.row.freeze()
    }
}

impl FieldReader {
    fn new(bytes: &Bytes) -> Result<FieldReader, PayloadError> {
        let fields = sections::read(bytes).map_err(PayloadError::Row)?;
        let mut numbers: Vec<u16> = fields.iter().map(|field| field.kind).collect();
        numbers.sort_unstable();
        match numbers.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(PayloadError::Twice(pair[0])),
            None => Ok(FieldReader { fields }),
        }
    }

    fn maybe<T: DeserializeOwned>(&mut self, number: u16) -> Result<Option<T>, PayloadError> {
        let Some(at) = self.fields.iter().position(|field| field.kind == number) else {
            return Ok(None);
        };
        let field = self.fields.swap_remove(at);
        codec::decode(&field.body)
            .map(Some)
            .map_err(|source| PayloadError::Field {
                field: number,
                source,
            })
    }

    fn or_default<T: DeserializeOwned + Default>(&mut self, n: u16) -> Result<T, PayloadError> {
        Ok(self.maybe(n)?.unwrap_or_default())
    }

    fn need<T: DeserializeOwned>(&mut self, number: u16) -> Result<T, PayloadError> {
        self.maybe(number)?.ok_or(PayloadError::Missing(number))
    }

    fn finish(mut self) -> Result<Unknown, PayloadError> {
        match self.fields.iter().find(|field| field.kind & MUST != 0) {
            Some(field) => Err(PayloadError::Unknown(field.kind)),
            None => {
                self.fields.sort_by_key(|field| field.kind);
                // The bytes are copied: a field that is kept for long must not keep the packet
                // that it came in.
                for field in &mut self.fields {
                    field.body = Bytes::copy_from_slice(&field.body);
                }
                Ok(Unknown(self.fields))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Old {
        name: String,
        unknown: Unknown,
    }

    impl Payload for Old {
        fn write(&self) -> Bytes {
            FieldWriter::new()
                .field(1, &self.name)
                .finish(&self.unknown)
        }

        fn parse(bytes: &Bytes) -> Result<Old, PayloadError> {
            let mut fields = FieldReader::new(bytes)?;
            let name: String = fields.need(1)?;
            assert!(name != "poison", "what a reader must never do");
            Ok(Old {
                name,
                unknown: fields.finish()?,
            })
        }
    }

    fn newer(field: u16) -> Bytes {
        FieldWriter::new()
            .field(1, "web")
            .field(field, &(7_u64, "of the future"))
            .finish(&Unknown::default())
    }

    #[test]
    fn an_old_node_puts_back_what_a_newer_one_wrote() {
        let bytes = newer(40);
        let read = Old::read(&bytes).unwrap();
        assert_eq!(read.name, "web");
        assert_eq!(read.write(), bytes);
    }

    #[test]
    fn what_must_be_understood_and_is_not_leaves_the_whole_unread() {
        let outcome = Old::read(&newer(40 | MUST));
        assert!(matches!(outcome, Err(PayloadError::Unknown(field)) if field == 40 | MUST));
    }

    #[test]
    fn a_payload_that_panics_its_reader_is_unreadable_and_no_more() {
        let poison = Old {
            name: "poison".to_owned(),
            unknown: Unknown::default(),
        };
        assert!(matches!(
            Old::read(&poison.write()),
            Err(PayloadError::Panicked)
        ));
    }

    #[test]
    fn a_field_stands_once_or_the_payload_is_broken() {
        let twice = FieldWriter::new()
            .field(1, "a")
            .field(1, "b")
            .finish(&Unknown::default());
        assert!(matches!(Old::read(&twice), Err(PayloadError::Twice(1))));
        let none = FieldWriter::new().finish(&Unknown::default());
        assert!(matches!(Old::read(&none), Err(PayloadError::Missing(1))));
    }
}
