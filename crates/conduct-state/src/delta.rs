//! What one node tells another so that it catches up, as bytes.
//!
//! Either single events, in an order in which they can be applied one by one; or, for a node that
//! is further behind than the events that are still remembered, a *jump*: records, and at its end
//! what else is alive. Records of a jump are only held by the receiver. It takes nothing as known
//! before the closing part has come, and then everything at once: a record that is missing from
//! one part may have been removed by a write that stands in a later one.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::codec::{Decoder, Encoder};
use crate::event::{Event, KILLS_MAX};
use crate::wire::{DecodeTables, EncodeTables, Unverified};
use crate::{Dot, Pool, Record, RecordKey, StateError, Vector, WriterId};

/// How bytes are laid out; a node drops what carries another number.
pub(crate) const LAYOUT_VERSION: u8 = 1;
/// Most dots that a node must cover so that it may take part.
pub(crate) const FLOOR_DOTS_MAX: usize = 64;

/// What one node tells another so that it catches up. Made by [`State::fresh`](crate::State::fresh),
/// [`State::push`](crate::State::push) and [`State::delta`](crate::State::delta), read by
/// [`State::apply`](crate::State::apply).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delta(Vec<u8>);

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Events = 1,
    Piece = 2,
    Closing = 3,
}

pub(crate) enum Parts {
    Events {
        events: Vec<RawEvent>,
        more: bool,
    },
    Jump {
        floor: Vec<Dot>,
        groups: Vec<Group>,
        closing: Option<Vec<Claim>>,
    },
}

pub(crate) struct RawEvent {
    pub(crate) dot: Dot,
    record: Option<Unverified>,
    kills: Box<[Dot]>,
}

/// All records of one writer that are alive at the sender with versions in (from, to].
pub(crate) struct Group {
    pub(crate) writer: WriterId,
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) records: Vec<Unverified>,
}

/// How far the sender knows a writer, and which of the writes that the receiver has already are
/// alive.
pub(crate) struct Claim {
    pub(crate) writer: WriterId,
    pub(crate) version: u64,
    pub(crate) alive: Vec<u64>,
}

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

impl Delta {
    /// Takes bytes as they came from a peer; whether they mean anything is seen when they are
    /// applied.
    pub fn from_bytes(bytes: Vec<u8>) -> Delta {
        Delta(bytes)
    }

    /// The bytes to send.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes to send.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub(crate) fn parse(&self) -> Result<Parts, StateError> {
        let mut decoder = Decoder::new(&self.0);
        let layout = decoder.byte("layout")?;
        if layout != LAYOUT_VERSION {
            return Err(StateError::Layout(layout));
        }
        let mut tables = DecodeTables::default();
        let mode = decoder.byte("mode")?;
        let parts = if mode == Mode::Events as u8 {
            parse_events(&mut tables, &mut decoder)?
        } else if mode == Mode::Piece as u8 || mode == Mode::Closing as u8 {
            let floor = read_dots(&mut tables, &mut decoder, FLOOR_DOTS_MAX)?;
            let groups = parse_groups(&mut tables, &mut decoder)?;
            let closing = match mode == Mode::Closing as u8 {
                true => Some(parse_claims(&mut tables, &mut decoder)?),
                false => None,
            };
            Parts::Jump {
                floor,
                groups,
                closing,
            }
        } else {
            return decoder.refuse("mode");
        };
        decoder.end()?;
        Ok(parts)
    }
}

impl std::fmt::Debug for Delta {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Delta({} bytes)", self.0.len())
    }
}

impl Parts {
    /// Whether this is about who is remembered at all. Only there a lie can undo what was known:
    /// that writers are forgotten rests on what their peers confirmed.
    pub(crate) fn forget(&self) -> bool {
        let forgets = |record: &Unverified| *record.key() == RecordKey::Forgotten;
        match self {
            Parts::Events { events, .. } => events
                .iter()
                .filter_map(|event| event.record.as_ref())
                .any(forgets),
            Parts::Jump { groups, .. } => {
                groups.iter().flat_map(|group| &group.records).any(forgets)
            }
        }
    }
}

