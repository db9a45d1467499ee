//! The candidate's side: what the voters answer, and when that is enough or hopeless.

use std::sync::Arc;

use conduct_model::{NodeKey, Span, System, Time};

use crate::assignment::Assignment;
use crate::epoch::Epoch;
use crate::message::{Answer, Vote};
use crate::ownership::campaign::pause;
use crate::ownership::seat::Stance;
use crate::ownership::{After, Ownership, OwnershipEffect, Promise};

impl Ownership {
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
        let answer = self.checked(&system, epoch, answer);
        if let Answer::Refused { highest, wait } = &answer
            && *highest != epoch
        {
            return self.give_way(now, &system, (epoch, *highest, *wait), effects);
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
        self.win(now, &system, effects);
        self.retreat_if_hopeless(now, &system);
        self.tell_releases(now, &system);
        self.schedule(now, &system);
    }

    /// An answer without what no voter can have meant: it stays an answer, so that its claim does
    /// not wait for another.
    fn checked(&mut self, system: &System, epoch: Epoch, answer: Answer) -> Answer {
        match answer {
            Answer::Refused { highest, wait } => {
                let followed = highest.followed(self.highest(system), self.me);
                self.refused += u64::from(followed != highest);
                Answer::Refused {
                    highest: followed,
                    wait: wait.min(Ownership::HOLDER_SPAN),
                }
            }
            // Whoever promised this epoch has seen nothing of a later one.
            Answer::Promised { latest } => {
                let sound =
                    |latest: &Assignment| latest.version.epoch <= epoch && latest.is_sound();
                let lies = latest.as_deref().is_some_and(|latest| !sound(latest));
                self.refused += u64::from(lies);
                match lies {
                    true => Answer::Refused {
                        highest: epoch,
                        wait: Span::ZERO,
                    },
                    false => Answer::Promised { latest },
                }
            }
        }
    }

    /// Promises to itself if that makes a quorum, and owns the system once it does.
    pub(super) fn win(&mut self, now: Time, system: &System, effects: &mut Vec<OwnershipEffect>) {
        let me = self.me;
        let Some(seat) = self.seats.get_mut(system) else {
            return;
        };
        let Stance::Claiming(campaign) = &mut seat.stance else {
            return;
        };
        let epoch = campaign.epoch;
        let with_mine = campaign.promised.iter().chain([&me]);
        if !self.voters.is_quorum(with_mine) {
            return;
        }
        if !campaign.promised.contains(&me) {
            if !std::mem::replace(&mut campaign.sealed, true) {
                let promise = Promise {
                    epoch,
                    released: false,
                };
                seat.learn(now, |seat| seat.promised = Some(promise));
                let after = After::Seal {
                    system: system.clone(),
                    epoch,
                };
                self.outbox.write(system, promise, Some(after));
            }
            return;
        }
        let assignment = joined(seat.assignment.clone(), campaign.latest.clone());
        seat.stance = Stance::Holding(epoch);
        seat.vacant_since = None;
        let system = system.clone();
        effects.push(OwnershipEffect::Won {
            system,
            epoch,
            assignment,
        });
    }

    /// Another epoch stands in the way, or its holder is heard from: the claim is over. If that
    /// one is silent the next claim goes above it.
    fn give_way(
        &mut self,
        now: Time,
        system: &System,
        (epoch, highest, wait): (Epoch, Epoch, Span),
        effects: &mut Vec<OwnershipEffect>,
    ) {
        let Some(seat) = self.seats.get_mut(system) else {
            return;
        };
        if matches!(&seat.stance, Stance::Claiming(campaign) if campaign.epoch == epoch) {
            let pause = pause(seat.hash, self.me, epoch);
            seat.retry_at = Some(now + pause.max(wait));
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
