//! How records look in bytes. What is named often (writers, bundles, nodes, systems) is spelled
//! once and then called by its number; with fresh tables the same code gives the lone record's
//! one and only spelling, which is what is sealed and stored.

use std::collections::BTreeMap;
use std::sync::Arc;

use conduct_model::{BundleId, Digest, NodeKey, RequestId, System, SystemName};

use crate::codec::{Decoder, Encoder};
use crate::record::{AGAINST_DOTS_MAX, Draft, EXTRA_BYTES_MAX, PAYLOAD_BYTES_MAX, Rank};
use crate::{Dot, Hlc, Kind, Pool, Record, RecordKey, Stamp, StateError, WriterId};

const AMOUNT: u8 = 1;
const GENERATION: u8 = 2;
const AGAINST: u8 = 4;
const EXTRA: u8 = 8;
const COUNTED: u8 = 16;
const STAMPED: u8 = 32;

struct Table<T> {
    numbers: BTreeMap<T, u64>,
    order: Vec<T>,
}

#[derive(Default)]
pub(crate) struct EncodeTables {
    writers: Table<WriterId>,
    bundles: Table<BundleId>,
    nodes: Table<NodeKey>,
    systems: Table<System>,
}

/// How far the tables were filled, to go back to when a record turns out too long.
#[derive(Clone, Copy)]
pub(crate) struct TablesMark([usize; 4]);

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

impl<T> Default for Table<T> {
    fn default() -> Table<T> {
        Table {
            numbers: BTreeMap::new(),
            order: Vec::new(),
        }
    }
}

impl<T: Ord + Clone> Table<T> {
    /// The number that `item` was given; else gives it one, and the caller spells it out.
    fn number(&mut self, item: &T, encoder: &mut Encoder) -> bool {
        if let Some(number) = self.numbers.get(item) {
            encoder.number(*number);
            return true;
        }
        self.order.push(item.clone());
        self.numbers.insert(item.clone(), self.order.len() as u64);
        encoder.number(0);
        false
    }

    fn cut(&mut self, len: usize) {
        for item in self.order.drain(len..) {
            self.numbers.remove(&item);
        }
    }
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

impl EncodeTables {
    pub(crate) fn mark(&self) -> TablesMark {
        TablesMark([
            self.writers.order.len(),
            self.bundles.order.len(),
            self.nodes.order.len(),
            self.systems.order.len(),
        ])
    }

    pub(crate) fn cut(&mut self, mark: TablesMark) {
        self.writers.cut(mark.0[0]);
        self.bundles.cut(mark.0[1]);
        self.nodes.cut(mark.0[2]);
        self.systems.cut(mark.0[3]);
    }

    pub(crate) fn writer(&mut self, writer: WriterId, encoder: &mut Encoder) {
        if !self.writers.number(&writer, encoder) {
            encoder.fixed(writer.as_u64());
        }
    }

    pub(crate) fn dot(&mut self, dot: Dot, encoder: &mut Encoder) {
        self.writer(dot.writer, encoder);
        encoder.number(dot.version);
    }

    fn bundle(&mut self, bundle: &BundleId, encoder: &mut Encoder) {
        if self.bundles.number(bundle, encoder) {
            return;
        }
        encoder.raw(bundle.bundle.as_bytes());
        encoder.byte(u8::from(bundle.configuration.is_some()));
        if let Some(configuration) = &bundle.configuration {
            encoder.raw(configuration.as_bytes());
        }
    }

    fn node(&mut self, node: &NodeKey, encoder: &mut Encoder) {
        if !self.nodes.number(node, encoder) {
            encoder.raw(node.digest().as_bytes());
        }
    }

    fn stamp(&mut self, stamp: &Stamp, encoder: &mut Encoder) {
        encoder.fixed(stamp.hlc.as_u64());
        self.node(&stamp.node, encoder);
    }

    fn key(&mut self, key: &RecordKey, encoder: &mut Encoder) {
        encoder.number(u64::from(key.kind().as_u16()));
        match key {
            RecordKey::NodeReport(node) | RecordKey::NodeWish(node) => self.node(node, encoder),
            RecordKey::Bundle(bundle)
            | RecordKey::WishScale(bundle)
            | RecordKey::WishPolicy(bundle) => self.bundle(bundle, encoder),
            RecordKey::Offset(bundle, request) => {
                self.bundle(bundle, encoder);
                encoder.raw(&request.as_u128().to_be_bytes());
            }
            RecordKey::OffsetSum(bundle, writer) => {
                self.bundle(bundle, encoder);
                self.writer(*writer, encoder);
            }
            RecordKey::Assignment(system) => {
                if !self.systems.number(system, encoder) {
                    encoder.chunk(system.name.as_str().as_bytes());
                    encoder.chunk(system.version.as_str().as_bytes());
                }
            }
            RecordKey::Voters | RecordKey::Forgotten => {}
            RecordKey::Other(other) => encoder.chunk(other.name()),
        }
    }

    /// Everything of a record but its dot and checksum.
    pub(crate) fn draft(&mut self, draft: &Draft, encoder: &mut Encoder) {
        self.key(&draft.key, encoder);
        let flag = |on: bool, bit: u8| if on { bit } else { 0 };
        encoder.byte(
            flag(draft.amount != 0, AMOUNT)
                | flag(draft.generation.is_some(), GENERATION)
                | flag(!draft.against.is_empty(), AGAINST)
                | flag(!draft.extra.is_empty(), EXTRA)
                | match draft.rank {
                    Rank::Plain => 0,
                    Rank::Counted(..) => COUNTED,
                    Rank::Stamped(_) => STAMPED,
                },
        );
        match &draft.rank {
            Rank::Plain => {}
            Rank::Counted(high, low) => {
                encoder.number(*high);
                encoder.number(*low);
            }
            Rank::Stamped(stamp) => self.stamp(stamp, encoder),
        }
        if draft.amount != 0 {
            encoder.signed(draft.amount);
        }
        if let Some(generation) = &draft.generation {
            self.stamp(generation, encoder);
        }
        if !draft.against.is_empty() {
            encoder.number(draft.against.len() as u64);
            for dot in &draft.against {
                self.dot(*dot, encoder);
            }
        }
        if !draft.extra.is_empty() {
            encoder.chunk(&draft.extra);
        }
        encoder.chunk(&draft.payload);
    }

    /// A record whose dot the reader knows already.
    pub(crate) fn record(&mut self, record: &Record, encoder: &mut Encoder) {
        self.draft(record.draft(), encoder);
        encoder.fixed(record.checksum());
    }
}

impl DecodeTables {
    pub(crate) fn writer(&mut self, decoder: &mut Decoder<'_>) -> Result<WriterId, StateError> {
        looked_up(&mut self.writers, decoder, |d| {
            d.fixed("writer").map(WriterId::from_u64)
        })
    }

    pub(crate) fn dot(&mut self, decoder: &mut Decoder<'_>) -> Result<Dot, StateError> {
        Ok(Dot::new(self.writer(decoder)?, decoder.number("version")?))
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
        Ok(Stamp {
            hlc: Hlc::from_u64(decoder.fixed("stamp")?),
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
