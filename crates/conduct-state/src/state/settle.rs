//! A wish is void once every load that it was made against is gone. That is decided from the
//! headers alone, the same everywhere, and can never be undone, since a load that is gone does not
//! come back: so dropping void wishes keeps the merge a merge.

use std::collections::BTreeSet;

use super::State;
use super::touch::Touch;
use crate::{Dot, Record};

enum Fate {
    Stands,
    /// For everyone.
    Void,
    /// For this node, since its own write of this version, which is not stored yet.
    VoidSince(u64),
}

enum Life {
    /// Not known yet: it may come.
    Unknown,
    Alive,
    Gone,
    GoneSince(u64),
}

impl State {
    /// Whether the record `dot` is there for this node.
    pub(super) fn alive(&self, dot: Dot) -> bool {
        self.store.contains(dot) && self.is_visible(dot)
    }

    fn life(&self, dot: Dot) -> Life {
        if !self.covers(dot) {
            return Life::Unknown;
        }
        if let Some(since) = self.hidden.get(&dot) {
            return Life::GoneSince(*since);
        }
        if self.store.contains(dot) {
            Life::Alive
        } else if self.is_shown(dot) {
            Life::Gone
        } else {
            Life::GoneSince(dot.version)
        }
    }

    fn fate(&self, record: &Record) -> Fate {
        if record.against().is_empty() {
            return Fate::Stands;
        }
        let mut since = 0;
        for load in record.against() {
            match self.life(*load) {
                Life::Unknown | Life::Alive => return Fate::Stands,
                Life::Gone => {}
                Life::GoneSince(version) => since = since.max(version),
            }
        }
        if !self.is_shown(record.dot()) {
            since = since.max(record.dot().version);
        }
        if since == 0 {
            Fate::Void
        } else {
            Fate::VoidSince(since)
        }
    }

    /// Looks again at what was made against each of `loads`, of which each has gone or has become
    /// known, and at what was made against that in turn.
    pub(super) fn settle(&mut self, mut loads: Vec<Dot>, touch: &mut Touch) {
        while let Some(load) = loads.pop() {
            let wishes: Vec<Dot> = self.store.made_against(load).collect();
            for wish in wishes {
                if self.settle_one(wish, touch) {
                    loads.push(wish);
                }
            }
        }
    }

    /// Looks again at one record. Whether it went.
    pub(super) fn settle_one(&mut self, dot: Dot, touch: &mut Touch) -> bool {
        let Some(record) = self.store.get(dot) else {
            return false;
        };
        match self.fate(record) {
            Fate::Stands => false,
            Fate::Void => {
                self.lose_to_unload(dot, touch);
                self.take_out(&BTreeSet::from([dot]), touch);
                true
            }
            Fate::VoidSince(version) => {
                self.lose_to_unload(dot, touch);
                self.hide(dot, version, touch)
            }
        }
    }
}
