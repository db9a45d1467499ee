//! The event heap. What is due at the same moment happens in the order in which it was planned,
//! so that a run is a function of its seed alone.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::Moment;

/// Everything that is yet to happen.
#[derive(Debug)]
pub struct Schedule<E> {
    heap: BinaryHeap<Due>,
    events: Vec<Option<E>>,
    free: Vec<u32>,
    planned: u64,
}

/// A place in the heap; the event itself stays where it is, so that sifting moves 24 bytes.
#[derive(Debug, PartialEq, Eq)]
struct Due {
    at: Moment,
    order: u64,
    slot: u32,
}

impl Ord for Due {
    /// Earliest first out of a heap that hands out its greatest.
    fn cmp(&self, other: &Due) -> Ordering {
        (other.at, other.order).cmp(&(self.at, self.order))
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Due) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Default for Schedule<E> {
    fn default() -> Schedule<E> {
        Schedule {
            heap: BinaryHeap::new(),
            events: Vec::new(),
            free: Vec::new(),
            planned: 0,
        }
    }
}

impl<E> Schedule<E> {
    /// Plans `event` for the moment `at`.
    pub fn plan(&mut self, at: Moment, event: E) {
        let slot = match self.free.pop() {
            Some(slot) => {
                self.events[slot as usize] = Some(event);
                slot
            }
            None => {
                self.events.push(Some(event));
                (self.events.len() - 1) as u32
            }
        };
        self.heap.push(Due {
            at,
            order: self.planned,
            slot,
        });
        self.planned += 1;
    }

    /// When the next event is due.
    pub fn next_at(&self) -> Option<Moment> {
        self.heap.peek().map(|due| due.at)
    }

    /// Takes the next event out, with its moment.
    pub fn take_next(&mut self) -> Option<(Moment, E)> {
        let due = self.heap.pop()?;
        self.free.push(due.slot);
        self.events[due.slot as usize]
            .take()
            .map(|event| (due.at, event))
    }

    /// How many events wait.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::millis;

    #[test]
    fn what_is_due_together_happens_in_the_order_in_which_it_was_planned() {
        let mut schedule = Schedule::default();
        for (at, name) in [(5, "c"), (1, "a"), (5, "d"), (3, "b"), (5, "e")] {
            schedule.plan(millis(at), name);
        }
        let mut seen = String::new();
        while let Some((_, name)) = schedule.take_next() {
            seen.push_str(name);
        }
        assert_eq!(seen, "abcde");
        assert!(schedule.is_empty());
    }

    #[test]
    fn places_are_used_again() {
        let mut schedule = Schedule::default();
        for round in 0..1_000 {
            schedule.plan(millis(round), round);
            assert_eq!(schedule.take_next(), Some((millis(round), round)));
        }
        assert_eq!(schedule.events.len(), 1);
    }
}