impl RawEvent {
    /// The event, if its record is what its writer sealed.
    pub(crate) fn verify(self, pool: Option<&Pool>) -> Result<Event, StateError> {
        let record = self.record.map(|record| record.verify(pool)).transpose()?;
        Ok(Event {
            dot: self.dot,
            record,
            kills: self.kills,
        })
    }
}

fn read_dots(
    tables: &mut DecodeTables,
    decoder: &mut Decoder<'_>,
    max: usize,
) -> Result<Vec<Dot>, StateError> {
    let count = decoder.count("dots")?;
    if count > max {
        return decoder.refuse("dots");
    }
    (0..count).map(|_| tables.dot(decoder)).collect()
}

fn parse_events(tables: &mut DecodeTables, decoder: &mut Decoder<'_>) -> Result<Parts, StateError> {
    let mut events = Vec::new();
    while decoder.flag("event mark")? {
        let dot = tables.dot(decoder)?;
        let record = match decoder.flag("record mark")? {
            true => Some(tables.record(dot, decoder)?),
            false => None,
        };
        let kills = read_dots(tables, decoder, KILLS_MAX)?.into_boxed_slice();
        if dot.version == 0 {
            return decoder.refuse("version");
        }
        events.push(RawEvent { dot, record, kills });
    }
    Ok(Parts::Events {
        events,
        more: decoder.flag("more")?,
    })
}

/// The next version above `previous`, which is written as the distance.
fn next_version(previous: u64, decoder: &mut Decoder<'_>) -> Result<u64, StateError> {
    match previous.checked_add(decoder.number("version")?) {
        Some(version) if version > previous => Ok(version),
        _ => decoder.refuse("version"),
    }
}

fn parse_groups(
    tables: &mut DecodeTables,
    decoder: &mut Decoder<'_>,
) -> Result<Vec<Group>, StateError> {
    let mut groups = Vec::new();
    while decoder.flag("group mark")? {
        let writer = tables.writer(decoder)?;
        let from = decoder.number("version")?;
        let mut last = from;
        let mut records = Vec::new();
        while decoder.flag("record mark")? {
            last = next_version(last, decoder)?;
            records.push(tables.record(Dot::new(writer, last), decoder)?);
        }
        let to = decoder.number("version")?;
        if to < last {
            return decoder.refuse("version");
        }
        groups.push(Group {
            writer,
            from,
            to,
            records,
        });
    }
    Ok(groups)
}

fn parse_claims(
    tables: &mut DecodeTables,
    decoder: &mut Decoder<'_>,
) -> Result<Vec<Claim>, StateError> {
    let count = decoder.count("claims")?;
    let mut claims = Vec::new();
    for _ in 0..count {
        let writer = tables.writer(decoder)?;
        let version = decoder.number("version")?;
        let mut last = 0;
        let mut alive = Vec::new();
        for _ in 0..decoder.count("versions")? {
            last = next_version(last, decoder)?;
            alive.push(last);
        }
        if last > version {
            return decoder.refuse("version");
        }
        claims.push(Claim {
            writer,
            version,
            alive,
        });
    }
    Ok(claims)
}

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

    pub(crate) fn floor(&mut self, floor: &[Dot]) {
        self.encoder.number(floor.len() as u64);
        floor
            .iter()
            .for_each(|dot| self.tables.dot(*dot, &mut self.encoder));
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

/// A digest, as it travels: the vector, what is held beyond it, and what must be covered.
pub(crate) fn encode_vector(vector: &Vector, encoder: &mut Encoder) {
    encoder.number(vector.len() as u64);
    for (writer, version) in vector.iter() {
        encoder.fixed(writer.as_u64());
        encoder.number(version);
    }
}

pub(crate) fn decode_vector(decoder: &mut Decoder<'_>) -> Result<Vector, StateError> {
    let count = decoder.count("writers")?;
    let mut vector = Vector::default();
    let mut last = None;
    for _ in 0..count {
        let writer = WriterId::from_u64(decoder.fixed("writer")?);
        let version = decoder.number("version")?;
        // In order and none twice, so that reading is linear and each vector has one writing.
        if last.is_some_and(|last| last >= writer) || version == 0 {
            return decoder.refuse("writer");
        }
        last = Some(writer);
        vector.set(writer, version);
    }
    Ok(vector)
}
