//! What a step changed, gathered while it happens: for the node's readers, its clients, its disk.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::State;
use super::restore::{clock_entry, seal_entry, vector_entry};
use crate::{Dot, Kind, Record, RecordKey, WriterId};

/// Keys with the values to store under them, or none to delete them. One transaction.
pub type Writes = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// What a step did to what is known.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Applied {
    /// The subjects on which another record is read now, in the order of their keys; a bundle
    /// also when only the number of its loads changed.
    pub changes: Vec<Change>,
    /// Wishes of this node's clients that do not count any more.
    pub lost: Vec<Lost>,
    /// What to write to disk, in one transaction.
    pub writes: Writes,
    /// Something that this builds on is missing: exchange digests with the sender.
    pub gap: bool,
    /// The sender has more: send it a new digest at once.
    pub more: bool,
    /// The writer of this folder was forgotten, since its node had no report alive. It must draw
    /// a new one and write its report anew.
    pub writer_forgotten: bool,
}

/// Another record is read about `key`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// The subject.
    pub key: RecordKey,
    /// What was read.
    pub before: Option<Arc<Record>>,
    /// What is read now.
    pub after: Option<Arc<Record>>,
}

/// A wish that was made through this node and does not count any more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lost {
    /// The wish.
    pub record: Arc<Record>,
    /// To what.
    pub to: LostTo,
}

/// What took a wish's effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LostTo {
    /// A wish with a later stamp that did not know it.
    Race(Dot),
    /// All loads that it was made against were unloaded.
    Unload,
}

#[derive(Default)]
pub(super) struct Touch {
    before: BTreeMap<RecordKey, Option<Arc<Record>>>,
    dots: BTreeSet<Dot>,
    writers: BTreeSet<WriterId>,
    lost: Vec<Lost>,
    pub(super) clock: bool,
    pub(super) writer_forgotten: bool,
}

impl Touch {
    pub(super) fn writer(&mut self, writer: WriterId) {
        self.writers.insert(writer);
    }
}

impl State {
    fn touch_key(&self, touch: &mut Touch, key: &RecordKey) {
        if !touch.before.contains_key(key) {
            touch.before.insert(key.clone(), self.get(key).cloned());
        }
    }

    /// Notes what is read before `record` comes, goes or is hidden. Whether a wish counts depends
    /// on the loads that it was made against, so those of a load are touched with it.
    fn touch_record(&self, touch: &mut Touch, record: &Record) {
        touch.dots.insert(record.dot());
        self.touch_key(touch, record.key());
        for wish in self.store.made_against(record.dot()) {
            if let Some(wish) = self.store.get(wish) {
                self.touch_key(touch, wish.key());
            }
        }
    }

    /// Takes a record into the store.
    pub(super) fn add(&mut self, record: Arc<Record>, touch: &mut Touch) {
        self.add_all(vec![record], touch);
    }

    /// Takes records into the store that are not in it.
    pub(super) fn add_all(&mut self, records: Vec<Arc<Record>>, touch: &mut Touch) {
        for record in &records {
            self.touch_record(touch, record);
        }
        for record in &records {
            let fingerprint = record.fingerprint();
            self.sums.visible = self.sums.visible.wrapping_add(fingerprint);
            if self.is_shown(record.dot()) {
                self.sums.shown = self.sums.shown.wrapping_add(fingerprint);
            }
        }
        self.store.insert_all(records);
    }

    /// Takes records out of the store.
    pub(super) fn take_out(&mut self, dots: &BTreeSet<Dot>, touch: &mut Touch) {
        let records: Vec<Arc<Record>> = dots
            .iter()
            .filter_map(|dot| self.store.get(*dot).cloned())
            .collect();
        for record in &records {
            self.touch_record(touch, record);
        }
        for record in records {
            let (dot, fingerprint) = (record.dot(), record.fingerprint());
            if self.hidden.remove(&dot).is_none() {
                self.sums.visible = self.sums.visible.wrapping_sub(fingerprint);
            }
            if self.is_shown(dot) {
                self.sums.shown = self.sums.shown.wrapping_sub(fingerprint);
            }
        }
        self.store.remove_all(dots);
    }

