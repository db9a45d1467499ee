//! Writes on their way to the disk, and what must not happen before they are there.
//!
//! Nobody waits for a disk. A step that writes something gives it a number and goes on; whatever
//! tells others about it is *held* under that number until the disk has it. A disk that stalls
//! delays what is held and nothing else.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use conduct_model::{Span, Time};

use crate::effect::{Effect, Write};
use crate::input::StoreFailure;

/// So many writes may be on their way at once; what comes on top is put together in one.
const IN_FLIGHT_WRITES_MAX: usize = 32;

/// How long after a failure the writes are tried again.
const RETRY_SPAN: Span = Span::secs(1);

/// The writes of one node, and what waits for them.
pub(crate) struct Disk<H> {
    /// The number that the next write gets.
    next: u64,
    /// Not handed over yet; a later value of a key takes the place of an earlier one.
    batch: BTreeMap<Bytes, Option<Bytes>>,
    /// What waits for the batch.
    batch_held: Vec<H>,
    in_flight: VecDeque<InFlight<H>>,
    health: Health,
}

struct InFlight<H> {
    n: u64,
    writes: Vec<Write>,
    held: Vec<H>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Health {
    Good,
    /// Nothing is handed over until then.
    Failing {
        why: StoreFailure,
        retry_at: Time,
    },
    /// Everything was handed over once more; the first that is stored ends the failure.
    Retrying {
        why: StoreFailure,
    },
}

/// News of the disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum DiskNews {
    Failing,
    Recovered,
}

impl<H> Disk<H> {
    pub(crate) fn new() -> Disk<H> {
        Disk {
            next: 1,
            batch: BTreeMap::new(),
            batch_held: Vec::new(),
            in_flight: VecDeque::new(),
            health: Health::Good,
        }
    }

    /// Writes `value` under `key` with everything else of this step.
    pub(crate) fn write(&mut self, key: Bytes, value: Option<Bytes>) {
        self.batch.insert(key, value);
    }

    /// Holds `what` until everything written so far, in this step too, is on disk.
    pub(crate) fn hold(&mut self, what: H) {
        self.batch_held.push(what);
    }

    /// Why the disk takes nothing, if so.
    pub(crate) fn failing(&self) -> Option<StoreFailure> {
        match self.health {
            Health::Good => None,
            Health::Failing { why, .. } | Health::Retrying { why } => Some(why),
        }
    }

    /// When to call [`Disk::flush`] even if nothing happens.
    pub(crate) fn due(&self) -> Option<Time> {
        match self.health {
            Health::Failing { retry_at, .. } => Some(retry_at),
            Health::Good | Health::Retrying { .. } => None,
        }
    }

    /// At the end of a step: hands over what was written, and answers with what was held for
    /// nothing that is still on its way.
    #[must_use]
    pub(crate) fn flush(&mut self, now: Time, effects: &mut Vec<Effect>) -> Vec<H> {
        match self.health {
            Health::Failing { retry_at, .. } if now < retry_at => return Vec::new(),
            Health::Failing { why, .. } => self.health = Health::Retrying { why },
            Health::Good | Health::Retrying { .. } => {}
        }
        if !self.batch.is_empty() {
            if self.in_flight.len() < IN_FLIGHT_WRITES_MAX {
                self.hand_over(effects);
            }
            return Vec::new();
        }
        match self.in_flight.back_mut() {
            None => std::mem::take(&mut self.batch_held),
            Some(last) => {
                last.held.append(&mut self.batch_held);
                Vec::new()
            }
        }
    }

    fn hand_over(&mut self, effects: &mut Vec<Effect>) {
        let n = self.next;
        self.next += 1;
        let writes: Vec<Write> = std::mem::take(&mut self.batch)
            .into_iter()
            .map(|(key, value)| Write { key, value })
            .collect();
        let held = std::mem::take(&mut self.batch_held);
        effects.push(Effect::Persist {
            n,
            writes: writes.clone(),
        });
        self.in_flight.push_back(InFlight { n, writes, held });
    }

