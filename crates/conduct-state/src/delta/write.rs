//! Deltas to bytes, within a budget.

use std::sync::Arc;

use super::{Delta, LAYOUT_VERSION, Mode};
use crate::codec::Encoder;
use crate::event::Event;
use crate::state::Standing;
use crate::wire::EncodeTables;
use crate::{Record, WriterId};

/// Writes a delta within a budget of bytes. Only whole things are written: what does not fit is
/// taken back.
pub(crate) struct DeltaWriter {
    encoder: Encoder,
    tables: EncodeTables,
    budget: usize,
    things: usize,
}

/// Room kept for the end marks and the last version of a group.
const END_BYTES: usize = 16;

impl DeltaWriter {
    pub(crate) fn new(mode: Mode, budget: usize) -> DeltaWriter {
        let mut encoder = Encoder::default();
        encoder.byte(LAYOUT_VERSION);
        encoder.byte(mode as u8);
        DeltaWriter {
            encoder,
            tables: EncodeTables::default(),
            budget,
            things: 0,
        }
    }

    /// Writes by `write`, or takes back what it wrote when that is beyond the budget. The first
    /// thing of a stream (`alone`) goes whatever its size, or nothing ever would.
    fn whole(&mut self, alone: bool, write: impl FnOnce(&mut EncodeTables, &mut Encoder)) -> bool {
        let (len, mark) = (self.encoder.len(), self.tables.mark());
        write(&mut self.tables, &mut self.encoder);
        let fits = self.encoder.len() + END_BYTES <= self.budget;
        if fits || (alone && self.things == 0) {
            self.things += 1;
            return true;
        }
        self.encoder.cut(len);
        self.tables.cut(mark);
        false
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.things == 0
    }

    /// Whether the event went in.
    pub(crate) fn event(&mut self, event: &Event, alone: bool) -> bool {
        self.whole(alone, |tables, encoder| {
            encoder.byte(1);
            tables.dot(event.dot, encoder);
            encoder.byte(u8::from(event.record.is_some()));
            if let Some(record) = &event.record {
                tables.record(record, encoder);
            }
            encoder.number(event.kills.len() as u64);
            event.kills.iter().for_each(|dot| tables.dot(*dot, encoder));
        })
    }

    pub(crate) fn finish_events(mut self, more: bool) -> Delta {
        self.encoder.byte(0);
        self.encoder.byte(u8::from(more));
        Delta(self.encoder.finish())
    }

    pub(crate) fn standing(&mut self, standing: &Standing) {
        standing.encode(&mut self.encoder);
    }

    /// Writes what is alive of `writer` in (from, to]; false when it broke off before the end.
    pub(crate) fn group(
        &mut self,
        writer: WriterId,
        from: u64,
        to: u64,
        records: &[Arc<Record>],
    ) -> bool {
        let (start, mark) = (self.encoder.len(), self.tables.mark());
        self.encoder.byte(1);
        self.tables.writer(writer, &mut self.encoder);
        self.encoder.number(from);
        let head = self.encoder.len();
        let mut last = from;
        for record in records {
            let version = record.dot().version;
            let went_in = self.whole(true, |tables, encoder| {
                encoder.byte(1);
                encoder.number(version - last);
                tables.record(record, encoder);
            });
            if !went_in {
                if self.encoder.len() == head {
                    self.encoder.cut(start);
                    self.tables.cut(mark);
                } else {
                    // Up to the record that had no room, all that is not here is dead.
                    self.end_group(version - 1);
                }
                return false;
            }
            last = version;
        }
        self.end_group(to);
        true
    }

    fn end_group(&mut self, to: u64) {
        self.encoder.byte(0);
        self.encoder.number(to);
    }

    /// Ends a jump. With `closing`, and if that has room or nothing else is told, the receiver
    /// knows everything then; else it asks for the next part.
    pub(crate) fn finish_jump<'a>(
        mut self,
        closing: Option<impl Iterator<Item = (WriterId, u64, Vec<u64>)> + 'a>,
    ) -> Delta {
        self.encoder.byte(0);
        let end = self.encoder.len();
        if let Some(claims) = closing {
            self.claims(claims.collect());
            if self.encoder.len() <= self.budget || self.things == 0 {
                self.encoder.patch(1, Mode::Closing as u8);
            } else {
                self.encoder.cut(end);
            }
        }
        Delta(self.encoder.finish())
    }

    fn claims(&mut self, claims: Vec<(WriterId, u64, Vec<u64>)>) {
        self.encoder.number(claims.len() as u64);
        for (writer, version, alive) in claims {
            self.tables.writer(writer, &mut self.encoder);
            self.encoder.number(version);
            self.encoder.number(alive.len() as u64);
            let mut last = 0;
            for version in alive {
                self.encoder.number(version - last);
                last = version;
            }
        }
    }
}
