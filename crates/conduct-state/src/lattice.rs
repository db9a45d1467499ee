//! The merge in its plainest words: slow, and so short that one can see that it is right. Tests
//! hold the laws against it, and debug builds hold each jump against it.
//!
//! A write is unknown, or its record is there, or gone, and can only move on along that line: so
//! states form a semilattice, whatever a hostile or broken peer makes up. Two different records
//! under one dot come from a broken writer; nobody can say which is true, so neither stands.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::{Dot, Record, Vector};

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Lattice {
    pub(crate) covered: Vector,
    pub(crate) live: BTreeMap<Dot, Arc<Record>>,
}

enum Point<'a> {
    Unknown,
    There(&'a Arc<Record>),
    Gone,
}

impl Lattice {
    fn at(&self, dot: Dot) -> Point<'_> {
        match self.live.get(&dot) {
            Some(record) => Point::There(record),
            None if self.covered.covers(dot) => Point::Gone,
            None => Point::Unknown,
        }
    }

    /// The least state that knows what both know.
    pub(crate) fn join(&self, other: &Lattice) -> Lattice {
        let dots: BTreeSet<Dot> = self.live.keys().chain(other.live.keys()).copied().collect();
        let mut joined = Lattice::default();
        for (writer, version) in self.covered.iter().chain(other.covered.iter()) {
            joined.covered.raise(writer, version);
        }
        for dot in dots {
            let there = match (self.at(dot), other.at(dot)) {
                (Point::There(one), Point::There(two)) => (one == two).then_some(one),
                (Point::There(one), Point::Unknown) | (Point::Unknown, Point::There(one)) => {
                    Some(one)
                }
                _ => None,
            };
            if let Some(record) = there {
                joined.live.insert(dot, Arc::clone(record));
            }
        }
        joined.without_void_wishes()
    }

    /// Drops wishes of which no load is left, and what was made against those.
    pub(crate) fn without_void_wishes(mut self) -> Lattice {
        loop {
            let gone = |dot: &Dot| matches!(self.at(*dot), Point::Gone);
            let void =
                |record: &Record| !record.against().is_empty() && record.against().iter().all(gone);
            let voids: Vec<Dot> = self
                .live
                .values()
                .filter(|r| void(r))
                .map(|r| r.dot())
                .collect();
            if voids.is_empty() {
                return self;
            }
            for dot in voids {
                self.live.remove(&dot);
            }
        }
    }

    /// Whether this state knows nothing that `other` does not.
    #[cfg(test)]
    pub(crate) fn is_within(&self, other: &Lattice) -> bool {
        other.covered.covers_all(&self.covered)
            && other.live.iter().all(|(dot, record)| match self.at(*dot) {
                Point::Unknown => true,
                Point::There(mine) => mine == record,
                Point::Gone => false,
            })
    }
}

#[cfg(test)]
mod tests;
