//! The state's way from node to node: news on the gossip ticks, and what a comparison brings out.

use conduct_gossip::Ticket;
use conduct_model::{NodeKey, Span, Time, Wall};
use conduct_state::{Comparison, Delta, Digest, StateError, WriterId, copies_of_news};
use conduct_wire::DATAGRAM_BYTES_MAX;

use super::Brain;
use crate::event::EventKind;
use crate::outbox::Way;
use crate::protocol::{Compare, Message};
use crate::sync::{FRESH_PEERS, FRESH_SPAN, SKEW_SPAN_MAX};

/// What fits into a datagram beside its headers.
const NEWS_BYTES: usize = DATAGRAM_BYTES_MAX - 8;

/// With more news than this a stream carries it better.
const NEWS_PER_DATAGRAM_MAX: usize = 16;

/// How much of the state one message carries.
pub(super) const PART_BYTES: usize = 256 << 10;

impl Brain {
    pub(super) fn sync_tick(&mut self) {
        let time = self.now.time;
        if time >= self.sync.next_compare {
            self.sync.give_up_old(time);
            if std::mem::take(&mut self.sync.members_changed) {
                self.sync.members = self.membership.members().count();
            }
            let jitter = self.dice.bits();
            self.sync.plan_compare(time, jitter);
            self.own.tell_decisions();
            self.compare_with_someone();
            self.tidy_up();
        }
    }

    pub(super) fn sync_due(&self) -> Time {
        match self.state.news() {
            0 => self.sync.next_compare,
            _ => self
                .sync
                .next_compare
                .min(self.sync.last_fresh + FRESH_SPAN),
        }
    }

    /// Tells a few peers what is new, at most once a tick.
    pub(super) fn tell_news(&mut self) {
        let time = self.now.time;
        if self.state.news() == 0 || time < self.sync.last_fresh + FRESH_SPAN {
            return;
        }
        self.sync.last_fresh = time;
        let copies = copies_of_news(self.sync.members);
        for peer in self.membership.gossip_targets(FRESH_PEERS) {
            let small = match self.state.news() <= NEWS_PER_DATAGRAM_MAX {
                true => self.state.fresh(NEWS_BYTES, copies),
                false => None,
            };
            if let Some(delta) = small {
                self.send(peer, Way::Datagram, &Message::Fresh(delta));
            } else if let Some(delta) = self.state.fresh(PART_BYTES, copies) {
                self.send(peer, Way::Stream, &Message::Fresh(delta));
            }
        }
    }

    fn compare_with_someone(&mut self) {
        for peer in self.membership.gossip_targets(1) {
            self.compare_with(peer);
        }
    }

    fn compare_with(&mut self, peer: NodeKey) {
        let compare = Compare {
            summary: self.state.summary(),
            wall: self.now.wall,
        };
        self.send(peer, Way::Datagram, &Message::Compare(compare));
    }

    /// A peer answers again: what was told meanwhile did not get to it, or not to this node.
    pub(super) fn compare_with_returned(&mut self, peer: NodeKey) {
        self.sync.distrust();
        self.sync.ask_anew(Some(&peer));
        if peer != self.me && self.sync.compares_at_once(self.now.time) {
            self.compare_with(peer);
        }
    }

    /// This node takes part again.
    pub(super) fn compare_after_absence(&mut self) {
        self.sync.distrust();
        self.sync.ask_anew(None);
        self.sync.next_compare = self.now.time;
    }

    pub(super) fn take_news(&mut self, from: NodeKey, delta: &Delta) {
        self.merge(from, delta);
    }

    pub(super) fn take_compare(&mut self, from: NodeKey, compare: Compare) {
        self.look_at_clock(from, compare.wall);
        match self.state.summary().compare(&compare.summary) {
            Comparison::Same => {
                self.sync.is_the_same();
                self.tidy.heard_same(from);
            }
            Comparison::Different { .. } => {
                if self.sync.differs(self.now.time) {
                    self.pull(from, None);
                }
            }
            Comparison::Diverged => {
                self.tell(EventKind::Diverged { peer: from });
            }
        }
    }

    /// Nothing is decided by another's clock, but people want to know of one that is wrong.
    fn look_at_clock(&mut self, peer: NodeKey, theirs: Wall) {
        let (ours, theirs) = (self.now.wall.as_millis(), theirs.as_millis());
        let by = Span::millis(ours.abs_diff(theirs));
        if by > SKEW_SPAN_MAX && self.sync.tells_skew(self.now.time, peer) {
            self.tell(EventKind::ClockSkew { peer, by });
        }
    }

