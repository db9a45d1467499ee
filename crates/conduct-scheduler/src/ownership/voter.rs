//! The voter's side: what is promised, what is refused.

use conduct_model::{NodeKey, Span, System, Time};

use crate::epoch::{Epoch, Version};
use crate::message::{Answer, Claim, Vote};
use crate::ownership::outbox::news_for;
use crate::ownership::seat::{Seat, Stance};
use crate::ownership::{After, Ownership, OwnershipEffect, Part, Promise};

impl Ownership {
    /// Answers a claim.
    pub(super) fn consider(
        &mut self,
        now: Time,
        from: NodeKey,
        claim: Claim,
        effects: &mut Vec<OwnershipEffect>,
    ) {
        let Claim {
            system,
            epoch,
            known,
        } = claim;
        if epoch.owner != from || from == self.me || !self.voters.contains(&self.me) {
            return;
        }
        self.step_aside(&system, epoch);
        let seat = self
            .seats
            .entry(system.clone())
            .or_insert_with(|| Seat::new(&system));
        let mine = seat.promised.map(|promise| promise.epoch);
        let highest = seat.highest();
        if let Some(highest) = highest.filter(|highest| *highest > epoch) {
            return self.refuse(from, (system, epoch), (highest, Span::ZERO));
        }
        if let Some(wait) = self.patience(now, &system, from)
            && mine != Some(epoch)
        {
            let highest = highest.unwrap_or(epoch);
            return self.refuse(from, (system, epoch), (highest, wait));
        }
        let promise = Promise {
            epoch,
            released: false,
        };
        let vote = After::Vote {
            to: from,
            system: system.clone(),
            epoch,
            known,
        };
        if let Some(seat) = self.seats.get_mut(&system) {
            seat.promised = Some(promise);
        }
        self.outbox.write(&system, promise, Some(vote));
        self.see(now, &system, epoch, effects);
    }

    /// How long the present holder keeps others away: it was heard from, and released nothing.
    pub(super) fn patience(&self, now: Time, system: &System, claimant: NodeKey) -> Option<Span> {
        let holder = self
            .seats
            .get(system)?
            .holder()
            .filter(|holder| *holder != claimant)?;
        let heard = match holder == self.me {
            true => now,
            false => self
                .heard
                .get(&holder)
                .copied()
                .unwrap_or_default()
                .max(self.began),
        };
        let wait = Ownership::HOLDER_SPAN.less(now.since(heard));
        (wait > Span::ZERO).then_some(wait)
    }

    /// A claim that has not won yields to a higher one: two that had divided the voters between
    /// them would else wait for each other. And what this node cannot use it gives up.
    fn step_aside(&mut self, system: &System, claimed: Epoch) {
        let me = self.me;
        let Some(seat) = self.seats.get_mut(system) else {
            return;
        };
        let unused = match &seat.stance {
            Stance::Holding(_) => false,
            Stance::Claiming(campaign) => campaign.epoch < claimed,
            Stance::Idle => seat.barred || !seat.wanted || self.part != Part::Full,
        };
        if unused && seat.holder() == Some(me) {
            self.give_up(system);
        }
    }

    fn refuse(
        &mut self,
        to: NodeKey,
        (system, epoch): (System, Epoch),
        (highest, wait): (Epoch, Span),
    ) {
        let answer = Answer::Refused { highest, wait };
        self.outbox.to(to).votes.push(Vote {
            system,
            epoch,
            answer,
        });
    }

    /// Tells a promise that is on disk, with the latest assignment as it is now.
    pub(super) fn promise(
        &mut self,
        to: NodeKey,
        system: System,
        epoch: Epoch,
        known: Option<Version>,
    ) {
        let Some(seat) = self.seats.get(&system) else {
            return;
        };
        // Promised to another meanwhile.
        if seat.promised.map(|promise| promise.epoch) != Some(epoch) {
            return;
        }
        let latest = news_for(known, seat.assignment.as_ref());
        let answer = Answer::Promised { latest };
        self.outbox.to(to).votes.push(Vote {
            system,
            epoch,
            answer,
        });
    }

    /// A holder, or one that wanted to be, gives up.
    pub(super) fn take_release(
        &mut self,
        now: Time,
        from: NodeKey,
        (system, epoch): (System, Epoch),
        effects: &mut Vec<OwnershipEffect>,
    ) {
        if epoch.owner != from {
            return;
        }
        let seat = self
            .seats
            .entry(system.clone())
            .or_insert_with(|| Seat::new(&system));
        if seat.highest().is_none_or(|highest| highest <= epoch) {
            let promise = Promise {
                epoch,
                released: true,
            };
            seat.promised = Some(promise);
            let to = from;
            let after = After::Acknowledge {
                to,
                system: system.clone(),
                epoch,
            };
            self.outbox.write(&system, promise, Some(after));
        } else {
            self.outbox.to(from).released.push((system.clone(), epoch));
        }
        self.evaluate(now, &system, effects);
    }
}
