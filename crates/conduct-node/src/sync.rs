//! Who is told and asked about the state, and when.

use std::collections::BTreeMap;

use conduct_gossip::Ticket;
use conduct_model::{NodeKey, Span, Time};

/// Between two ticks on which news is told.
pub(crate) const FRESH_SPAN: Span = Span::millis(100);
/// Whom one tick tells.
pub(crate) const FRESH_PEERS: usize = 3;
/// Between two comparisons with a peer.
const COMPARE_SPAN: Span = Span::secs(1);
/// After so many differences in a row it is not the news on its way that makes them.
const DIFFERENCES_MAX: u32 = 2;
/// News gets around in less time than this: if nothing came for so long, a difference means that
/// some did not.
const QUIET_SPAN: Span = Span::millis(500);
/// A pull that brought nothing for so long is given up; the next comparison begins another.
const PULL_SPAN_MAX: Span = Span::secs(10);
/// So many peers are asked at a time, beside those that a machine wants asked.
const PULLS_MAX: usize = 3;
/// How far two clocks may be apart before people are told.
pub(crate) const SKEW_SPAN_MAX: Span = Span::secs(5);
/// How often they are told of the same peer.
const SKEW_TOLD_SPAN: Span = Span::secs(60);

/// The conversations about the state.
#[derive(Debug)]
pub(crate) struct Sync {
    pub(crate) last_fresh: Time,
    pub(crate) next_compare: Time,
    last_greeting: Time,
    last_change: Time,
    /// How many nodes there are: news is told the more often the more they are.
    pub(crate) members: usize,
    /// They are to be counted again.
    pub(crate) members_changed: bool,
    differences: u32,
    pulls: BTreeMap<NodeKey, Pull>,
    skew_told: BTreeMap<NodeKey, Time>,
}

#[derive(Clone, Copy, Debug)]
struct Pull {
    heard: Time,
    /// What wants to know when it is done.
    ticket: Option<Ticket>,
}

impl Sync {
    pub(crate) fn new(now: Time) -> Sync {
        Sync {
            last_fresh: Time::ZERO,
            next_compare: now + COMPARE_SPAN,
            last_greeting: Time::ZERO,
            last_change: Time::ZERO,
            members: 1,
            members_changed: true,
            differences: 0,
            pulls: BTreeMap::new(),
            skew_told: BTreeMap::new(),
        }
    }

    /// The next comparison, `jitter` apart from the others'.
    pub(crate) fn plan_compare(&mut self, now: Time, jitter: u64) {
        self.next_compare = now + COMPARE_SPAN + Span::millis(jitter % 100);
    }

    /// Something changed here: news of it, or of what led to it, is on its way.
    pub(crate) fn changed(&mut self, now: Time) {
        self.last_change = now;
    }

    /// Whether to ask a peer whose state differs, or to wait for news that is on its way.
    pub(crate) fn differs(&mut self, now: Time) -> bool {
        self.differences += 1;
        let quiet = now.since(self.last_change) >= QUIET_SPAN;
        quiet || self.differences > DIFFERENCES_MAX
    }

    /// News was told that did not get around: a difference means that something is missing here.
    pub(crate) fn distrust(&mut self) {
        self.differences = DIFFERENCES_MAX;
    }

    /// Whether a peer that came back may be compared with at once; of many that come back together
    /// a few are enough.
    pub(crate) fn compares_at_once(&mut self, now: Time) -> bool {
        let rested = now.since(self.last_greeting) >= FRESH_SPAN;
        if rested {
            self.last_greeting = now;
        }
        rested
    }

    /// What a peer was asked before it took this node for a member again may never be answered.
    pub(crate) fn ask_anew(&mut self, peer: Option<&NodeKey>) {
        let meant = |asked: &NodeKey| peer.is_none_or(|peer| peer == asked);
        self.pulls
            .retain(|asked, pull| pull.ticket.is_some() || !meant(asked));
    }

    pub(crate) fn is_the_same(&mut self) {
        self.differences = 0;
    }

    /// Begins to pull from a peer; `false` when that is under way, or others are enough.
    pub(crate) fn begin_pull(&mut self, now: Time, peer: NodeKey, ticket: Option<Ticket>) -> bool {
        if ticket.is_none() && (self.pulls.contains_key(&peer) || self.pulls.len() >= PULLS_MAX) {
            return false;
        }
        let before = self.pulls.get(&peer).and_then(|pull| pull.ticket);
        self.pulls.insert(
            peer,
            Pull {
                heard: now,
                ticket: ticket.or(before),
            },
        );
        true
    }

    /// A part came: the pull goes on.
    pub(crate) fn heard_part(&mut self, now: Time, peer: &NodeKey) -> bool {
        match self.pulls.get_mut(peer) {
            Some(pull) => {
                pull.heard = now;
                true
            }
            None => false,
        }
    }

    /// The pull is done.
    pub(crate) fn end_pull(&mut self, peer: &NodeKey) -> Option<Ticket> {
        self.differences = 0;
        self.pulls.remove(peer).and_then(|pull| pull.ticket)
    }

    /// The connection is gone, and with it what was asked.
    pub(crate) fn lost(&mut self, peer: &NodeKey) {
        self.pulls.remove(peer);
    }

    pub(crate) fn give_up_old(&mut self, now: Time) {
        self.pulls
            .retain(|_, pull| now.since(pull.heard) < PULL_SPAN_MAX);
    }

    /// Whether people are to be told that a peer's clock is far off.
    pub(crate) fn tells_skew(&mut self, now: Time, peer: NodeKey) -> bool {
        let told = self.skew_told.get(&peer);
        let again = told.is_none_or(|told| now.since(*told) >= SKEW_TOLD_SPAN);
        if again {
            self.skew_told
                .retain(|_, told| now.since(*told) < SKEW_TOLD_SPAN);
            self.skew_told.insert(peer, now);
        }
        again
    }
}