    /// Everything up to `n` is on disk: answers with what was held for it, in order.
    #[must_use]
    pub(crate) fn stored(&mut self, n: u64) -> (Vec<H>, Option<DiskNews>) {
        let mut released = Vec::new();
        while self.in_flight.front().is_some_and(|write| write.n <= n) {
            released.extend(
                self.in_flight
                    .pop_front()
                    .into_iter()
                    .flat_map(|write| write.held),
            );
        }
        // Before it was tried again nothing was in flight any more, so this is of the new ones.
        let recovered = matches!(self.health, Health::Retrying { .. });
        if recovered {
            self.health = Health::Good;
        }
        (released, recovered.then_some(DiskNews::Recovered))
    }

    /// Nothing from `n` on may be relied on: all of it is written again, a little later.
    pub(crate) fn failed(&mut self, now: Time, n: u64, why: StoreFailure) -> Option<DiskNews> {
        let first = self.in_flight.iter().position(|write| write.n >= n)?;
        let mut again = BTreeMap::new();
        let mut held = Vec::new();
        for write in self.in_flight.drain(first..) {
            again.extend(
                write
                    .writes
                    .into_iter()
                    .map(|write| (write.key, write.value)),
            );
            held.extend(write.held);
        }
        again.append(&mut self.batch);
        held.append(&mut self.batch_held);
        self.batch = again;
        self.batch_held = held;
        let news = (self.health == Health::Good).then_some(DiskNews::Failing);
        self.health = Health::Failing {
            why,
            retry_at: now + RETRY_SPAN,
        };
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &'static str) -> Bytes {
        Bytes::from_static(name.as_bytes())
    }

    fn at(millis: u64) -> Time {
        Time::from_millis(millis)
    }

    fn persisted(effects: &mut Vec<Effect>) -> Vec<(u64, usize)> {
        let persist = |effect| match effect {
            Effect::Persist { n, writes } => Some((n, writes.len())),
            _ => None,
        };
        effects.drain(..).filter_map(persist).collect()
    }

    #[test]
    fn what_is_held_waits_for_everything_written_before_it() {
        let (mut disk, mut effects) = (Disk::new(), Vec::new());
        disk.write(key("a"), Some(key("1")));
        disk.hold("first");
        assert!(disk.flush(at(0), &mut effects).is_empty());
        disk.hold("second");
        assert!(disk.flush(at(1), &mut effects).is_empty());
        assert_eq!(persisted(&mut effects), [(1, 1)]);
        assert_eq!(disk.stored(1), (vec!["first", "second"], None));
        disk.hold("third");
        assert_eq!(disk.flush(at(2), &mut effects), ["third"]);
    }

    #[test]
    fn a_failed_write_is_made_again_with_what_came_since() {
        let (mut disk, mut effects) = (Disk::new(), Vec::new());
        for (name, held) in [("a", 1), ("b", 2)] {
            disk.write(key(name), Some(key("old")));
            disk.hold(held);
            assert!(disk.flush(at(0), &mut effects).is_empty());
        }
        assert_eq!(disk.stored(1).0, [1]);
        assert_eq!(
            disk.failed(at(5), 2, StoreFailure::NoSpace),
            Some(DiskNews::Failing)
        );
        disk.write(key("b"), Some(key("new")));
        disk.write(key("c"), None);
        disk.hold(3);
        assert!(disk.flush(at(6), &mut effects).is_empty());
        assert_eq!(persisted(&mut effects), [(1, 1), (2, 1)]);
        assert_eq!(disk.due(), Some(at(1_005)));
        assert!(disk.flush(at(1_005), &mut effects).is_empty());
        assert_eq!(persisted(&mut effects), [(3, 2)]);
        assert_eq!(disk.stored(3), (vec![2, 3], Some(DiskNews::Recovered)));
        assert_eq!(disk.failing(), None);
    }

    #[test]
    fn a_disk_that_stalls_is_not_handed_more_and_more() {
        let (mut disk, mut effects) = (Disk::<()>::new(), Vec::new());
        for _ in 0..IN_FLIGHT_WRITES_MAX + 50 {
            disk.write(key("a"), Some(key("1")));
            assert!(disk.flush(at(0), &mut effects).is_empty());
        }
        assert_eq!(persisted(&mut effects).len(), IN_FLIGHT_WRITES_MAX);
        assert!(disk.stored(1).0.is_empty());
        assert!(disk.flush(at(1), &mut effects).is_empty());
        assert_eq!(
            persisted(&mut effects),
            [(IN_FLIGHT_WRITES_MAX as u64 + 1, 1)]
        );
    }
}
