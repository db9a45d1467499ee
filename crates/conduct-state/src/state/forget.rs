//! Writers that nobody needs to remember.
//!
//! A vector has an entry for every folder that ever wrote, and would grow for ever. A writer of
//! which no record is left can be dropped once every member of the cluster knows all of its
//! writes and that none is left: then none of them can bring anything of it back. That is said by
//! a record of its own. While it is alive, the writers it names count as covered without limit;
//! its successor is written once every member knows it, and then nobody has an entry for them.
//!
//! The *floor* is what that successor took out. A node that does not know it was no member when
//! it was confirmed: it was removed, and its state is refused. Each such record takes out the ones
//! before it, so that who knows the last one's floor knows all.

use std::collections::BTreeSet;

use super::State;
use super::touch::Touch;
use crate::codec::{Decoder, Encoder};
use crate::delta::LAYOUT_VERSION;
use crate::{Dot, Draft, Rank, Record, RecordKey, StateError, WriterId, Written};

/// Most writers that are forgotten at a time.
pub const FORGOTTEN_WRITERS_MAX: usize = 256;
/// Most dots that a node must know so that it may take part.
const FLOOR_DOTS_MAX: usize = 64;

/// Where a state stands in the succession of records about forgotten writers.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(crate) struct Standing {
    /// The number of the last one.
    pub(crate) chapter: u64,
    /// What it took out: whoever takes part must know that.
    pub(crate) floor: Vec<Dot>,
}

/// What the live records about forgotten writers say.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(crate) struct Forgetting {
    sources: Vec<Dot>,
    writers: BTreeSet<WriterId>,
    standing: Standing,
}

/// What one of those records says.
struct Chapter {
    writers: Vec<WriterId>,
    standing: Standing,
}

impl Standing {
    pub(crate) fn encode(&self, encoder: &mut Encoder) {
        encoder.number(self.chapter);
        encoder.number(self.floor.len() as u64);
        for dot in &self.floor {
            encoder.fixed(dot.writer.as_u64());
            encoder.number(dot.version);
        }
    }

    pub(crate) fn decode(decoder: &mut Decoder<'_>) -> Result<Standing, StateError> {
        let chapter = decoder.version()?;
        let mut floor = Vec::new();
        let count = decoder.count("dots")?;
        if count > FLOOR_DOTS_MAX {
            return decoder.refuse("dots");
        }
        for _ in 0..count {
            let writer = WriterId::from_u64(decoder.fixed("writer")?);
            floor.push(Dot::new(writer, decoder.version()?));
        }
        Ok(Standing { chapter, floor })
    }

    fn add(&mut self, other: Standing) {
        if other.chapter > self.chapter {
            *self = other;
        } else if other.chapter == self.chapter {
            self.floor.extend(other.floor);
            self.floor.truncate(FLOOR_DOTS_MAX);
        }
    }

    /// Whether who stands here lacks what those must know who stand at `later`. Who is as far or
    /// further may have forgotten the writers that an earlier floor names.
    pub(crate) fn is_short_of(&self, later: &Standing, knows: impl Fn(Dot) -> bool) -> bool {
        later.chapter > self.chapter && !later.floor.iter().all(|dot| knows(*dot))
    }
}

impl Forgetting {
    /// Whether all writes of `writer` count as known.
    pub(crate) fn covers(&self, writer: WriterId) -> bool {
        !self.writers.is_empty() && self.writers.contains(&writer)
    }

    pub(crate) fn standing(&self) -> &Standing {
        &self.standing
    }

    #[cfg(debug_assertions)]
    pub(crate) fn is_idle(&self) -> bool {
        self.sources.is_empty()
    }
}

