//! The row of entries.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use conduct_api::UniqueAddress;
use conduct_model::BundleId;
use conduct_node::event::Event;
use tokio::sync::watch;

use super::HostChange;
use crate::services::EventQuery;

/// Entries that can still be followed from.
pub(crate) const ENTRIES_MAX: usize = 4096;
/// Events that are kept of one bundle, however many others tell.
const BUNDLE_EVENTS_MAX: usize = 100;
/// Bundles of which events are kept; the one that was silent for longest is forgotten.
const BUNDLES_MAX: usize = 2048;

/// Something that followers are told.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Told {
    /// The brain told something.
    Event(Arc<Event>),
    /// A node that runs instances came, or went.
    Agent {
        /// Whether it came.
        added: bool,
        /// Which.
        node: UniqueAddress,
    },
    /// An instance of a service takes calls, or does not any more.
    Host(HostChange),
    /// So much happened at once that something is missing here.
    Gap,
}

/// A place in the row.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Entry {
    /// Rises by one with each entry.
    pub(crate) sequence: u64,
    /// What.
    pub(crate) told: Told,
}

/// The row.
#[derive(Debug)]
pub(crate) struct Feed {
    /// Tells this row from that of another node or of an earlier life.
    life: String,
    row: Mutex<Row>,
    newest: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Row {
    entries: VecDeque<Arc<Entry>>,
    /// The sequence of the next entry.
    next: u64,
    bundles: BTreeMap<BundleId, VecDeque<Arc<Event>>>,
}

/// What a follower reads at a time.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Batch {
    pub(crate) entries: Vec<Arc<Entry>>,
    /// Something that came before these is not here any more.
    pub(crate) is_gap: bool,
}

impl Feed {
    /// An empty row. `life` must be another for every node and every start of one.
    pub(crate) fn new(life: String) -> Feed {
        Feed {
            life,
            row: Mutex::default(),
            newest: watch::Sender::new(0),
        }
    }

    /// Adds to the row and wakes its followers.
    pub(crate) fn push(&self, told: Told) {
        let next = {
            let mut row = self.row();
            if let Told::Event(event) = &told {
                row.keep(event);
            }
            let sequence = row.next;
            row.entries.push_back(Arc::new(Entry { sequence, told }));
            if row.entries.len() > ENTRIES_MAX {
                row.entries.pop_front();
            }
            row.next += 1;
            row.next
        };
        self.newest.send_replace(next);
    }

    /// Changes whenever something was added.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    /// The place behind the newest entry.
    pub(crate) fn end(&self) -> u64 {
        self.row().next
    }

    /// Up to `max` entries from `from` on.
    pub(crate) fn read(&self, from: u64, max: usize) -> Batch {
        let row = self.row();
        let oldest = row.next - row.entries.len() as u64;
        let skip = from.saturating_sub(oldest) as usize;
        Batch {
            entries: row.entries.iter().skip(skip).take(max).cloned().collect(),
            is_gap: from < oldest,
        }
    }

    /// How clients name a place, to go on behind it.
    pub(crate) fn id(&self, sequence: u64) -> String {
        format!("{}-{sequence}", self.life)
    }

    /// The place behind the one that a client names; nothing if it is of another row, or if what
    /// came behind it is not all here any more.
    pub(crate) fn behind(&self, id: &str) -> Option<u64> {
        let (life, sequence) = id.rsplit_once('-')?;
        let from = sequence.parse::<u64>().ok()?.checked_add(1)?;
        let row = self.row();
        let oldest = row.next - row.entries.len() as u64;
        (life == self.life && (oldest..=row.next).contains(&from)).then_some(from)
    }

    /// The newest events that are asked for, oldest first.
    pub(crate) fn events(&self, query: &EventQuery) -> Vec<Arc<Event>> {
        let row = self.row();
        let in_time = |event: &&Arc<Event>| query.since.is_none_or(|since| event.at >= since);
        let mut found: Vec<Arc<Event>> = match &query.bundle {
            Some(bundle) => {
                let kept = row.bundles.get(bundle).into_iter().flatten().rev();
                kept.filter(in_time).take(query.count).cloned().collect()
            }
            None => {
                let events = row
                    .entries
                    .iter()
                    .rev()
                    .filter_map(|entry| match &entry.told {
                        Told::Event(event) => Some(event),
                        _ => None,
                    });
                events.filter(in_time).take(query.count).cloned().collect()
            }
        };
        found.reverse();
        found
    }

    fn row(&self) -> MutexGuard<'_, Row> {
        // A follower that panicked has changed nothing.
        self.row.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Row {
    /// Keeps an event with those of its bundle.
    fn keep(&mut self, event: &Arc<Event>) {
        let Some(bundle) = event.bundle else { return };
        let kept = self.bundles.entry(bundle).or_default();
        kept.push_back(Arc::clone(event));
        if kept.len() > BUNDLE_EVENTS_MAX {
            kept.pop_front();
        }
        if self.bundles.len() > BUNDLES_MAX {
            let newest = |events: &VecDeque<Arc<Event>>| events.back().map(|event| event.sequence);
            let silent = self.bundles.iter().min_by_key(|(_, events)| newest(events));
            if let Some(silent) = silent.map(|(bundle, _)| *bundle) {
                self.bundles.remove(&silent);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(entries: usize) -> Feed {
        let feed = Feed::new("1f".to_owned());
        for _ in 0..entries {
            feed.push(Told::Gap);
        }
        feed
    }

    #[test]
    fn a_follower_reads_each_entry_once_and_in_order() {
        let feed = filled(10);
        let batch = feed.read(0, 4);
        let sequences = |batch: &Batch| -> Vec<u64> {
            batch.entries.iter().map(|entry| entry.sequence).collect()
        };
        assert_eq!(sequences(&batch), [0, 1, 2, 3]);
        assert_eq!(sequences(&feed.read(8, 100)), [8, 9]);
        assert_eq!(feed.read(10, 100), Batch::default());
    }

    #[test]
    fn a_follower_that_fell_behind_the_row_is_told() {
        let feed = filled(ENTRIES_MAX + 10);
        assert!(feed.read(9, 1).is_gap);
        assert!(!feed.read(10, 1).is_gap);
        assert_eq!(feed.read(0, usize::MAX).entries.len(), ENTRIES_MAX);
    }

    #[test]
    fn only_a_place_of_this_row_can_be_gone_on_from() {
        let feed = filled(ENTRIES_MAX + 10);
        assert_eq!(feed.behind(&feed.id(20)), Some(21));
        let newest = feed.end() - 1;
        assert_eq!(feed.behind(&feed.id(newest)), Some(newest + 1));
        for id in [
            "",
            "1f",
            "1f-",
            "1f-x",
            "2f-20",
            "1f-3",
            "1f-99999",
            "1f-18446744073709551615",
        ] {
            assert_eq!(feed.behind(id), None, "{id}");
        }
    }
}
