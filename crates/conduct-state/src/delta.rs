//! What one node tells another so that it catches up, as bytes.
//!
//! Either single events, in an order in which they can be applied one by one; or, for a node that
//! is further behind than the events that are still remembered, a *jump*: records, and at its end
//! what else is alive. Records of a jump are only held by the receiver. It takes nothing as known
//! before the closing part has come, and then everything at once: a record that is missing from
//! one part may have been removed by a write that stands in a later one.

mod write;

pub(crate) use write::DeltaWriter;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::codec::Decoder;
use crate::event::{Event, KILLS_MAX};
use crate::record::VERSION_MAX;
use crate::state::Standing;
use crate::wire::{DecodeTables, Unverified};
use crate::{Dot, Hlc, Kind, Pool, RecordKey, StateError, WriterId};

/// How bytes are laid out; a node drops what carries another number.
pub(crate) const LAYOUT_VERSION: u8 = 1;

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
        standing: Standing,
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

    /// The latest stamp of a wish in it, for a node that is asked to confirm what it says and
    /// [refuses](Hlc::admit) what is too far ahead. Loads are not asked for theirs: it decides
    /// nothing between them.
    pub fn latest_stamp(&self) -> Result<Option<Hlc>, StateError> {
        let stamp = |record: &Unverified| match record.key().kind() {
            Kind::BUNDLE => None,
            _ => record.rank().stamp().map(|stamp| stamp.hlc),
        };
        Ok(match self.parse()? {
            Parts::Events { events, .. } => events
                .iter()
                .filter_map(|event| event.record.as_ref().and_then(stamp))
                .max(),
            Parts::Jump { groups, .. } => groups
                .iter()
                .flat_map(|group| &group.records)
                .filter_map(stamp)
                .max(),
        })
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
            let standing = Standing::decode(&mut decoder)?;
            let groups = parse_groups(&mut tables, &mut decoder)?;
            let closing = match mode == Mode::Closing as u8 {
                true => Some(parse_claims(&mut tables, &mut decoder)?),
                false => None,
            };
            Parts::Jump {
                standing,
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
    /// Whether taking it in twice is taking it in once, whoever made it up. It is not where a
    /// writer says two things under one dot, and where it is about who is remembered at all, which
    /// rests on what peers confirmed.
    pub(crate) fn can_be_repeated(&self) -> bool {
        let remembers = |record: &Unverified| *record.key() != RecordKey::Forgotten;
        match self {
            Parts::Events { events, .. } => {
                let dots: BTreeSet<Dot> = events.iter().map(|event| event.dot).collect();
                let mut records = events.iter().filter_map(|event| event.record.as_ref());
                dots.len() == events.len() && records.all(remembers)
            }
            Parts::Jump { groups, .. } => groups
                .iter()
                .flat_map(|group| &group.records)
                .all(remembers),
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
        let earlier = |kill: &Dot| kill.writer != dot.writer || kill.version < dot.version;
        if dot.version == 0 || !kills.iter().all(earlier) {
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
    let version = previous.saturating_add(decoder.version()?);
    match version > previous && version <= VERSION_MAX {
        true => Ok(version),
        false => decoder.refuse("version"),
    }
}

fn parse_groups(
    tables: &mut DecodeTables,
    decoder: &mut Decoder<'_>,
) -> Result<Vec<Group>, StateError> {
    let mut groups = Vec::new();
    while decoder.flag("group mark")? {
        let writer = tables.writer(decoder)?;
        let from = decoder.version()?;
        let mut last = from;
        let mut records = Vec::new();
        while decoder.flag("record mark")? {
            last = next_version(last, decoder)?;
            records.push(tables.record(Dot::new(writer, last), decoder)?);
        }
        let to = decoder.version()?;
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
        let version = decoder.version()?;
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
