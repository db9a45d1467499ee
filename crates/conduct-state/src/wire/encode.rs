//! Records to bytes.

use std::collections::BTreeMap;

use conduct_model::{BundleId, NodeKey, System};

use super::{AGAINST, AMOUNT, COUNTED, EXTRA, GENERATION, STAMPED};
use crate::codec::Encoder;
use crate::{Dot, Draft, Rank, Record, RecordKey, Stamp, WriterId};

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