impl Chapter {
    fn encode(&self) -> Vec<u8> {
        let mut encoder = Encoder::default();
        encoder.byte(LAYOUT_VERSION);
        encoder.number(self.writers.len() as u64);
        self.writers
            .iter()
            .for_each(|writer| encoder.fixed(writer.as_u64()));
        self.standing.encode(&mut encoder);
        encoder.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Chapter, StateError> {
        let mut decoder = Decoder::new(bytes);
        let layout = decoder.byte("layout")?;
        if layout != LAYOUT_VERSION {
            return Err(StateError::Layout(layout));
        }
        let mut writers = Vec::new();
        for _ in 0..decoder.count("writers")? {
            writers.push(WriterId::from_u64(decoder.fixed("writer")?));
        }
        let standing = Standing::decode(&mut decoder)?;
        decoder.end()?;
        Ok(Chapter { writers, standing })
    }
}

impl State {
    /// Writers of others of which everything is known here and nothing is left. A node's first
    /// write is its report, so no writer of a member is among them.
    pub fn writers_with_nothing_left(&self) -> Vec<WriterId> {
        self.shown_vector()
            .filter(|(writer, _)| *writer != self.own.writer)
            .filter(|(writer, version)| self.store.of_writer(*writer, 0, *version).is_empty())
            .map(|(writer, _)| writer)
            .take(FORGOTTEN_WRITERS_MAX)
            .collect()
    }

    /// Writes that `writers` are forgotten. Only for who made sure that every member knows all
    /// that this node knows, and no write more of these: see [`Tidy`](crate::Tidy).
    pub(crate) fn forget(&mut self, writers: Vec<WriterId>) -> Result<Written, StateError> {
        let known: Vec<Dot> = self.about(&RecordKey::Forgotten).map(|r| r.dot()).collect();
        if known.len() > FLOOR_DOTS_MAX {
            return Err(StateError::Full {
                what: "records to replace",
                max: FLOOR_DOTS_MAX,
            });
        }
        let chapter = self.forgetting.standing.chapter.saturating_add(1);
        let standing = Standing {
            chapter,
            floor: known.clone(),
        };
        let said = Chapter { writers, standing }.encode();
        let draft = Draft::new(RecordKey::Forgotten, Rank::Counted(chapter, 0), said);
        self.commit(Some(draft), known)
    }

    /// Reads the live records about forgotten writers again, and drops those that they name.
    pub(super) fn refresh_forgetting(&mut self, touch: &mut Touch) {
        let shown = |record: &&std::sync::Arc<Record>| self.is_shown(record.dot());
        let about = self.store.about(&RecordKey::Forgotten).iter().filter(shown);
        let sources: Vec<Dot> = about.clone().map(|record| record.dot()).collect();
        if sources == self.forgetting.sources && !self.forgetting.covers(self.own.writer) {
            return;
        }
        let mut forgetting = Forgetting {
            sources,
            ..Forgetting::default()
        };
        for record in about {
            // What a newer version says in another way, its nodes act on alone.
            let Ok(chapter) = Chapter::decode(record.payload()) else {
                continue;
            };
            forgetting.writers.extend(chapter.writers);
            forgetting.standing.add(chapter.standing);
        }
        self.forgetting = forgetting;
        for writer in self.forgetting.writers.clone() {
            if writer == self.own.writer {
                touch.writer_forgotten = true;
            } else if self.vector.get(writer) > 0 {
                self.drop_writer(writer, touch);
            }
        }
    }

    fn drop_writer(&mut self, writer: WriterId, touch: &mut Touch) {
        let left = self.store.of_writer(writer, 0, u64::MAX);
        let left: BTreeSet<Dot> = left.iter().map(|record| record.dot()).collect();
        self.take_out(&left, touch);
        self.vector.set(writer, 0);
        touch.writer(writer);
        self.settle(left.into_iter().collect(), touch);
        self.ring.forget(|other| other == writer);
        self.fresh.forget(writer);
        self.early.retain(|dot, _| dot.writer != writer);
        self.held.records.retain(|dot, _| dot.writer != writer);
        self.held.upto.set(writer, 0);
    }
}
