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
        let likely = epoch.is_likely(self.highest(&system), Epoch::JUMP_MAX);
        self.refused += u64::from(!likely);
        if epoch.number > Epoch::NUMBER_MAX {
            return;
        }
        self.step_aside(&system, epoch);
        let seat = self
            .seats
            .entry(system.clone())
            .or_insert_with(|| Seat::new(&system));
        let again = seat.promised.is_some_and(|promise| promise.epoch == epoch);
        let claimed = match &seat.stance {
            Stance::Claiming(campaign) => Some(campaign.epoch),
            Stance::Holding(_) | Stance::Idle => None,
        };
        let highest = seat.highest().max(claimed);
        // A number is never won twice: records are ordered by it.
        let late = highest.filter(|highest| *highest != epoch && highest.number >= epoch.number);
        if let Some(highest) = late {
            return self.refuse(from, (system, epoch), (highest, Span::ZERO));
        }
        if let Some(wait) = self.patience(now, &system, from).filter(|_| !again) {
            let highest = highest.unwrap_or(epoch);
            return self.refuse(from, (system, epoch), (highest, wait));
        }
        if !likely {
            if let Some(seat) = self.seats.get_mut(&system) {
                let furthest = Epoch::furthest(seat.highest(), Epoch::JUMP_MAX, from);
                seat.learn(now, |seat| seat.seen = seat.seen.max(Some(furthest)));
            }
            return;
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
            seat.learn(now, |seat| seat.promised = Some(promise));
        }
        self.outbox.write(&system, promise, Some(vote));
        self.see(now, &system, epoch, effects);
    }

    /// How long the present holder keeps others away: it was heard from, released nothing, and
    /// did not merely promise to become one.
    pub(super) fn patience(&self, now: Time, system: &System, claimant: NodeKey) -> Option<Span> {
        let seat = self.seats.get(system)?;
        let holder = seat.holder().filter(|holder| *holder != claimant)?;
        let holds = matches!(seat.stance, Stance::Holding(_));
        if !holds && seat.doubtful_from().is_some_and(|from| from <= now) {
            return None;
        }
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
}
