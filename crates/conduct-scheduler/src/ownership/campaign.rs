//! The candidate's side: when to claim, whom to ask, when to give up.

use std::collections::BTreeSet;
use std::sync::Arc;

use conduct_model::{NodeKey, Span, System, Time};

use crate::assignment::Assignment;
use crate::epoch::Epoch;
use crate::hash;
use crate::message::{Answer, Claim, Vote};
use crate::ownership::seat::Stance;
use crate::ownership::{After, Ownership, OwnershipEffect, Part, Promise};

/// A claim under way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Campaign {
    pub(super) epoch: Epoch,
    since: Time,
    /// When the voters were asked last; not before the own promise is on disk.
    asked: Option<Time>,
    promised: BTreeSet<NodeKey>,
    refused: BTreeSet<NodeKey>,
    /// The longest that any of them wants to be left alone.
    wait: Span,
    /// What they told.
    latest: Option<Arc<Assignment>>,
}

impl Ownership {
    /// Looks at one system: claims it, asks again, gives it up, or waits.
    pub(super) fn evaluate(
        &mut self,
        now: Time,
        system: &System,
        effects: &mut Vec<OwnershipEffect>,
    ) {
        let votes = self.voters.contains(&self.me);
        let (me, part) = (self.me, self.part);
        let Some(seat) = self.seats.get_mut(system) else {
            return;
        };
        let useless = part == Part::Retired || !votes || seat.barred || !seat.wanted;
        match &seat.stance {
            Stance::Holding(_) if useless => {
                effects.push(OwnershipEffect::Lost {
                    system: system.clone(),
                });
                self.give_up(system);
            }
            Stance::Claiming(_) if useless => self.give_up(system),
            Stance::Idle if useless && part != Part::Suspended => {
                if seat.holder() == Some(me) {
                    self.give_up(system);
                }
            }
            Stance::Idle if part == Part::Full && !useless => self.wait_or_claim(now, system),
            Stance::Claiming(_) => self.press_on(now, system),
            Stance::Holding(_) | Stance::Idle => {}
        }
        self.tell_releases(now, system);
        self.schedule(now, system);
    }

    /// Nobody asked for it yet: claims it when its turn has come.
    fn wait_or_claim(&mut self, now: Time, system: &System) {
        let Some(seat) = self.seats.get(system) else {
            return;
        };
        let holder = seat.holder();
        let held = holder.is_some_and(|holder| {
            holder != self.me && self.voters.contains(&holder) && !self.silent.contains(&holder)
        });
        let turn = match holder == Some(self.me) {
            // It was ours before this node was restarted or cut off: nobody else will try.
            true => Span::ZERO,
            false => Ownership::STAGGER.times(self.rank(seat.hash)),
        };
        // This node's own promise follows the rule as well.
        let patience = self.patience(now, system, self.me).unwrap_or_default();
        let Some(seat) = self.seats.get_mut(system) else {
            return;
        };
        if held {
            (seat.vacant_since, seat.retry_at) = (None, None);
            return;
        }
        let since = *seat.vacant_since.get_or_insert(now);
        let at = (since + turn)
            .max(seat.retry_at.unwrap_or_default())
            .max(now + patience);
        match at <= now {
            true => self.claim(now, system),
            false => seat.retry_at = Some(at),
        }
    }

    /// How many of the voters that answer come before this one.
    fn rank(&self, system: u64) -> u64 {
        let weight = |node: &NodeKey| (hash::mix(system ^ hash::node(node)), *node);
        let mine = weight(&self.me);
        let answering = self
            .voters
            .keys
            .iter()
            .filter(|voter| !self.silent.contains(voter));
        answering.filter(|voter| weight(voter) > mine).count() as u64
    }

    /// Promises itself a new epoch; the others are asked once that is on disk.
    fn claim(&mut self, now: Time, system: &System) {
        let me = self.me;
        let Some(seat) = self.seats.get_mut(system) else {
            return;
        };
        let epoch = Epoch::after(seat.highest(), me);
        let promise = Promise {
            epoch,
            released: false,
        };
        seat.promised = Some(promise);
        (seat.retry_at, seat.releasing) = (None, None);
        seat.stance = Stance::Claiming(Campaign {
            epoch,
            since: now,
            asked: None,
            promised: BTreeSet::new(),
            refused: BTreeSet::new(),
            wait: Span::ZERO,
            latest: None,
        });
        let after = After::Campaign {
            system: system.clone(),
            epoch,
        };
        self.outbox.write(system, promise, Some(after));
    }

