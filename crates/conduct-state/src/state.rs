//! The state of one node: what it knows of everyone's writes.

mod apply;
mod commit;
mod exchange;
mod forget;
mod join;
mod office;
mod offset;
mod read;
mod restore;
mod settle;
mod touch;
mod wish;

#[cfg(debug_assertions)]
mod twice;

pub use exchange::{Comparison, Digest, Summary};
pub use forget::FORGOTTEN_WRITERS_MAX;
pub use offset::{OFFSET_REPEATED_WITHIN, OFFSETS_PER_BUNDLE_MAX, OFFSETS_UNFOLDED_MAX, Scale};
pub use restore::{Damage, Restored, Salvage};
pub use touch::{Applied, Change, Lost, LostTo, Writes};
pub use wish::LOADS_PER_BUNDLE_MAX;

pub(crate) use forget::{Forgetting, Standing};

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use conduct_model::NodeKey;

use crate::event::{Event, FreshQueue, Ring};
use crate::stamp::Clock;
use crate::store::Store;
use crate::{Dot, Draft, Hlc, Pool, Record, Vector, WriterId};

/// Most records that a node adds to; what others wrote is kept beyond it.
pub const RECORDS_MAX: usize = 200_000;
/// Most events that wait for an earlier one.
pub const EARLY_EVENTS_MAX: usize = 256;

/// Everything that the cluster agrees on, as one node knows it.
///
/// Own writes are there for the node itself at once, and for others when they are on its disk
/// ([`stored`](State::stored)). Each method that changes what is known says in [`Applied`] what
/// changed and what is to be written to disk, as one transaction.
#[derive(Clone)]
pub struct State {
    me: NodeKey,
    own: Own,
    /// All that is alive for others, and own records that are not stored yet.
    store: Store,
    vector: Vector,
    /// Records that an own write took out which is not stored yet: gone for this node, alive for
    /// what it tells. With the version of that write.
    hidden: BTreeMap<Dot, u64>,
    /// Own writes on their way to the disk.
    pending: VecDeque<Arc<Event>>,
    ring: Ring,
    fresh: FreshQueue,
    /// Events that came before what they build on.
    early: BTreeMap<Dot, Arc<Event>>,
    held: Held,
    forgetting: Forgetting,
    clock: Clock,
    pool: Option<Pool>,
    sums: Sums,
    #[cfg(debug_assertions)]
    merges: u32,
}

#[derive(Clone, Copy)]
struct Own {
    writer: WriterId,
    version: u64,
    stored: u64,
}

/// Sums of fingerprints: equal sets of records, equal sums.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
struct Sums {
    /// Of what others are told.
    shown: u128,
    /// Of what this node sees, and has on disk.
    visible: u128,
}

/// Parts of a jump that has not closed yet.
#[derive(Clone, Default)]
struct Held {
    records: BTreeMap<Dot, Arc<Record>>,
    /// Up to where the parts reach, for writers where that is beyond the vector.
    upto: Vector,
}

/// What an own write did here. Others may hear of it when it is stored.
#[derive(Clone, Debug)]
pub struct Written {
    /// The write's name. Its version is what [`State::stored`] wants.
    pub dot: Dot,
    /// What it changed.
    pub applied: Applied,
}

impl State {
    /// The state of a node that knows nothing yet, writing as `writer`, which was drawn for this
    /// folder and is on its disk with [`snapshot`](State::snapshot) before anything else.
    pub fn new(me: NodeKey, writer: WriterId) -> State {
        State {
            me,
            own: Own {
                writer,
                version: 0,
                stored: 0,
            },
            store: Store::default(),
            vector: Vector::default(),
            hidden: BTreeMap::new(),
            pending: VecDeque::new(),
            ring: Ring::default(),
            fresh: FreshQueue::default(),
            early: BTreeMap::new(),
            held: Held::default(),
            forgetting: Forgetting::default(),
            clock: Clock::default(),
            pool: None,
            sums: Sums::default(),
            #[cfg(debug_assertions)]
            merges: 0,
        }
    }

    /// Shares records with the other states of this process.
    pub fn share(&mut self, pool: Pool) {
        self.pool = Some(pool);
    }

