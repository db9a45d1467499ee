//! What one write does, the last of such writes, and those that are still news.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::{Dot, Record, WriterId};

/// Most records that one write removes or replaces.
pub const KILLS_MAX: usize = 4096;
/// Of so many of the last writes, a state can still tell what they did one by one. In the unit
/// tests it is few, so that their short histories have jumps.
pub const RECENT_EVENTS_MAX: usize = if cfg!(test) { 8 } else { 512 };
/// Most writes that wait to be told to others; older news is left to the exchange of digests.
pub const FRESH_EVENTS_MAX: usize = 512;
/// How many times the logarithm of the cluster's size each piece of news is passed on.
const COPIES_PER_DIGIT: u32 = 4;

/// One write: at most one new record, and the records that it takes out. It can be applied where
/// the writer's earlier writes and all that it takes out are covered; then the state is the same
/// on every node that covers the same writes, whatever way they came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Event {
    pub(crate) dot: Dot,
    pub(crate) record: Option<Arc<Record>>,
    pub(crate) kills: Box<[Dot]>,
}

/// The last events, in the order in which they were applied here: any beginning of it that leaves
/// nothing out can be applied elsewhere.
#[derive(Clone, Default)]
pub(crate) struct Ring {
    events: VecDeque<Arc<Event>>,
    counts: BTreeMap<WriterId, u64>,
}

#[derive(Clone)]
struct News {
    event: Arc<Event>,
    told: u32,
}

/// Events that ride on the next gossip ticks.
#[derive(Clone, Default)]
pub(crate) struct FreshQueue {
    news: Vec<News>,
}

/// How often each node passes a piece of news on in a cluster of `nodes`: λ⌈log₁₀(N+1)⌉, and in a
/// small one somewhat more. There the logarithm leaves too much to chance: of eight nodes that tell
/// four others each, one is missed by one piece of news in a hundred.
pub fn copies_of_news(nodes: usize) -> u32 {
    let mut digits = 0;
    let mut reached = 1usize;
    while reached < nodes.saturating_add(1) {
        reached = reached.saturating_mul(10);
        digits += 1;
    }
    let peers = u32::try_from(nodes.saturating_sub(1)).unwrap_or(u32::MAX);
    let few = peers
        .saturating_mul(2)
        .clamp(COPIES_PER_DIGIT, 2 * COPIES_PER_DIGIT);
    (COPIES_PER_DIGIT * digits.max(1)).max(few)
}

impl Ring {
    pub(crate) fn push(&mut self, event: Arc<Event>) {
        if self.events.len() == RECENT_EVENTS_MAX
            && let Some(oldest) = self.events.pop_front()
            && let Some(count) = self.counts.get_mut(&oldest.dot.writer)
        {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&oldest.dot.writer);
            }
        }
        *self.counts.entry(event.dot.writer).or_default() += 1;
        self.events.push_back(event);
    }

    /// Whether the last `missing` writes of `writer` are all here.
    pub(crate) fn reaches(&self, writer: WriterId, missing: u64) -> bool {
        missing <= self.counts.get(&writer).copied().unwrap_or(0)
    }

    /// A writer whose versions were skipped: what is here of it no longer joins up.
    pub(crate) fn forget(&mut self, skipped: impl Fn(WriterId) -> bool) {
        self.events.retain(|event| !skipped(event.dot.writer));
        self.counts.retain(|writer, _| !skipped(*writer));
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Event>> {
        self.events.iter()
    }
}

impl FreshQueue {
    pub(crate) fn push(&mut self, event: Arc<Event>) {
        if self.news.len() == FRESH_EVENTS_MAX {
            self.drop_oldest_news();
        }
        self.news.push(News { event, told: 0 });
    }

    fn drop_oldest_news(&mut self) {
        let most = self.news.iter().map(|news| news.told).max().unwrap_or(0);
        if let Some(at) = self.news.iter().position(|news| news.told == most) {
            self.news.remove(at);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.news.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.news.is_empty()
    }

    pub(crate) fn forget(&mut self, writer: WriterId) {
        self.news.retain(|news| news.event.dot.writer != writer);
    }

    /// Offers events to `take`, the least told first and of those in the order in which they
    /// came, so that what depends on another comes after it. Those taken are told once more; what
    /// was told `copies` times is no news.
    pub(crate) fn tell(&mut self, copies: u32, mut take: impl FnMut(&Event) -> bool) {
        let mut order: Vec<usize> = (0..self.news.len()).collect();
        order.sort_by_key(|at| self.news[*at].told);
        for at in order {
            let news = &mut self.news[at];
            if take(&news.event) {
                news.told += 1;
            }
        }
        self.news.retain(|news| news.told < copies);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(writer: u64, version: u64) -> Arc<Event> {
        let dot = Dot::new(WriterId::from_u64(writer), version);
        Arc::new(Event {
            dot,
            record: None,
            kills: Box::default(),
        })
    }

    #[test]
    fn news_is_told_more_often_in_larger_clusters() {
        let told = [1, 3, 9, 10, 100, 1_000, 5_000].map(copies_of_news);
        assert_eq!(told, [4, 4, 8, 8, 12, 16, 16]);
    }

    #[test]
    fn the_ring_knows_how_far_back_it_reaches_for_each_writer() {
        let mut ring = Ring::default();
        for version in 1..=RECENT_EVENTS_MAX as u64 {
            ring.push(event(1, version));
        }
        assert!(ring.reaches(WriterId::from_u64(1), RECENT_EVENTS_MAX as u64));
        ring.push(event(2, 1));
        assert!(!ring.reaches(WriterId::from_u64(1), RECENT_EVENTS_MAX as u64));
        assert!(ring.reaches(WriterId::from_u64(1), RECENT_EVENTS_MAX as u64 - 1));
        ring.forget(|writer| writer == WriterId::from_u64(1));
        assert!(!ring.reaches(WriterId::from_u64(1), 1));
        assert!(ring.reaches(WriterId::from_u64(2), 1));
    }

    #[test]
    fn the_least_told_news_goes_first_and_all_of_it_ends() {
        let mut queue = FreshQueue::default();
        queue.push(event(1, 1));
        queue.tell(2, |_| true);
        queue.push(event(1, 2));
        let mut order = Vec::new();
        queue.tell(2, |event| {
            order.push(event.dot.version);
            true
        });
        assert_eq!(order, [2, 1]);
        queue.tell(2, |_| true);
        assert!(queue.is_empty());
    }

    #[test]
    fn the_queue_of_news_is_bounded() {
        let mut queue = FreshQueue::default();
        for version in 1..=FRESH_EVENTS_MAX as u64 + 10 {
            queue.push(event(1, version));
        }
        assert_eq!(queue.len(), FRESH_EVENTS_MAX);
    }
}
