//! The logs of all origins, as far as this replica has them. Pure: no clock, disk or socket.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::stamp::{Origin, Stamp};

/// What one life of a process wrote as its `number`th.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry<E> {
    /// Who wrote it.
    pub origin: Origin,
    /// 1 for the first of its origin, then one more each.
    pub number: u64,
    /// Its time in [`Stamp`].
    pub time: u64,
    /// What happened.
    pub event: E,
}

/// How many entries of each origin are there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Vector(BTreeMap<Origin, u64>);

/// A prefix of the log of every origin.
#[derive(Clone, Debug)]
pub struct Log<E> {
    logs: BTreeMap<Origin, Vec<Entry<E>>>,
    time: u64,
}

impl<E> Entry<E> {
    /// Its place among all entries.
    pub fn stamp(&self) -> Stamp {
        Stamp {
            time: self.time,
            origin: self.origin,
            number: self.number,
        }
    }
}

impl Vector {
    /// How many entries of an origin.
    pub fn of(&self, origin: Origin) -> u64 {
        self.0.get(&origin).copied().unwrap_or(0)
    }

    /// Whether everything in `other` is in this one, too.
    pub fn covers(&self, other: &Vector) -> bool {
        other
            .0
            .iter()
            .all(|(origin, number)| self.of(*origin) >= *number)
    }

    /// How many entries in all.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }
}

impl<E> Default for Log<E> {
    fn default() -> Log<E> {
        Log {
            logs: BTreeMap::new(),
            time: 0,
        }
    }
}

impl<E: Clone> Log<E> {
    /// What is here.
    pub fn vector(&self) -> Vector {
        let length = |(origin, log): (&Origin, &Vec<Entry<E>>)| (*origin, log.len() as u64);
        Vector(self.logs.iter().map(length).collect())
    }

    /// The entry that `origin` would write now: later than everything that is here.
    pub fn next(&self, origin: Origin, now: u64, event: E) -> Entry<E> {
        Entry {
            origin,
            number: self.length(origin) + 1,
            time: now.max(self.time.saturating_add(1)),
            event,
        }
    }

    /// Those of `entries` that may be put in, in their order: each is the next one of its origin.
    /// What is here already, and what has a gap before it, is left out.
    pub fn fresh(&self, entries: impl IntoIterator<Item = Entry<E>>) -> Vec<Entry<E>> {
        let mut lengths = BTreeMap::<Origin, u64>::new();
        let is_next = |entry: &Entry<E>| {
            let length = lengths
                .entry(entry.origin)
                .or_insert_with(|| self.length(entry.origin));
            let is_next = entry.number == *length + 1;
            *length += u64::from(is_next);
            is_next
        };
        entries.into_iter().filter(is_next).collect()
    }

    /// Puts in what [`Log::fresh`] or [`Log::next`] gave.
    pub fn put(&mut self, entry: Entry<E>) {
        let log = self.logs.entry(entry.origin).or_default();
        assert_eq!(
            entry.number,
            log.len() as u64 + 1,
            "a log has no gap and no two entries of one number"
        );
        self.time = self.time.max(entry.time);
        log.push(entry);
    }

    /// What somebody with this vector lacks, at most so many, each origin from its first gap on.
    pub fn lacking(&self, theirs: &Vector, max: usize) -> Vec<Entry<E>> {
        let unseen = self.logs.iter().flat_map(|(origin, log)| {
            let seen = usize::try_from(theirs.of(*origin)).unwrap_or(usize::MAX);
            log.iter().skip(seen)
        });
        unseen.take(max).cloned().collect()
    }

    /// All entries, origin by origin.
    pub fn entries(&self) -> impl Iterator<Item = &Entry<E>> {
        self.logs.values().flatten()
    }

    fn length(&self, origin: Origin) -> u64 {
        self.logs.get(&origin).map_or(0, |log| log.len() as u64)
    }
}
