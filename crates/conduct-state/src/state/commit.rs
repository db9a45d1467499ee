//! Own writes: seen here at once, told to others when they are on disk.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::restore::own_entry;
use super::touch::{Applied, Touch, Writes};
use super::{Forgetting, Own, RECORDS_MAX, State, Written};
use crate::event::{Event, KILLS_MAX};
use crate::{Dot, Draft, Rank, RecordKey, StateError, WriterId};

impl State {
    /// Writes a record that takes the place of all that is known here about its key.
    pub fn put(&mut self, draft: Draft) -> Result<Written, StateError> {
        self.refuse_outranked(&draft)?;
        let replaced = self.about(&draft.key).map(|record| record.dot()).collect();
        self.commit(Some(draft), replaced)
    }

    /// A count that has gone past cannot be written again; stamps may fall, when a peer showed
    /// that our clock was wrong.
    fn refuse_outranked(&self, draft: &Draft) -> Result<(), StateError> {
        let best = self.about(&draft.key).max_by_key(|record| record.rank());
        match best {
            Some(best) if matches!(draft.rank, Rank::Counted(..)) && best.rank() >= draft.rank => {
                Err(StateError::Outranked(best.dot()))
            }
            _ => Ok(()),
        }
    }

    /// Takes out all that is known here about `key`. It leaves nothing behind but the number of
    /// this write. None when there is nothing.
    pub fn remove(&mut self, key: &RecordKey) -> Result<Option<Written>, StateError> {
        let removed: Vec<Dot> = self.about(key).map(|record| record.dot()).collect();
        if removed.is_empty() {
            return Ok(None);
        }
        self.commit(None, removed).map(Some)
    }

    /// One write: `draft` comes, what is in `kills` goes.
    pub(super) fn commit(
        &mut self,
        draft: Option<Draft>,
        kills: Vec<Dot>,
    ) -> Result<Written, StateError> {
        if kills.len() > KILLS_MAX {
            return Err(StateError::Full {
                what: "records to replace",
                max: KILLS_MAX,
            });
        }
        if let Some(draft) = &draft {
            draft.check_size()?;
            if self.store.len() >= RECORDS_MAX {
                return Err(StateError::Full {
                    what: "records",
                    max: RECORDS_MAX,
                });
            }
        }
        let dot = Dot::new(self.own.writer, self.own.version + 1);
        let record = draft.map(|draft| self.sealed(draft, dot));
        let mut touch = Touch::default();
        for kill in &kills {
            self.hide(*kill, dot.version, &mut touch);
        }
        self.own.version = dot.version;
        self.vector.set(dot.writer, dot.version);
        touch.writer(dot.writer);
        if let Some(record) = &record {
            touch.clock = record.stamp().is_some();
            self.add(Arc::clone(record), &mut touch);
        }
        self.settle(kills.clone(), &mut touch);
        self.pending.push_back(Arc::new(Event {
            dot,
            record,
            kills: kills.into(),
        }));
        Ok(Written {
            dot,
            applied: self.finish(touch),
        })
    }

    /// The own writes up to `version` are on disk: others are told of them from now on.
    pub fn stored(&mut self, version: u64) -> Applied {
        let before = self.own.stored;
        self.own.stored = version.clamp(before, self.own.version);
        let mut touch = Touch::default();
        for record in self
            .store
            .of_writer(self.own.writer, before, self.own.stored)
        {
            self.sums.shown = self.sums.shown.wrapping_add(record.fingerprint());
        }
        let gone: BTreeSet<Dot> = self
            .hidden
            .iter()
            .filter(|(_, since)| **since <= self.own.stored)
            .map(|(dot, _)| *dot)
            .collect();
        self.take_out_unseen(&gone);
        while self
            .pending
            .front()
            .is_some_and(|event| event.dot.version <= self.own.stored)
        {
            if let Some(event) = self.pending.pop_front() {
                self.ring.push(Arc::clone(&event));
                self.fresh.push(event);
            }
        }
        self.refresh_forgetting(&mut touch);
        self.finish(touch)
    }

    /// What this node did not see any more, others do not either from now on.
    fn take_out_unseen(&mut self, dots: &BTreeSet<Dot>) {
        for dot in dots {
            self.hidden.remove(dot);
            if let Some(record) = self.store.get(*dot) {
                self.sums.shown = self.sums.shown.wrapping_sub(record.fingerprint());
            }
        }
        self.store.remove_all(dots);
    }

    /// The disk refused: all own writes that are not stored are undone, as if they had never
    /// been. Nobody was told of them.
    pub fn abandon(&mut self) -> Applied {
        let mut touch = Touch::default();
        if self.pending.is_empty() {
            return Applied::default();
        }
        self.pending.clear();
        let written: BTreeSet<Dot> = self
            .store
            .of_writer(self.own.writer, self.own.stored, self.own.version)
            .iter()
            .map(|record| record.dot())
            .collect();
        self.unhide_all(&mut touch);
        self.take_out(&written, &mut touch);
        self.own.version = self.own.stored;
        self.vector.set(self.own.writer, self.own.stored);
        touch.writer(self.own.writer);
        self.finish(touch)
    }

    /// Goes on as another writer, drawn at random: before the first write in a folder that is
    /// new, was repaired, or is older than peers remember.
    pub fn renew_writer(&mut self, writer: WriterId) -> Result<Writes, StateError> {
        if !self.pending.is_empty() {
            return Err(StateError::Unstored(self.own.stored + 1));
        }
        let version = self.vector.get(writer);
        self.own = Own {
            writer,
            version,
            stored: version,
        };
        let mut touch = Touch::default();
        // The old writer is one of the others now, and may itself be among the forgotten.
        self.forgetting = Forgetting::default();
        self.refresh_forgetting(&mut touch);
        let mut writes = self.finish(touch).writes;
        writes.push(own_entry(writer));
        Ok(writes)
    }
}
