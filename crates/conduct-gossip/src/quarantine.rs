//! Quarantine: this node cannot know whether it is one of the majority, so it changes nothing.
//! It ends when a quorum of the voters answered one roll-call that began after its cause was
//! over, and the state of each of those was pulled.

use conduct_model::{NodeKey, Time};

use crate::effect::{Effect, Reason, Ticket};
use crate::electorate::Seats;
use crate::identity::Standing;
use crate::membership::{Cx, Membership};
use crate::news::Item;
use crate::rollcall::Purpose;

/// Whether this node may go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Free {
        since: Time,
    },
    Held {
        reason: Reason,
        attempt: Option<Attempt>,
    },
}

/// One attempt to leave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Attempt {
    began: Time,
    /// Whose state was asked for.
    asked: Seats,
    /// Whose state is here.
    synced: Seats,
}

/// The quarantine, and the number of the last attempt to leave it.
#[derive(Debug)]
pub(crate) struct Quarantine {
    state: State,
    ticket: u64,
}

impl Quarantine {
    pub(crate) fn held(reason: Reason) -> Quarantine {
        Quarantine {
            state: State::Held {
                reason,
                attempt: None,
            },
            ticket: 0,
        }
    }

    pub(crate) fn free(since: Time) -> Quarantine {
        Quarantine {
            state: State::Free { since },
            ticket: 0,
        }
    }

    pub(crate) fn is_free(&self) -> bool {
        matches!(self.state, State::Free { .. })
    }

    pub(crate) fn free_since(&self) -> Option<Time> {
        match self.state {
            State::Free { since } => Some(since),
            State::Held { .. } => None,
        }
    }

    pub(crate) fn reason(&self) -> Option<Reason> {
        match self.state {
            State::Free { .. } => None,
            State::Held { reason, .. } => Some(reason),
        }
    }

    /// Whether this life has not been free yet.
    pub(crate) fn is_of_new_life(&self) -> bool {
        matches!(
            self.reason(),
            Some(Reason::Starting | Reason::VotedDown | Reason::Refused)
        )
    }

    fn attempt_mut(&mut self) -> Option<&mut Attempt> {
        match &mut self.state {
            State::Held { attempt, .. } => attempt.as_mut(),
            State::Free { .. } => None,
        }
    }
}

impl Membership {
    /// Enters quarantine, or gives it another cause: every attempt to leave begins anew.
    pub(crate) fn quarantine_for(&mut self, cx: &mut Cx<'_>, reason: Reason) {
        self.drop_roll();
        // A life that was never free stays so whatever else happens to it.
        let reason = match self.quarantine.reason() {
            Some(old) if self.quarantine.is_of_new_life() && reason < Reason::VotedDown => old,
            _ => reason,
        };
        if self.quarantine.reason() != Some(reason) {
            cx.push(Effect::Quarantined(reason));
        }
        self.quarantine.state = State::Held {
            reason,
            attempt: None,
        };
        self.abandon_proposal();
    }

    /// The attempt to leave begins anew: other voters count.
    pub(crate) fn restart_recovery(&mut self) {
        if let State::Held { attempt, .. } = &mut self.quarantine.state {
            *attempt = None;
            self.drop_roll();
        }
    }

    /// Calls the roll until a quorum answers.
    pub(crate) fn recovery_due(&mut self, cx: &mut Cx<'_>) {
        let State::Held { attempt, .. } = self.quarantine.state else {
            return;
        };
        if self.recovery_wake() > cx.now || self.electorate.register().is_none() {
            return;
        }
        let profile = self.settings.profile;
        if let Some(attempt) = attempt {
            let pulling = !attempt.asked.is_empty();
            let patience = if pulling {
                profile.sync_within
            } else {
                profile.roll_verdict
            };
            if cx.now < attempt.began + patience {
                return;
            }
        }
        self.quarantine.ticket += 1;
        let fresh = Attempt {
            began: cx.now,
            asked: Seats::default(),
            synced: Seats::default(),
        };
        if let State::Held { attempt, .. } = &mut self.quarantine.state {
            *attempt = Some(fresh);
        }
        self.call_roll(cx, Purpose::Recovery);
        self.recovery_answered(cx);
    }

    pub(crate) fn recovery_wake(&self) -> Time {
        let State::Held { attempt, .. } = &self.quarantine.state else {
            return Time::NEVER;
        };
        if self.electorate.register().is_none() {
            return Time::NEVER;
        }
        let profile = &self.settings.profile;
        match attempt {
            None => self.muted_until,
            Some(attempt) if attempt.asked.is_empty() => attempt.began + profile.roll_verdict,
            Some(attempt) => attempt.began + profile.sync_within,
        }
    }

    /// Another voter answered: once they are a quorum, their state is pulled.
    pub(crate) fn recovery_answered(&mut self, cx: &mut Cx<'_>) {
        let Some(roll) = self.rolls.current().copied() else {
            return;
        };
        if !self.is_quorum_with_me(roll.answered) {
            return;
        }
        let ticket = Ticket(self.quarantine.ticket);
        let Some(attempt) = self.quarantine.attempt_mut() else {
            return;
        };
        let seats = self.electorate.seats().iter().enumerate();
        for (seat, voter) in seats.filter(|(seat, _)| roll.answered.has(*seat)) {
            if !attempt.asked.has(seat) {
                attempt.asked.add(seat);
                cx.push(Effect::Sync {
                    ticket,
                    with: voter.key,
                });
            }
        }
        self.try_release(cx);
    }

    /// The state of a voter is here.
    pub(crate) fn hear_synced(&mut self, cx: &mut Cx<'_>, ticket: Ticket, with: NodeKey) {
        let Some(seat) = self.electorate.seat(&with) else {
            return;
        };
        if ticket.0 != self.quarantine.ticket {
            return;
        }
        let Some(attempt) = self.quarantine.attempt_mut() else {
            return;
        };
        if attempt.asked.has(seat) {
            attempt.synced.add(seat);
            self.try_release(cx);
        }
    }

    fn try_release(&mut self, cx: &mut Cx<'_>) {
        let State::Held {
            attempt: Some(attempt),
            ..
        } = self.quarantine.state
        else {
            return;
        };
        let fresh = self
            .contact
            .is_fresh(cx.now, self.settings.profile.contact_window);
        let alone = self.electorate.is_quorum(|key| *key == self.settings.key);
        if !self.is_quorum_with_me(attempt.synced) || !(fresh || alone) {
            return;
        }
        self.drop_roll();
        self.quarantine.state = State::Free { since: cx.now };
        self.failed_in_a_row = 0;
        if alone {
            self.contact.renew(cx.now);
        }
        cx.push(Effect::Released);
        self.tell_contact(cx);
        if self.table[self.me].standing == Standing::Joining {
            self.table
                .change(self.me, |entry| entry.standing = Standing::Alive);
            self.news.tell(Item::Standing(self.me));
        }
    }
}
