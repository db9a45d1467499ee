//! Which connections stand.

use std::collections::BTreeMap;

use conduct_model::{NodeKey, Span, Time};

use crate::claims::Claim;
use crate::effect::Effect;
use crate::identity::Standing;
use crate::interface::Link;
use crate::membership::{Cx, Membership, Phase};
use crate::round::Errand;
use crate::table::{MEMBERS_MAX, Who};

const LINKS_MAX: usize = 2 * MEMBERS_MAX;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Up,
    Connecting { since: Time },
}

/// The connections that this node knows of, and those that it asked for.
#[derive(Debug, Default)]
pub(crate) struct Links {
    states: BTreeMap<NodeKey, State>,
    /// In ascending order.
    kept: Vec<NodeKey>,
}

impl Links {
    pub(crate) fn is_up(&self, peer: &NodeKey) -> bool {
        self.states.get(peer) == Some(&State::Up)
    }

    /// Whether a connection to this peer is only now being made: then silence means nothing.
    pub(crate) fn is_connecting(&self, peer: &NodeKey, now: Time, within: Span) -> bool {
        match self.states.get(peer) {
            Some(State::Connecting { since }) => now.since(*since) < within,
            _ => false,
        }
    }

    fn set(&mut self, peer: NodeKey, state: State) {
        if self.states.len() < LINKS_MAX || self.states.contains_key(&peer) {
            self.states.insert(peer, state);
        }
    }

    /// Asks for connections to exactly these.
    pub(crate) fn keep(&mut self, now: Time, mut wanted: Vec<NodeKey>, out: &mut Vec<Effect>) {
        wanted.sort_unstable();
        wanted.dedup();
        for peer in &wanted {
            if self.kept.binary_search(peer).is_err() {
                out.push(Effect::Keep(*peer));
                self.states
                    .entry(*peer)
                    .or_insert(State::Connecting { since: now });
            }
        }
        for peer in &self.kept {
            if wanted.binary_search(peer).is_err() {
                out.push(Effect::Release(*peer));
            }
        }
        self.kept = wanted;
    }
}

impl Membership {
    pub(crate) fn hear_link(&mut self, cx: &mut Cx<'_>, peer: NodeKey, link: Link) {
        let kept = self.links.kept.binary_search(&peer).is_ok();
        match link {
            Link::Connected => {
                self.links.set(peer, State::Up);
                self.greet_connected(cx, peer);
            }
            Link::Connecting => {
                if !matches!(self.links.states.get(&peer), Some(State::Connecting { .. })) {
                    self.links.set(peer, State::Connecting { since: cx.now });
                }
            }
            Link::Lost if kept => {
                if self.links.is_up(&peer) {
                    self.links.set(peer, State::Connecting { since: cx.now });
                }
            }
            Link::Lost => {
                self.links.states.remove(&peer);
            }
            Link::Refused => self.hear_hint(cx, peer),
        }
    }

    /// A connection stands: it is the chance to be let in, or to find the dead alive.
    fn greet_connected(&mut self, cx: &mut Cx<'_>, peer: NodeKey) {
        if let Phase::Greeting { .. } = self.phase {
            self.say_hello(cx, peer);
            return;
        }
        if !self.phase.is_member() {
            return;
        }
        if let Some(who) = self.table.find(&peer)
            && self.absent.contains_key(&who)
            && !self.rounds.is_under_way(who, Errand::Dead)
        {
            self.begin_round(cx, who, Errand::Dead);
        }
    }

    /// The host of this member answers in place of its daemon. Three probes decide whether that
    /// is so; the hint itself decides nothing.
    fn hear_hint(&mut self, cx: &mut Cx<'_>, peer: NodeKey) {
        if !self.phase.is_member() {
            return;
        }
        let Some(who) = self.table.find(&peer).filter(|who| *who != self.me) else {
            return;
        };
        let entry = &self.table[who];
        let over = entry.standing.is_over();
        let known = self
            .absent
            .get(&who)
            .is_some_and(|absence| absence.hinted.is_some());
        if !over && !known && !self.rounds.is_under_way(who, Errand::Hint) {
            self.begin_round(cx, who, Errand::Hint);
        }
    }

    /// Three probes found nobody where the host answers. The member's absence now lasts until
    /// the daemon had time to come back.
    pub(crate) fn believe_hint(&mut self, cx: &mut Cx<'_>, who: Who) {
        let entry = &self.table[who];
        let known = self
            .absent
            .get(&who)
            .is_some_and(|absence| absence.hinted.is_some());
        if entry.standing.is_over() || known {
            return;
        }
        let claim = Claim {
            start: entry.incarnation.start,
            refutation: entry.refutation,
            standing: Standing::Restarting,
        };
        self.apply(cx, who, claim);
    }
}
