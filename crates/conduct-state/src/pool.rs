//! Many states in one process, one copy of each record.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::Record;

/// Lets the states of many nodes in one process share their records: a simulation of thousands of
/// nodes holds each record once. Sharing is all it does; no answer depends on it.
#[derive(Clone, Default, Debug)]
pub struct Pool(Arc<Mutex<Shelf>>);

#[derive(Default, Debug)]
struct Shelf {
    records: BTreeMap<u128, Weak<Record>>,
    sweep_at: usize,
}

/// Below this many records the shelf is never swept.
const SWEEP_RECORDS_MIN: usize = 1024;

impl Pool {
    /// The record itself, or the equal one that is held somewhere already.
    pub(crate) fn share(&self, record: Record) -> Arc<Record> {
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fingerprint = record.fingerprint();
        if let Some(shared) = shelf.records.get(&fingerprint).and_then(Weak::upgrade) {
            return shared;
        }
        let shared = Arc::new(record);
        shelf.records.insert(fingerprint, Arc::downgrade(&shared));
        shelf.sweep_when_doubled();
        shared
    }
}

impl Shelf {
    fn sweep_when_doubled(&mut self) {
        if self.records.len() >= self.sweep_at.max(SWEEP_RECORDS_MIN) {
            self.records.retain(|_, record| record.strong_count() > 0);
            self.sweep_at = self.records.len() * 2;
        }
    }
}
