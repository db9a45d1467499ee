//! Events of others: each is applied right behind its writer's last one, once all that it takes
//! out is known. So the state is a function of the vector alone, and no removal ever meets a
//! record that comes later.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::touch::{Applied, Touch};
use super::{EARLY_EVENTS_MAX, State};
use crate::delta::{Parts, RawEvent};
use crate::event::Event;
use crate::{Delta, Dot, RecordKey, StateError};

impl State {
    /// Takes in what a peer tells. Either all of it is taken in, or nothing.
    pub fn apply(&mut self, delta: &Delta) -> Result<Applied, StateError> {
        match delta.parse()? {
            Parts::Events { events, more } => {
                let mut applied = self.apply_raw_events(events)?;
                applied.more = more;
                Ok(applied)
            }
            Parts::Jump {
                standing,
                groups,
                closing,
            } => self.apply_jump(&standing, groups, closing),
        }
    }

    fn apply_raw_events(&mut self, events: Vec<RawEvent>) -> Result<Applied, StateError> {
        for event in &events {
            self.refuse_unknown_own(event.dot)?;
        }
        let news = events
            .into_iter()
            .filter(|event| !self.covers(event.dot))
            .map(|event| event.verify(self.pool.as_ref()).map(Arc::new))
            .collect::<Result<Vec<_>, _>>()?;
        #[cfg(debug_assertions)]
        let before = self.sampled_for_events(&news);
        let applied = self.apply_events(&news);
        #[cfg(debug_assertions)]
        if let Some(before) = before {
            self.compare_with_events_backwards(before, &news);
        }
        Ok(applied)
    }

    /// Nobody can know a write of ours that we do not: ours would be an older folder.
    pub(super) fn refuse_unknown_own(&self, dot: Dot) -> Result<(), StateError> {
        if self.is_shown(dot) {
            return Ok(());
        }
        Err(StateError::OwnWriterAhead {
            writer: self.own.writer,
            theirs: dot.version,
            ours: self.own.stored,
        })
    }

    pub(super) fn apply_events(&mut self, news: &[Arc<Event>]) -> Applied {
        let mut touch = Touch::default();
        let mut dropped = false;
        for event in news {
            if self.covers(event.dot) {
                continue;
            }
            if self.builds_on_what_is_known(event) {
                self.apply_event(event, &mut touch);
                self.apply_early(&mut touch);
            } else if self.early.len() < EARLY_EVENTS_MAX {
                self.early.insert(event.dot, Arc::clone(event));
            } else {
                dropped = true;
            }
        }
        let mut applied = self.finish(touch);
        applied.gap = dropped || news.iter().any(|event| self.early.contains_key(&event.dot));
        applied
    }

    fn builds_on_what_is_known(&self, event: &Event) -> bool {
        event.dot.version - 1 == self.vector.get(event.dot.writer)
            && event
                .kills
                .iter()
                .all(|kill| self.covers(*kill) && self.is_shown(*kill))
    }

    fn apply_event(&mut self, event: &Arc<Event>, touch: &mut Touch) {
        let dot = event.dot;
        let kills: BTreeSet<Dot> = event.kills.iter().copied().collect();
        self.take_out(&kills, touch);
        self.vector.set(dot.writer, dot.version);
        touch.writer(dot.writer);
        if let Some(record) = &event.record {
            self.add(Arc::clone(record), touch);
            self.settle_one(dot, touch);
        }
        let mut loads: Vec<Dot> = kills.into_iter().collect();
        loads.push(dot);
        self.settle(loads, touch);
        self.ring.push(Arc::clone(event));
        self.fresh.push(Arc::clone(event));
        self.refresh_forgetting(touch);
    }

    /// Applies the events that waited for what has come now.
    pub(super) fn apply_early(&mut self, touch: &mut Touch) {
        let mut ready: Vec<Arc<Event>> = Vec::new();
        loop {
            self.early.retain(|dot, _| {
                let forgotten = self.forgetting.covers(dot.writer);
                !forgotten && !self.vector.covers(*dot)
            });
            ready.extend(
                self.early
                    .values()
                    .find(|e| self.builds_on_what_is_known(e))
                    .cloned(),
            );
            let Some(event) = ready.pop() else { return };
            self.early.remove(&event.dot);
            self.apply_event(&event, touch);
        }
    }

    /// Whether one of `news` is about who is remembered at all.
    #[cfg(debug_assertions)]
    pub(super) fn forgets(news: &[Arc<Event>]) -> bool {
        news.iter().any(|e| {
            e.record
                .as_ref()
                .is_some_and(|r| *r.key() == RecordKey::Forgotten)
        })
    }
}