    /// The own promise is on disk: asks the others.
    pub(super) fn ask(
        &mut self,
        now: Time,
        system: &System,
        epoch: Epoch,
        effects: &mut Vec<OwnershipEffect>,
    ) {
        let me = self.me;
        let Some(seat) = self.seats.get_mut(system) else {
            return;
        };
        let Stance::Claiming(campaign) = &mut seat.stance else {
            return;
        };
        if campaign.epoch == epoch {
            campaign.promised.insert(me);
            self.send_claim(now, system);
            self.win(system, effects);
            self.schedule(now, system);
        }
    }

    /// Asks every voter that has not promised.
    fn send_claim(&mut self, now: Time, system: &System) {
        let Some(seat) = self.seats.get_mut(system) else {
            return;
        };
        let known = seat
            .assignment
            .as_ref()
            .map(|assignment| assignment.version);
        let Stance::Claiming(campaign) = &mut seat.stance else {
            return;
        };
        campaign.asked = Some(now);
        for voter in self
            .voters
            .keys
            .iter()
            .filter(|voter| !campaign.promised.contains(voter))
        {
            let claim = Claim {
                system: system.clone(),
                epoch: campaign.epoch,
                known,
            };
            self.outbox.to(*voter).claims.push(claim);
        }
    }

    /// Asks again, or gives a claim up that lasts too long.
    fn press_on(&mut self, now: Time, system: &System) {
        let Some(seat) = self.seats.get_mut(system) else {
            return;
        };
        let Stance::Claiming(campaign) = &mut seat.stance else {
            return;
        };
        if now.since(campaign.since) >= Ownership::CLAIM_SPAN_MAX && campaign.asked.is_some() {
            self.retreat(now, system);
        } else if campaign
            .asked
            .is_some_and(|at| now.since(at) >= Ownership::ASK_AGAIN)
        {
            self.send_claim(now, system);
        }
    }

    /// Counts an answer.
    pub(super) fn count(
        &mut self,
        now: Time,
        (from, voters): (NodeKey, u64),
        vote: Vote,
        effects: &mut Vec<OwnershipEffect>,
    ) {
        let Vote {
            system,
            epoch,
            answer,
        } = vote;
        // Counted over a register that is out of date, a quorum would be none: this answer is
        // asked for again when the later register has come.
        if voters > self.voters.epoch {
            return;
        }
        if let Answer::Refused { highest, .. } = &answer
            && *highest > epoch
        {
            return self.give_way(now, &system, (epoch, *highest), effects);
        }
        let Some(seat) = self.seats.get_mut(&system) else {
            return;
        };
        let Stance::Claiming(campaign) = &mut seat.stance else {
            return;
        };
        if campaign.epoch != epoch {
            return;
        }
        match answer {
            Answer::Promised { latest } => {
                campaign.refused.remove(&from);
                campaign.promised.insert(from);
                campaign.latest = joined(campaign.latest.take(), latest);
            }
            Answer::Refused { wait, .. } => {
                campaign.refused.insert(from);
                campaign.wait = campaign.wait.max(wait);
            }
        }
        self.win(&system, effects);
        self.retreat_if_hopeless(now, &system);
        self.tell_releases(now, &system);
        self.schedule(now, &system);
    }

    /// Owns the system, if a quorum promised.
    fn win(&mut self, system: &System, effects: &mut Vec<OwnershipEffect>) {
        let Some(seat) = self.seats.get_mut(system) else {
            return;
        };
        let Stance::Claiming(campaign) = &seat.stance else {
            return;
        };
        let own = campaign.promised.contains(&self.me);
        if !own || !self.voters.is_quorum(&campaign.promised) {
            return;
        }
        let epoch = campaign.epoch;
        let assignment = joined(seat.assignment.clone(), campaign.latest.clone());
        seat.stance = Stance::Holding(epoch);
        seat.vacant_since = None;
        effects.push(OwnershipEffect::Won {
            system: system.clone(),
            epoch,
            assignment,
        });
    }

    /// Another epoch stands in the way: the claim is over. If its holder is gone the next claim
    /// goes above it.
    fn give_way(
        &mut self,
        now: Time,
        system: &System,
        (epoch, highest): (Epoch, Epoch),
        effects: &mut Vec<OwnershipEffect>,
    ) {
        let Some(seat) = self.seats.get_mut(system) else {
            return;
        };
        if matches!(&seat.stance, Stance::Claiming(campaign) if campaign.epoch == epoch) {
            let pause = pause(seat.hash, self.me, epoch);
            seat.retry_at = Some(now + pause);
            self.give_up(system);
        }
        self.see(now, system, highest, effects);
    }

    fn retreat_if_hopeless(&mut self, now: Time, system: &System) {
        let Some(seat) = self.seats.get(system) else {
            return;
        };
        let Stance::Claiming(campaign) = &seat.stance else {
            return;
        };
        let left = self
            .voters
            .keys
            .iter()
            .filter(|voter| !campaign.refused.contains(voter));
        if !self.voters.is_quorum(left) {
            self.retreat(now, system);
        }
    }

