//! In debug builds some of the merges are done a second time, in another order or in another way,
//! and must come to the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::join::Jump;
use super::{EARLY_EVENTS_MAX, State};
use crate::Dot;
use crate::event::Event;
use crate::lattice::Lattice;

/// One of so many merges is done twice: a check on every one would cost a simulation its speed.
const MERGES_PER_CHECK: u32 = if cfg!(test) { 1 } else { 64 };
/// States beyond this are checked by tests only.
const CHECKED_RECORDS_MAX: usize = 2_000;

impl State {
    fn is_sampled(&mut self) -> bool {
        self.merges = self.merges.wrapping_add(1);
        self.merges.is_multiple_of(MERGES_PER_CHECK) && self.store.len() <= CHECKED_RECORDS_MAX
    }

    /// A copy to try the events on, if it is their turn.
    pub(super) fn sampled_for_events(&mut self, news: &[Arc<Event>]) -> Option<Box<State>> {
        if !self.is_sampled() {
            return None;
        }
        // A writer that says two things under one dot has no order in which it is right.
        let dots: BTreeSet<Dot> = news.iter().map(|event| event.dot).collect();
        let single = dots.len() == news.len() && !dots.iter().any(|d| self.early.contains_key(d));
        let room = self.early.len() + news.len() <= EARLY_EVENTS_MAX;
        (single && room && !State::forgets(news)).then(|| Box::new(self.clone()))
    }

    /// Events in reverse, and all of them twice, lead to the same state.
    pub(super) fn compare_with_events_backwards(
        &self,
        mut before: Box<State>,
        news: &[Arc<Event>],
    ) {
        let backwards: Vec<Arc<Event>> = news.iter().rev().chain(news).cloned().collect();
        let _ = before.apply_events(&backwards);
        assert_eq!(
            before.summary(),
            self.summary(),
            "the order of events changed the outcome"
        );
        assert_eq!(
            before.sums, self.sums,
            "the order of events changed what is seen"
        );
    }

    /// What the plain merge says of the jump, if it is its turn.
    pub(super) fn sampled_for_jump(&mut self, jump: &Jump) -> Option<Lattice> {
        let plain = self.forgetting.is_idle() && self.early.is_empty();
        if !self.is_sampled() || !plain || jump.alive.len() > CHECKED_RECORDS_MAX {
            return None;
        }
        let here = self.lattice();
        let mut there = Lattice {
            covered: jump.covered.clone(),
            live: BTreeMap::new(),
        };
        for record in here.live.values().chain(&jump.arrivals) {
            if jump.alive.contains(&record.dot()) {
                there.live.insert(record.dot(), Arc::clone(record));
            }
        }
        Some(here.join(&there))
    }

    pub(super) fn compare_with_plain_merge(&self, expected: &Lattice) {
        if self.forgetting.is_idle() {
            assert_eq!(self.lattice(), *expected, "a jump landed beside the merge");
        }
    }
}
