//! Makes sure that writers may be forgotten, and then forgets them.
//!
//! Any one node does this at a time; two do no harm. It waits until every member, be it up, cut
//! off or away for a year, has been heard to know all that this node knew when the round began,
//! and exactly the writes of the writers in question that this node knows. A member that does not
//! come back holds the round up until it is removed from the cluster.

use std::collections::BTreeSet;

use conduct_model::{NodeKey, Span, Time};

use crate::{Digest, State, StateError, Vector, WriterId, Written};

/// A round takes at least this long, so that no message from before it is still on its way, and
/// whoever joined during it is known as a member.
pub const TIDY_PAUSE: Span = Span::secs(600);

/// Forgets writers of which nothing is left, once that is safe.
#[derive(Clone, Debug, Default)]
pub struct Tidy {
    round: Option<Round>,
}

#[derive(Clone, Debug)]
struct Round {
    begun: Time,
    /// What every member must know.
    target: Vector,
    /// The writers to forget, with their last versions.
    writers: Vec<(WriterId, u64)>,
    heard: BTreeSet<NodeKey>,
}

impl Tidy {
    /// A member's digest came.
    pub fn heard(&mut self, peer: NodeKey, digest: &Digest) {
        let Some(round) = &mut self.round else { return };
        let vector = digest.vector();
        let exact = round
            .writers
            .iter()
            .all(|(writer, version)| vector.get(*writer) == *version);
        if exact && vector.covers_all(&round.target) {
            round.heard.insert(peer);
        }
    }

    /// A member's summary came, and is the same as ours: it knows just what we know.
    pub fn heard_same(&mut self, peer: NodeKey) {
        if let Some(round) = &mut self.round {
            round.heard.insert(peer);
        }
    }

    /// Begins a round when there is something to forget, and ends it when everyone agrees.
    /// `members` are all nodes that may ever merge their state with ours without beginning anew:
    /// those that are down too, all but those that were removed.
    pub fn step(
        &mut self,
        now: Time,
        state: &mut State,
        members: &BTreeSet<NodeKey>,
    ) -> Result<Option<Written>, StateError> {
        let left = state.writers_with_nothing_left();
        let Some(round) = &self.round else {
            self.round = Round::of(now, state, left);
            return Ok(None);
        };
        let vector = state.digest();
        let still_gone = |(writer, version): &(WriterId, u64)| {
            left.contains(writer) && vector.vector().get(*writer) == *version
        };
        if !round.writers.iter().all(still_gone) {
            self.round = None;
            return Ok(None);
        }
        let missing = members
            .iter()
            .any(|m| *m != state.node() && !round.heard.contains(m));
        if missing || now.since(round.begun) < TIDY_PAUSE {
            return Ok(None);
        }
        let writers = round.writers.iter().map(|(writer, _)| *writer).collect();
        self.round = None;
        state.forget(writers).map(Some)
    }
}

impl Round {
    fn of(now: Time, state: &State, left: Vec<WriterId>) -> Option<Round> {
        if left.is_empty() {
            return None;
        }
        let target = state.digest().vector().clone();
        let writers = left
            .into_iter()
            .map(|writer| (writer, target.get(writer)))
            .collect();
        Some(Round {
            begun: now,
            target,
            writers,
            heard: BTreeSet::new(),
        })
    }
}
