//! The candidate's side: when to claim, whom to ask, when to give up.

use std::collections::BTreeSet;
use std::sync::Arc;

use conduct_model::{NodeKey, Span, System, Time};

use crate::assignment::Assignment;
use crate::epoch::Epoch;
use crate::hash;
use crate::message::Claim;
use crate::ownership::seat::Stance;
use crate::ownership::{Ownership, OwnershipEffect, Part};

/// A claim under way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Campaign {
    pub(super) epoch: Epoch,
    since: Time,
    /// When the voters were asked last.
    asked: Time,
    /// The own promise is on its way to disk: it comes last, so that a claim that others refuse
    /// leaves nothing behind here.
    pub(super) sealed: bool,
    pub(super) promised: BTreeSet<NodeKey>,
    pub(super) refused: BTreeSet<NodeKey>,
    /// The longest that any of them wants to be left alone.
    pub(super) wait: Span,
    /// What they told.
    pub(super) latest: Option<Arc<Assignment>>,
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
                (seat.vacant_since, seat.retry_at) = (None, None);
                if seat.holder() == Some(me) {
                    self.give_up(system);
                }
            }
            Stance::Idle if part == Part::Full && !useless => {
                self.wait_or_claim(now, system, effects);
            }
            Stance::Claiming(_) => self.press_on(now, system),
            Stance::Holding(_) | Stance::Idle => {}
        }
        self.tell_releases(now, system);
        self.schedule(now, system);
    }

    /// Nobody asked for it yet: claims it when its turn has come.
    fn wait_or_claim(&mut self, now: Time, system: &System, effects: &mut Vec<OwnershipEffect>) {
        let Some(seat) = self.seats.get(system) else {
            return;
        };
        let holder = seat.holder();
        let doubtful = seat
            .doubtful_from()
            .is_some_and(|from| seat.lost || from <= now);
        let held = !doubtful
            && holder.is_some_and(|holder| {
                let answers = self.voters.contains(&holder) && !self.silent.contains(&holder);
                holder != self.me && answers
            });
        let turn = match holder == Some(self.me) || seat.lost || seat.was_held_by(self.me) {
            // It was ours before this node was restarted, cut off or wrongly outvoted, or until
            // there was nothing to decide. Voters that did not hear that it was given up, or
            // forgot, promise it to nobody else.
            true => Span::ZERO,
            false => Ownership::STAGGER.times(self.rank(seat.hash)),
        };
        // This node's own promise follows the rule as well.
        let patience = self.patience(now, system, self.me).unwrap_or_default();
        let Some(seat) = self.seats.get_mut(system) else {
            return;
        };
        if held {
            (seat.vacant_since, seat.retry_at, seat.lost) = (None, None, false);
            return;
        }
        let since = *seat.vacant_since.get_or_insert(now);
        let at = (since + turn)
            .max(seat.retry_at.unwrap_or_default())
            .max(now + patience);
        match at <= now {
            true => self.claim(now, system, effects),
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

    /// Asks the voters for a new epoch.
    fn claim(&mut self, now: Time, system: &System, effects: &mut Vec<OwnershipEffect>) {
        let me = self.me;
        let Some(seat) = self.seats.get_mut(system) else {
            return;
        };
        let epoch = Epoch::after(seat.highest().max(seat.claimed), me);
        (seat.retry_at, seat.releasing, seat.lost) = (None, None, false);
        seat.claimed = Some(epoch);
        seat.stance = Stance::Claiming(Campaign {
            epoch,
            since: now,
            asked: now,
            sealed: false,
            promised: BTreeSet::new(),
            refused: BTreeSet::new(),
            wait: Span::ZERO,
            latest: None,
        });
        self.send_claim(now, system);
        self.win(now, system, effects);
    }

    /// The own promise is on disk, the last that was missing.
    pub(super) fn seal(
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
        let stands = seat.promised.is_some_and(|promise| promise.epoch == epoch);
        if let Stance::Claiming(campaign) = &mut seat.stance
            && campaign.epoch == epoch
            && stands
        {
            campaign.promised.insert(me);
            self.win(now, system, effects);
            self.schedule(now, system);
        }
    }

    /// Asks every other voter that has not promised.
    fn send_claim(&mut self, now: Time, system: &System) {
        let me = self.me;
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
        campaign.asked = now;
        let asked = |voter: &&NodeKey| **voter != me && !campaign.promised.contains(voter);
        for voter in self.voters.keys.iter().filter(asked) {
            let (system, epoch) = (system.clone(), campaign.epoch);
            let claim = Claim {
                system,
                epoch,
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
        if now.since(campaign.since) >= Ownership::CLAIM_SPAN_MAX {
            self.retreat(now, system);
        } else if now.since(campaign.asked) >= Ownership::ASK_AGAIN {
            self.send_claim(now, system);
        }
    }

    /// Gives a claim up for now: whoever promised may promise another.
    pub(super) fn retreat(&mut self, now: Time, system: &System) {
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
        self.send_claim(now, system);
    }

    /// Notes when to look at a system again.
    pub(super) fn schedule(&mut self, now: Time, system: &System) {
        let Some(seat) = self.seats.get_mut(system) else {
            return;
        };
        let next = match &seat.stance {
            Stance::Claiming(campaign) => Some(campaign.asked + Ownership::ASK_AGAIN),
            Stance::Idle if self.part == Part::Full && seat.wanted => {
                let doubt = seat.doubtful_from();
                seat.retry_at
                    .into_iter()
                    .chain(doubt)
                    .filter(|at| *at > now)
                    .min()
            }
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
pub(super) fn pause(system: u64, me: NodeKey, epoch: Epoch) -> Span {
    Span::millis(300 + hash::mix(system ^ hash::node(&me) ^ epoch.number) % 700)
}
