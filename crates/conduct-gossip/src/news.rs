//! What is still to be told, and how often it was.

use std::collections::{BTreeMap, VecDeque};

use crate::message::Update;
use crate::table::{MEMBERS_MAX, Who};

/// Every member can be news in each of three ways, and have three accusers.
const ITEMS_MAX: usize = 6 * MEMBERS_MAX;

/// More pieces of news than this at once are very much.
const MUCH: usize = 128;

/// One piece of news. What it says is read from the table when it is sent, so that nothing stale
/// is told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Item {
    /// How this member stands.
    Standing(Who),
    /// This member in full.
    Member(Who),
    /// This member's probe of that one failed.
    Accusation { accused: Who, accuser: Who },
}

/// The queue of news: what was told least often comes first.
#[derive(Debug, Default)]
pub(crate) struct News {
    ring: VecDeque<Item>,
    told: BTreeMap<Item, u32>,
    /// Messages still to send although they say nothing but what is in every header.
    bare: u32,
}

impl News {
    pub(crate) fn is_empty(&self) -> bool {
        self.ring.is_empty() && self.bare == 0
    }

    pub(crate) fn len(&self) -> usize {
        self.ring.len()
    }

    /// Queues a piece of news, or begins anew to tell it.
    pub(crate) fn tell(&mut self, item: Item) {
        if self.told.insert(item, 0).is_none() {
            self.ring.push_front(item);
        }
        assert!(
            self.ring.len() <= ITEMS_MAX,
            "news are about members, and those are bounded"
        );
    }

    /// Somebody else told this piece of news. Where very much is to be told at once, that counts
    /// as if we had.
    pub(crate) fn heard(&mut self, item: Item) {
        if self.ring.len() > MUCH
            && let Some(told) = self.told.get_mut(&item)
        {
            *told += 1;
        }
    }

    /// Sends `times` messages even if there is nothing to say: their headers are the news.
    pub(crate) fn tell_header(&mut self, times: u32) {
        self.bare = self.bare.max(times);
    }

    /// Drops all news about one member.
    pub(crate) fn forget(&mut self, who: Who) {
        let about = |item: &Item| match *item {
            Item::Standing(about) | Item::Member(about) => about == who,
            Item::Accusation { accused, accuser } => accused == who || accuser == who,
        };
        self.ring.retain(|item| !about(item));
        self.told.retain(|item, _| !about(item));
    }

    /// Takes what fits into `bytes_max` and counts it as told; what was told `times` is dropped.
    pub(crate) fn pick(
        &mut self,
        bytes_max: usize,
        times: u32,
        mut render: impl FnMut(Item) -> Option<Update>,
    ) -> Vec<Update> {
        self.bare = self.bare.saturating_sub(1);
        let mut room = bytes_max;
        let mut picked = Vec::new();
        let mut again = Vec::new();
        while let Some(item) = self.ring.pop_front() {
            let Some(update) = render(item) else {
                self.told.remove(&item);
                continue;
            };
            let Some(left) = room.checked_sub(update.bytes_max()) else {
                self.ring.push_front(item);
                break;
            };
            room = left;
            picked.push(update);
            let told = self.told.entry(item).or_default();
            *told += 1;
            if *told < times {
                again.push(item);
            } else {
                self.told.remove(&item);
            }
        }
        self.ring.extend(again);
        picked
    }
}