    /// Takes a record out of this node's own sight, since its own write `since` took it out.
    /// Whether that was news.
    pub(super) fn hide(&mut self, dot: Dot, since: u64, touch: &mut Touch) -> bool {
        let Some(record) = self.store.get(dot).cloned() else {
            return false;
        };
        match self.hidden.get_mut(&dot) {
            Some(earlier) if *earlier <= since => false,
            Some(later) => {
                *later = since;
                true
            }
            None => {
                self.touch_record(touch, &record);
                self.sums.visible = self.sums.visible.wrapping_sub(record.fingerprint());
                self.hidden.insert(dot, since);
                true
            }
        }
    }

    /// Brings back into sight what own writes had taken out that are given up.
    pub(super) fn unhide_all(&mut self, touch: &mut Touch) {
        let hidden: Vec<Arc<Record>> = self
            .hidden
            .keys()
            .filter_map(|dot| self.store.get(*dot).cloned())
            .collect();
        for record in &hidden {
            self.touch_record(touch, record);
        }
        for record in hidden {
            self.sums.visible = self.sums.visible.wrapping_add(record.fingerprint());
        }
        self.hidden.clear();
    }

    /// Notes that the wish `dot` is about to lose its effect because its loads are gone.
    pub(super) fn lose_to_unload(&self, dot: Dot, touch: &mut Touch) {
        if !self.is_visible(dot) {
            return;
        }
        if let Some(record) = self.store.get(dot)
            && record.stamp().is_some_and(|stamp| stamp.node == self.me)
        {
            touch.lost.push(Lost {
                record: Arc::clone(record),
                to: LostTo::Unload,
            });
        }
    }

    /// Sums up a step.
    pub(super) fn finish(&mut self, touch: Touch) -> Applied {
        let mut applied = Applied {
            lost: touch.lost,
            writer_forgotten: touch.writer_forgotten,
            ..Applied::default()
        };
        for (key, before) in touch.before {
            let after = self.get(&key).cloned();
            let change = Change { key, before, after };
            if change.before != change.after || change.key.kind() == Kind::BUNDLE {
                self.losers_of_a_race(&change, &mut applied.lost);
                applied.changes.push(change);
            }
        }
        if touch.dots.is_empty() && touch.writers.is_empty() && !touch.clock {
            return applied;
        }
        for dot in touch.dots {
            let visible = self.store.get(dot).filter(|_| self.is_visible(dot));
            applied.writes.push((
                super::restore::record_key(dot),
                visible.map(|record| record.encode()),
            ));
        }
        for writer in touch.writers {
            applied
                .writes
                .push(vector_entry(writer, self.vector.get(writer)));
        }
        if touch.clock {
            applied.writes.push(clock_entry(self.clock.last()));
        }
        applied
            .writes
            .push(seal_entry(self.sums.visible, self.vector.hash()));
        applied
    }

    /// Who asked for something, was told that it will be so, and now is not obeyed because of
    /// someone who did not know of it.
    fn losers_of_a_race(&self, change: &Change, lost: &mut Vec<Lost>) {
        let (Some(before), Some(after)) = (&change.before, &change.after) else {
            return;
        };
        let (Some(stamp), true) = (before.stamp(), before.dot() != after.dot()) else {
            return;
        };
        let race = LostTo::Race(after.dot());
        let mine = |record: &Record| record.stamp().is_some_and(|stamp| stamp.node == self.me);
        let wish = matches!(
            change.key,
            RecordKey::WishScale(_) | RecordKey::WishPolicy(_)
        );
        // What the winner had seen it took out; what still stands it had not seen.
        if wish && mine(before) && self.alive(before.dot()) {
            lost.push(Lost {
                record: Arc::clone(before),
                to: race,
            });
        }
        if let RecordKey::WishScale(bundle) = change.key {
            for offset in self.offsets(bundle) {
                if mine(offset) && offset.generation() == Some(stamp) {
                    lost.push(Lost {
                        record: Arc::clone(offset),
                        to: race,
                    });
                }
            }
        }
    }
}