    /// Asks a peer for what it knows and this node does not.
    pub(super) fn pull(&mut self, from: NodeKey, ticket: Option<Ticket>) {
        if self.sync.begin_pull(self.now.time, from, ticket) {
            let digest = self.state.digest();
            self.send(from, Way::Stream, &Message::Pull(digest));
        }
    }

    pub(super) fn take_pull(&mut self, from: NodeKey, theirs: &Digest) {
        self.tidy.heard(from, theirs);
        let we_lack = match self.state.compare(theirs) {
            Ok(Comparison::Different { we_lack, .. }) => we_lack,
            Ok(Comparison::Same | Comparison::Diverged) => false,
            Err(error) => return self.state_refused(from, &error),
        };
        match self.state.delta(theirs, PART_BYTES) {
            Ok(delta) => self.send(from, Way::Stream, &Message::Pulled(delta)),
            Err(StateError::PeerOutdated) => self.send(from, Way::Stream, &Message::Outdated),
            Err(error) => return self.state_refused(from, &error),
        }
        if we_lack {
            self.pull(from, None);
        }
    }

    pub(super) fn take_pulled(&mut self, from: NodeKey, delta: Option<&Delta>) {
        if !self.sync.heard_part(self.now.time, &from) {
            return;
        }
        let goes_on = match delta {
            Some(delta) => self.merge(from, delta),
            None => false,
        };
        if goes_on {
            let digest = self.state.digest();
            return self.send(from, Way::Stream, &Message::Pull(digest));
        }
        if let Some(ticket) = self.sync.end_pull(&from) {
            let time = self.now.time;
            self.with_membership(|membership, out| membership.synced(time, ticket, from, out));
        }
    }

    /// Takes in what a peer tells. Answers whether there is more to ask for.
    fn merge(&mut self, from: NodeKey, delta: &Delta) -> bool {
        match self.state.apply(delta) {
            Ok(applied) => {
                let (gap, more) = (applied.gap, applied.more);
                self.take_applied(applied);
                if gap && !more {
                    self.pull(from, None);
                }
                more
            }
            Err(error) => {
                self.state_refused(from, &error);
                false
            }
        }
    }

    /// The state would not take something, and says what that means for this node.
    pub(super) fn state_refused(&mut self, from: NodeKey, error: &StateError) {
        match error {
            StateError::OwnWriterAhead { .. } => {
                self.sync.lost(&from);
                self.own.new_writer_wanted = true;
            }
            StateError::Outdated => self.begin_state_anew(),
            StateError::Malformed { .. } | StateError::Layout(_) | StateError::Checksum(_) => {
                self.outbox.strangers.messages += 1;
            }
            StateError::Incomplete(_) => self.sync.lost(&from),
            // Bounds, and what only own writes meet.
            _ => {}
        }
    }

    /// This state misses what was forgotten while its node was no member: nothing of it may reach
    /// the others, so it goes, and the others' comes in its place.
    pub(super) fn begin_state_anew(&mut self) {
        for (key, _) in self.state.snapshot() {
            self.disk.write(super::shelf::state_key(&key), None);
        }
        let writer = WriterId::from_u64(self.dice.bits());
        self.state = self.boot_state(writer);
        self.write_state(self.state.snapshot());
        let known: Vec<_> = self.book.known().collect();
        for bundle in known {
            self.mirror_unknown(bundle);
            self.tell_of(bundle, EventKind::BundleRemoved);
        }
        self.book = crate::book::Book::default();
        self.own.everything_changed();
        self.tell(EventKind::StateBegunAnew);
    }

    /// Lets writers be forgotten of which nothing is left: one node sees to it at a time.
    fn tidy_up(&mut self) {
        if !self.is_first_voter() || self.is_quarantined() || self.own.new_writer_wanted {
            return;
        }
        let members = self.membership.members();
        let members = members
            .filter(|member| member.status != conduct_gossip::Status::Left)
            .map(|member| member.key)
            .collect();
        if let Ok(Some(written)) = self.tidy.step(self.now.time, &mut self.state, &members) {
            self.take_written(written);
        }
    }
}
