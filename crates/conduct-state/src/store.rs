//! The dot store: every live record, found by its name, by its subject, and by the loads that it
//! was made against. Sorted vectors of shared records: eight bytes a record and index, since one
//! process may hold the states of thousands of nodes.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::{Dot, Record, RecordKey, WriterId};

/// From so many records on, sorting once is cheaper than making room for each.
const BULK_RECORDS_MIN: usize = 64;

#[derive(Clone, Default)]
pub(crate) struct Store {
    by_dot: Vec<Arc<Record>>,
    by_key: Vec<Arc<Record>>,
    /// (load, wish made against it).
    against: Vec<(Dot, Dot)>,
}

/// Makes room for one more without doubling: with thousands of states in one process, room that
/// nobody uses is most of the memory.
pub(crate) fn insert_tight<T>(items: &mut Vec<T>, at: usize, item: T) {
    if items.len() == items.capacity() {
        items.reserve_exact(items.len() / 8 + 4);
    }
    items.insert(at, item);
}

fn by_key(record: &Record) -> (&RecordKey, Dot) {
    (record.key(), record.dot())
}

impl Store {
    pub(crate) fn len(&self) -> usize {
        self.by_dot.len()
    }

    pub(crate) fn get(&self, dot: Dot) -> Option<&Arc<Record>> {
        self.find(dot).ok().map(|at| &self.by_dot[at])
    }

    pub(crate) fn contains(&self, dot: Dot) -> bool {
        self.find(dot).is_ok()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Record>> {
        self.by_dot.iter()
    }

    /// The records of `writer` with versions above `after` and up to `upto`.
    pub(crate) fn of_writer(&self, writer: WriterId, after: u64, upto: u64) -> &[Arc<Record>] {
        let start = self
            .by_dot
            .partition_point(|r| r.dot() <= Dot::new(writer, after));
        let rest = &self.by_dot[start..];
        &rest[..rest.partition_point(|r| r.dot() <= Dot::new(writer, upto))]
    }

    /// The records about `key`.
    pub(crate) fn about(&self, key: &RecordKey) -> &[Arc<Record>] {
        self.between(key, key)
    }

    /// The records about keys from `first` to `last`.
    pub(crate) fn between(&self, first: &RecordKey, last: &RecordKey) -> &[Arc<Record>] {
        let start = self.by_key.partition_point(|r| r.key() < first);
        let rest = &self.by_key[start..];
        &rest[..rest.partition_point(|r| r.key() <= last)]
    }

    /// All records, those about one key together.
    pub(crate) fn sorted_by_key(&self) -> &[Arc<Record>] {
        &self.by_key
    }

    /// The names of what was made against `load`.
    pub(crate) fn made_against(&self, load: Dot) -> impl Iterator<Item = Dot> + '_ {
        let start = self.against.partition_point(|pair| pair.0 < load);
        self.against[start..]
            .iter()
            .take_while(move |pair| pair.0 == load)
            .map(|pair| pair.1)
    }

    /// Every load that something was made against, once.
    pub(crate) fn loads_wished_for(&self) -> Vec<Dot> {
        let mut loads: Vec<Dot> = self.against.iter().map(|pair| pair.0).collect();
        loads.dedup();
        loads
    }

    fn insert(&mut self, record: &Arc<Record>) {
        if let Err(at) = self.find(record.dot()) {
            insert_tight(&mut self.by_dot, at, Arc::clone(record));
        }
        if let Err(at) = self
            .by_key
            .binary_search_by(|r| by_key(r).cmp(&by_key(record)))
        {
            insert_tight(&mut self.by_key, at, Arc::clone(record));
        }
        for load in record.against() {
            let pair = (*load, record.dot());
            if let Err(at) = self.against.binary_search(&pair) {
                insert_tight(&mut self.against, at, pair);
            }
        }
    }

    /// Takes in many records at once, none of which is there yet.
    pub(crate) fn insert_all(&mut self, records: Vec<Arc<Record>>) {
        if records.len() < BULK_RECORDS_MIN {
            records.iter().for_each(|record| self.insert(record));
            return;
        }
        for record in &records {
            self.against
                .extend(record.against().iter().map(|load| (*load, record.dot())));
        }
        self.against.sort();
        self.against.dedup();
        self.by_key.extend(records.iter().cloned());
        self.by_key.sort_by(|a, b| by_key(a).cmp(&by_key(b)));
        self.by_dot.extend(records);
        self.by_dot.sort_by_key(|record| record.dot());
    }

    pub(crate) fn remove(&mut self, dot: Dot) -> Option<Arc<Record>> {
        let record = self.by_dot.remove(self.find(dot).ok()?);
        if let Ok(at) = self
            .by_key
            .binary_search_by(|r| by_key(r).cmp(&by_key(&record)))
        {
            self.by_key.remove(at);
        }
        for load in record.against() {
            if let Ok(at) = self.against.binary_search(&(*load, dot)) {
                self.against.remove(at);
            }
        }
        Some(record)
    }

    /// Takes out many records at once.
    pub(crate) fn remove_all(&mut self, dots: &BTreeSet<Dot>) {
        if dots.len() < BULK_RECORDS_MIN {
            for dot in dots {
                self.remove(*dot);
            }
            return;
        }
        self.by_dot.retain(|record| !dots.contains(&record.dot()));
        self.by_key.retain(|record| !dots.contains(&record.dot()));
        self.against.retain(|pair| !dots.contains(&pair.1));
    }

    fn find(&self, dot: Dot) -> Result<usize, usize> {
        self.by_dot
            .binary_search_by_key(&dot, |record| record.dot())
    }
}
