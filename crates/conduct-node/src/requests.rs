//! The commands of the last day, by their ids: one that comes again has no second effect.

use std::collections::{BTreeMap, BTreeSet};

use conduct_model::{BundleId, RequestId, Span, Wall};
use conduct_state::Dot;
use serde::{Deserialize, Serialize};

use crate::command::ClientHandle;
use crate::restored::Fingerprint;

/// How long a request is remembered.
const REMEMBERED_SPAN: Span = Span::secs(24 * 3600);

/// So many requests are remembered; the oldest go first.
const REQUESTS_MAX: usize = 10_000;

/// What is on disk of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Remembered {
    /// When it came.
    pub(crate) at: Wall,
    /// What it asked: the same id for something else is a mistake of the client.
    pub(crate) asked: u64,
    /// The bundle that it is about.
    pub(crate) bundle: Option<BundleId>,
    /// The write that it led to. Whoever asks again is answered when that write is sure.
    pub(crate) dot: Dot,
}

/// A request of this life or an earlier one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Entry {
    pub(crate) remembered: Remembered,
    pub(crate) stage: Stage,
}

/// How far a request has come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    /// Its write is being made sure; these wait to hear of it.
    Confirming(Vec<ClientHandle>),
    /// Nobody is trying to make it sure: the last try ran out of time, or an earlier life began.
    Open,
    /// It is sure, on so many disks.
    Sure(u32),
}

/// The commands of the last day.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    entries: BTreeMap<RequestId, Entry>,
    by_age: BTreeSet<(Wall, RequestId)>,
}

impl Remembered {
    /// A fingerprint of a command, for telling the same from another.
    pub(crate) fn asked(command: &impl std::fmt::Debug) -> u64 {
        Fingerprint::of(format!("{command:?}").as_bytes()).0
    }
}

impl Requests {
    pub(crate) fn get(&self, id: &RequestId) -> Option<&Entry> {
        self.entries.get(id)
    }

    pub(crate) fn stage(&mut self, id: &RequestId) -> Option<&mut Stage> {
        self.entries.get_mut(id).map(|entry| &mut entry.stage)
    }

    /// Remembers a request. Answers with those that are forgotten for it, whose keys are to be
    /// removed from disk.
    pub(crate) fn insert(&mut self, id: RequestId, entry: Entry) -> Vec<RequestId> {
        let now = entry.remembered.at;
        self.by_age.insert((now, id));
        if let Some(before) = self.entries.insert(id, entry)
            && before.remembered.at != now
        {
            self.by_age.remove(&(before.remembered.at, id));
        }
        self.forget_old(now)
    }

    /// The write that a request led to was made anew: what is to be on disk for it now.
    pub(crate) fn moved(&mut self, id: &RequestId, dot: Dot) -> Option<Remembered> {
        let entry = self.entries.get_mut(id)?;
        entry.remembered.dot = dot;
        Some(entry.remembered)
    }

    /// Forgets a request that had no effect: it may be made again.
    pub(crate) fn remove(&mut self, id: &RequestId) {
        if let Some(entry) = self.entries.remove(id) {
            self.by_age.remove(&(entry.remembered.at, *id));
        }
    }

    /// The request that led to a write.
    pub(crate) fn of_dot(&self, dot: Dot) -> Option<RequestId> {
        let led = |(id, entry): (&RequestId, &Entry)| (entry.remembered.dot == dot).then_some(*id);
        self.entries.iter().find_map(led)
    }

    fn forget_old(&mut self, now: Wall) -> Vec<RequestId> {
        let mut forgotten = Vec::new();
        while let Some(&(at, id)) = self.by_age.first() {
            let age = now.as_millis().saturating_sub(at.as_millis());
            let old = age > REMEMBERED_SPAN.as_millis() || self.entries.len() > REQUESTS_MAX;
            let waited_for = matches!(
                self.entries.get(&id).map(|entry| &entry.stage),
                Some(Stage::Confirming(clients)) if !clients.is_empty()
            );
            if !old || waited_for {
                break;
            }
            self.by_age.pop_first();
            self.entries.remove(&id);
            forgotten.push(id);
        }
        forgotten
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conduct_state::WriterId;

    fn entry(at: u64) -> Entry {
        let remembered = Remembered {
            at: Wall::from_millis(at),
            asked: 7,
            bundle: None,
            dot: Dot::new(WriterId::from_u64(1), at),
        };
        Entry {
            remembered,
            stage: Stage::Open,
        }
    }

    fn id(n: u128) -> RequestId {
        RequestId::from_u128(n)
    }

    #[test]
    fn a_request_is_remembered_for_a_day() {
        let mut requests = Requests::default();
        assert!(requests.insert(id(1), entry(1_000)).is_empty());
        let day = REMEMBERED_SPAN.as_millis();
        assert!(requests.insert(id(2), entry(1_000 + day)).is_empty());
        assert_eq!(requests.insert(id(3), entry(1_001 + day)), [id(1)]);
        assert!(requests.get(&id(1)).is_none() && requests.get(&id(2)).is_some());
    }

    #[test]
    fn the_oldest_requests_go_when_there_are_too_many() {
        let mut requests = Requests::default();
        for n in 0..REQUESTS_MAX as u64 {
            assert!(requests.insert(id(u128::from(n)), entry(n)).is_empty());
        }
        assert_eq!(
            requests
                .insert(id(1 << 100), entry(REQUESTS_MAX as u64))
                .len(),
            1
        );
        assert!(requests.get(&id(0)).is_none());
    }
}
