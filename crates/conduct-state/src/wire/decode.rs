//! Bytes to records, of which nothing is believed.

use std::sync::Arc;

use conduct_model::{BundleId, Digest, NodeKey, RequestId, System, SystemName};

use super::{AGAINST, AMOUNT, COUNTED, EXTRA, GENERATION, STAMPED};
use crate::codec::Decoder;
use crate::record::{AGAINST_DOTS_MAX, EXTRA_BYTES_MAX, PAYLOAD_BYTES_MAX};
use crate::{Dot, Draft, Hlc, Kind, Pool, Rank, Record, RecordKey, Stamp, StateError, WriterId};

#[derive(Default)]
pub(crate) struct DecodeTables {
    writers: Vec<WriterId>,
    bundles: Vec<BundleId>,
    nodes: Vec<NodeKey>,
    systems: Vec<System>,
}

/// A record as it came: nothing is believed until it is held against its checksum.
pub(crate) struct Unverified {
    pub(crate) dot: Dot,
    draft: Draft,
    checksum: u64,
}

fn looked_up<T: Clone>(
    table: &mut Vec<T>,
    decoder: &mut Decoder<'_>,
    spelled: impl FnOnce(&mut Decoder<'_>) -> Result<T, StateError>,
) -> Result<T, StateError> {
    let number = decoder.number("table number")?;
    if number == 0 {
        let item = spelled(decoder)?;
        table.push(item.clone());
        return Ok(item);
    }
    match usize::try_from(number - 1)
        .ok()
        .and_then(|at| table.get(at))
    {
        Some(item) => Ok(item.clone()),
        None => decoder.refuse("table number"),
    }
}

impl DecodeTables {
    pub(crate) fn writer(&mut self, decoder: &mut Decoder<'_>) -> Result<WriterId, StateError> {
        looked_up(&mut self.writers, decoder, |d| {
            d.fixed("writer").map(WriterId::from_u64)
        })
    }

    pub(crate) fn dot(&mut self, decoder: &mut Decoder<'_>) -> Result<Dot, StateError> {
        Ok(Dot::new(self.writer(decoder)?, decoder.version()?))
    }

    fn bundle(&mut self, decoder: &mut Decoder<'_>) -> Result<BundleId, StateError> {
        looked_up(&mut self.bundles, decoder, |d| {
            let bundle = Digest::from_bytes(d.array("digest")?);
            Ok(if d.flag("configuration flag")? {
                BundleId::configured(bundle, Digest::from_bytes(d.array("digest")?))
            } else {
                BundleId::plain(bundle)
            })
        })
    }

    fn node(&mut self, decoder: &mut Decoder<'_>) -> Result<NodeKey, StateError> {
        looked_up(&mut self.nodes, decoder, |d| {
            Ok(NodeKey::from_digest(Digest::from_bytes(
                d.array("node key")?,
            )))
        })
    }

    fn system(&mut self, decoder: &mut Decoder<'_>) -> Result<System, StateError> {
        fn name(decoder: &mut Decoder<'_>) -> Result<SystemName, StateError> {
            let bytes = decoder.chunk(SystemName::CHARS_MAX, "system name")?;
            match std::str::from_utf8(bytes)
                .ok()
                .and_then(|text| text.parse().ok())
            {
                Some(name) => Ok(name),
                None => decoder.refuse("system name"),
            }
        }
        looked_up(&mut self.systems, decoder, |d| {
            Ok(System {
                name: name(d)?,
                version: name(d)?,
            })
        })
    }

    fn stamp(&mut self, decoder: &mut Decoder<'_>) -> Result<Stamp, StateError> {
        let hlc = Hlc::from_u64(decoder.fixed("stamp")?);
        if hlc > Hlc::LAST {
            return decoder.refuse("stamp");
        }
        Ok(Stamp {
            hlc,
            node: self.node(decoder)?,
        })
    }

    fn key(&mut self, decoder: &mut Decoder<'_>) -> Result<RecordKey, StateError> {
        let Ok(kind) = u16::try_from(decoder.number("kind")?) else {
            return decoder.refuse("kind");
        };
        Ok(match Kind(kind) {
            Kind::NODE_REPORT => RecordKey::NodeReport(self.node(decoder)?),
            Kind::BUNDLE => RecordKey::Bundle(self.bundle(decoder)?),
            Kind::WISH_SCALE => RecordKey::WishScale(self.bundle(decoder)?),
            Kind::WISH_POLICY => RecordKey::WishPolicy(self.bundle(decoder)?),
            Kind::OFFSET => {
                let bundle = self.bundle(decoder)?;
                let request = u128::from_be_bytes(decoder.array("request")?);
                RecordKey::Offset(bundle, RequestId::from_u128(request))
            }
            Kind::OFFSET_SUM => RecordKey::OffsetSum(self.bundle(decoder)?, self.writer(decoder)?),
            Kind::ASSIGNMENT => RecordKey::Assignment(self.system(decoder)?),
            Kind::VOTERS => RecordKey::Voters,
            Kind::NODE_WISH => RecordKey::NodeWish(self.node(decoder)?),
            Kind::FORGOTTEN => RecordKey::Forgotten,
            Kind(kind) => {
                let name = decoder.chunk(RecordKey::NAME_BYTES_MAX, "key")?;
                match RecordKey::other(kind, name) {
                    Some(key) => key,
                    None => return decoder.refuse("kind"),
                }
            }
        })
    }

    fn draft(&mut self, decoder: &mut Decoder<'_>) -> Result<Draft, StateError> {
        let key = self.key(decoder)?;
        let flags = decoder.byte("flags")?;
        let rank = match flags & !(AMOUNT | GENERATION | AGAINST | EXTRA) {
            0 => Rank::Plain,
            COUNTED => Rank::Counted(decoder.number("rank")?, decoder.number("rank")?),
            STAMPED => Rank::Stamped(self.stamp(decoder)?),
            _ => return decoder.refuse("flags"),
        };
        let amount = if flags & AMOUNT != 0 {
            decoder.signed("amount")?
        } else {
            0
        };
        let generation = match flags & GENERATION {
            0 => None,
            _ => Some(self.stamp(decoder)?),
        };
        let mut against = Vec::new();
        if flags & AGAINST != 0 {
            let count = decoder.count("dots")?;
            if count > AGAINST_DOTS_MAX {
                return decoder.refuse("dots");
            }
            for _ in 0..count {
                against.push(self.dot(decoder)?);
            }
        }
        let extra = match flags & EXTRA {
            0 => Vec::new(),
            _ => decoder.chunk(EXTRA_BYTES_MAX, "header")?.to_vec(),
        };
        let payload: Arc<[u8]> = decoder.chunk(PAYLOAD_BYTES_MAX, "payload")?.into();
        Ok(Draft {
            key,
            rank,
            amount,
            generation,
            against,
            extra,
            payload,
        })
    }

    /// A record whose dot was told before.
    pub(crate) fn record(
        &mut self,
        dot: Dot,
        decoder: &mut Decoder<'_>,
    ) -> Result<Unverified, StateError> {
        Ok(Unverified {
            dot,
            draft: self.draft(decoder)?,
            checksum: decoder.fixed("checksum")?,
        })
    }
}

impl Unverified {
    /// Reads what [`Record::encode`] wrote.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Unverified, StateError> {
        let mut decoder = Decoder::new(bytes);
        let mut tables = DecodeTables::default();
        let dot = tables.dot(&mut decoder)?;
        let record = tables.record(dot, &mut decoder)?;
        decoder.end()?;
        Ok(record)
    }

    /// What it says that it is about.
    pub(crate) fn key(&self) -> &RecordKey {
        &self.draft.key
    }

    /// What it says its rank is.
    pub(crate) fn rank(&self) -> Rank {
        self.draft.rank
    }

    /// The record, if it is what its writer sealed.
    pub(crate) fn verify(self, pool: Option<&Pool>) -> Result<Arc<Record>, StateError> {
        let record = self.draft.seal(self.dot);
        if record.checksum() != self.checksum {
            return Err(StateError::Checksum(self.dot));
        }
        Ok(match pool {
            Some(pool) => pool.share(record),
            None => Arc::new(record),
        })
    }
}