    /// The node whose state this is.
    pub fn node(&self) -> NodeKey {
        self.me
    }

    /// The writer that this node's writes are counted under.
    pub fn writer(&self) -> WriterId {
        self.own.writer
    }

    /// The last own write.
    pub fn version(&self) -> u64 {
        self.own.version
    }

    /// The last own write that others are told.
    pub fn stored_version(&self) -> u64 {
        self.own.stored
    }

    /// The last stamp that this node gave.
    pub fn last_stamp(&self) -> Hlc {
        self.clock.last()
    }

    /// Whether the write `dot` is known here, be its record alive or not.
    pub fn covers(&self, dot: Dot) -> bool {
        self.forgetting.covers(dot.writer) || self.vector.covers(dot)
    }

    /// How many records are alive.
    pub fn len(&self) -> usize {
        self.store.len() - self.hidden.len()
    }

    /// Whether no record is alive.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether nothing of others is known, so that nothing old can come from here.
    fn is_clean(&self) -> bool {
        self.vector
            .iter()
            .all(|(writer, _)| writer == self.own.writer)
    }

    /// Whether others are told of this write.
    fn is_shown(&self, dot: Dot) -> bool {
        dot.writer != self.own.writer || dot.version <= self.own.stored
    }

    /// Whether the node itself sees the record, which is in the store.
    fn is_visible(&self, dot: Dot) -> bool {
        self.hidden.is_empty() || !self.hidden.contains_key(&dot)
    }

    /// The version up to which others are told of `writer`.
    fn shown_version(&self, writer: WriterId, version: u64) -> u64 {
        if writer == self.own.writer {
            self.own.stored
        } else {
            version
        }
    }

    /// The writers and versions that others are told of.
    fn shown_vector(&self) -> impl Iterator<Item = (WriterId, u64)> + '_ {
        self.vector
            .iter()
            .map(|(writer, version)| (writer, self.shown_version(writer, version)))
            .filter(|(_, version)| *version > 0)
    }

    fn sealed(&self, draft: Draft, dot: Dot) -> Arc<Record> {
        let record = draft.seal(dot);
        match &self.pool {
            Some(pool) => pool.share(record),
            None => Arc::new(record),
        }
    }

    /// What others are told, in the terms of the plain merge.
    #[cfg(any(test, debug_assertions))]
    pub(crate) fn lattice(&self) -> crate::lattice::Lattice {
        let shown = self
            .store
            .iter()
            .filter(|record| self.is_shown(record.dot()));
        crate::lattice::Lattice {
            covered: self.shown_vector().collect(),
            live: shown
                .map(|record| (record.dot(), Arc::clone(record)))
                .collect(),
        }
    }

    /// Panics if something does not hold that always must. For tests, fuzzing and simulation.
    pub fn audit(&self) {
        let mut sums = Sums::default();
        for record in self.store.iter() {
            let dot = record.dot();
            assert!(self.vector.covers(dot), "{dot} is alive and not covered");
            assert!(!self.forgetting.covers(dot.writer) || dot.writer == self.own.writer);
            if self.is_shown(dot) {
                sums.shown = sums.shown.wrapping_add(record.fingerprint());
            }
            if self.is_visible(dot) {
                sums.visible = sums.visible.wrapping_add(record.fingerprint());
            }
        }
        assert_eq!(sums, self.sums, "the hash went astray");
        assert_eq!(self.own.version, self.vector.get(self.own.writer));
        assert!(self.own.stored <= self.own.version);
        assert_eq!(
            self.pending.len() as u64,
            self.own.version - self.own.stored
        );
        assert!(self.hidden.keys().all(|dot| self.store.contains(*dot)));
        assert!(self.hidden.values().all(|since| *since > self.own.stored));
        assert!(self.early.len() <= EARLY_EVENTS_MAX);
        let keys = self.store.sorted_by_key();
        assert_eq!(keys.len(), self.store.len());
        assert!(
            keys.windows(2)
                .all(|w| (w[0].key(), w[0].dot()) < (w[1].key(), w[1].dot()))
        );
        let rehashed: Vector = self.vector.iter().collect();
        assert_eq!(rehashed.hash(), self.vector.hash());
    }
}

#[cfg(test)]
mod tests;
