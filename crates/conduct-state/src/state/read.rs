//! What is read: of the records about one key, the one with the highest rank that counts.

use std::sync::Arc;

use super::State;
use crate::leaf::latest;
use crate::{Dot, Kind, Record, RecordKey};

impl State {
    /// What counts about `key`.
    pub fn get(&self, key: &RecordKey) -> Option<&Arc<Record>> {
        match self.store.about(key) {
            [] => None,
            [one] => Some(one).filter(|record| self.counts(record)),
            several => latest(several.iter().filter(|record| self.counts(record))),
        }
    }

    /// All records about `key` that are alive: several where nodes wrote without knowing of each
    /// other, and one for each load of a bundle.
    pub fn about(&self, key: &RecordKey) -> impl Iterator<Item = &Arc<Record>> {
        self.store
            .about(key)
            .iter()
            .filter(|record| self.is_visible(record.dot()))
    }

    /// What counts about each key of `kind`, in the order of the keys.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Arc<Record>> {
        let all = self.store.sorted_by_key();
        let start = all.partition_point(|record| record.key().kind() < kind);
        let end = all.partition_point(|record| record.key().kind() <= kind);
        all[start..end]
            .chunk_by(|a, b| a.key() == b.key())
            .filter_map(|several| latest(several.iter().filter(|record| self.counts(record))))
    }

    /// Every record that is alive, those about one key together.
    pub fn records(&self) -> impl Iterator<Item = &Arc<Record>> {
        self.store
            .sorted_by_key()
            .iter()
            .filter(|record| self.is_visible(record.dot()))
    }

    /// What counts about each key of which any record is alive.
    pub fn readings(&self) -> Vec<(RecordKey, Option<Arc<Record>>)> {
        let mut readings: Vec<(RecordKey, Option<Arc<Record>>)> = Vec::new();
        for record in self.records() {
            if readings.last().map(|(key, _)| key) != Some(record.key()) {
                let key = record.key().clone();
                let reading = self.get(&key).cloned();
                readings.push((key, reading));
            }
        }
        readings
    }

    /// The record `dot`, if it is alive.
    pub fn record(&self, dot: Dot) -> Option<&Arc<Record>> {
        self.store.get(dot).filter(|_| self.is_visible(dot))
    }

    /// Whether a record has its effect: it is alive, and so is a load that it was made against. A
    /// wish may be known before its load is.
    pub(super) fn counts(&self, record: &Record) -> bool {
        self.is_visible(record.dot())
            && (record.against().is_empty() || record.against().iter().any(|dot| self.alive(*dot)))
    }
}