    /// Gives a claim up for now: whoever promised may promise another.
    fn retreat(&mut self, now: Time, system: &System) {
        let me = self.me;
        let Some(seat) = self.seats.get_mut(system) else {
            return;
        };
        let Stance::Claiming(campaign) = &seat.stance else {
            return;
        };
        let pause = pause(seat.hash, me, campaign.epoch);
        seat.retry_at = Some(now + campaign.wait.max(pause));
        self.give_up(system);
    }

    /// Releases whatever this node claimed or held, and sees to it that every voter learns so.
    pub(super) fn give_up(&mut self, system: &System) {
        let me = self.me;
        let Some(seat) = self.seats.get_mut(system) else {
            return;
        };
        seat.stance = Stance::Idle;
        let Some(epoch) = seat.highest().filter(|highest| highest.owner == me) else {
            return;
        };
        let promise = Promise {
            epoch,
            released: true,
        };
        let others = self
            .voters
            .keys
            .iter()
            .copied()
            .filter(|voter| *voter != me)
            .collect();
        seat.releasing = Some((epoch, others));
        if seat.promised != Some(promise) {
            seat.promised = Some(promise);
            self.outbox.write(system, promise, None);
        }
        seat.release_told = None;
    }

    /// Tells voters that have not acknowledged it that this node released its epoch.
    fn tell_releases(&mut self, now: Time, system: &System) {
        let Some(seat) = self.seats.get_mut(system) else {
            return;
        };
        seat.releasing.take_if(|(_, left)| left.is_empty());
        let Some((epoch, left)) = &seat.releasing else {
            return;
        };
        if seat
            .release_told
            .is_some_and(|told| now.since(told) < Ownership::STAGGER)
        {
            return;
        }
        seat.release_told = Some(now);
        for voter in left.iter().filter(|voter| !self.silent.contains(voter)) {
            self.outbox
                .to(*voter)
                .releases
                .push((system.clone(), *epoch));
        }
    }

    /// A voter has a release on disk.
    pub(super) fn released(&mut self, from: NodeKey, system: &System, epoch: Epoch) {
        let Some(seat) = self.seats.get_mut(system) else {
            return;
        };
        if let Some((released, left)) = &mut seat.releasing
            && *released == epoch
        {
            left.remove(&from);
        }
        self.sweep(system);
    }

    /// Other voters count: asks them all anew.
    pub(super) fn recount(&mut self, now: Time, system: &System) {
        let me = self.me;
        let Some(seat) = self.seats.get_mut(system) else {
            return;
        };
        let Stance::Claiming(campaign) = &mut seat.stance else {
            return;
        };
        campaign.promised.retain(|voter| *voter == me);
        campaign.refused.clear();
        if campaign.asked.is_some() {
            self.send_claim(now, system);
        }
    }

    /// Notes when to look at a system again.
    fn schedule(&mut self, now: Time, system: &System) {
        let Some(seat) = self.seats.get_mut(system) else {
            return;
        };
        let next = match &seat.stance {
            Stance::Claiming(campaign) => campaign.asked.map(|at| at + Ownership::ASK_AGAIN),
            Stance::Idle if self.part == Part::Full => seat.retry_at.filter(|at| *at > now),
            Stance::Idle | Stance::Holding(_) => None,
        };
        let untold = seat
            .releasing
            .as_ref()
            .is_some_and(|(_, left)| left.iter().any(|voter| !self.silent.contains(voter)));
        let told = seat.release_told.filter(|_| untold);
        let again = told.map(|told| told + Ownership::STAGGER);
        let next = next.into_iter().chain(again).min();
        if next != seat.due {
            if let Some(at) = std::mem::replace(&mut seat.due, next) {
                self.due.remove(&(at, system.clone()));
            }
            self.due.extend(next.map(|at| (at, system.clone())));
        }
    }
}

/// Between claims, so that two candidates do not meet again and again: 0.3 s to 1 s.
fn pause(system: u64, me: NodeKey, epoch: Epoch) -> Span {
    Span::millis(300 + hash::mix(system ^ hash::node(&me) ^ epoch.number) % 700)
}

fn joined(one: Option<Arc<Assignment>>, other: Option<Arc<Assignment>>) -> Option<Arc<Assignment>> {
    match (one, other) {
        (Some(one), Some(other)) if one == other => Some(one),
        (Some(one), Some(other)) => {
            let joined = Arc::unwrap_or_clone(one).joined(Arc::unwrap_or_clone(other));
            Some(Arc::new(joined))
        }
        (one, None) => one,
        (None, other) => other,
    }
}
