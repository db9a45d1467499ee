//! The roll-call: all voters at once, when a node doubts that it still belongs to the majority,
//! or has to show that it does again.

use conduct_model::{NodeKey, Span, Time};

use crate::effect::Reason;
use crate::electorate::Seats;
use crate::membership::{Cx, Membership};
use crate::message::{Body, Class};
use crate::profile::Profile;
use crate::round::{Errand, RELAYS_MAX};
use crate::table::Who;

/// Side-mates that hear of a failed roll-call.
const ALARMED_MAX: usize = 24;

/// Why the roll is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    /// Are we still one of the majority?
    Doubt,
    /// Are we one of it again?
    Recovery,
}

/// One roll-call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Roll {
    pub(crate) began: Time,
    pub(crate) purpose: Purpose,
    pub(crate) answered: Seats,
}

/// The roll-call under way, and when the last one out of doubt began.
#[derive(Debug, Default)]
pub(crate) struct RollCalls {
    current: Option<Roll>,
    doubted: Option<Time>,
}

impl RollCalls {
    /// When a roll-call out of doubt is counted; the others end with the attempt to leave
    /// quarantine.
    pub(crate) fn wake(&self, profile: &Profile) -> Time {
        let doubt = self.current.filter(|roll| roll.purpose == Purpose::Doubt);
        doubt.map_or(Time::NEVER, |roll| roll.began + profile.roll_verdict)
    }

    pub(crate) fn current(&self) -> Option<&Roll> {
        self.current.as_ref()
    }
}

impl Membership {
    /// Something speaks against our belonging to the majority: the roll decides.
    pub(crate) fn doubt(&mut self, cx: &mut Cx<'_>) {
        let every: Span = self.settings.profile.roll_every;
        let early = self
            .rolls
            .doubted
            .is_some_and(|last| cx.now.since(last) < every);
        if early || !self.quarantine.is_free() || self.rolls.current.is_some() {
            return;
        }
        self.rolls.doubted = Some(cx.now);
        self.call_roll(cx, Purpose::Doubt);
    }

    pub(crate) fn call_roll(&mut self, cx: &mut Cx<'_>, purpose: Purpose) {
        self.drop_roll();
        self.rolls.current = Some(Roll {
            began: cx.now,
            purpose,
            answered: Seats::default(),
        });
        self.ask_all_voters(cx);
    }

    /// Asks all voters for a sign of life: other voters count from now on, and what the old ones
    /// answered counts no more.
    pub(crate) fn renew_contact(&mut self, cx: &mut Cx<'_>) {
        self.drop_roll();
        self.ask_all_voters(cx);
    }

    fn ask_all_voters(&mut self, cx: &mut Cx<'_>) {
        for voter in self.other_voters() {
            if let Some(who) = self.table.find(&voter) {
                self.begin_round(cx, who, Errand::Roll);
            }
        }
    }

    /// Ends the roll-call without counting it.
    pub(crate) fn drop_roll(&mut self) {
        self.rolls.current = None;
        self.rounds.retain(|round| round.errand != Errand::Roll);
    }

    pub(crate) fn roll_step(&mut self, cx: &mut Cx<'_>, seq: u16, step: u8) {
        let profile = self.settings.profile;
        let Some(round) = self.rounds.get_mut(seq) else {
            return;
        };
        match step {
            0 => {
                round.next = round.sent + profile.roll_resend;
                self.send_probe(cx, seq, Class::Datagram);
            }
            1 => {
                round.next = round.sent + profile.roll_verdict;
                self.send_probe(cx, seq, Class::Datagram);
                self.send_probe(cx, seq, Class::Stream);
                self.relay_roll(cx, seq);
            }
            _ => {
                self.rounds.take(seq);
            }
        }
    }

    /// Who answered the roll is asked to try those that did not.
    fn relay_roll(&mut self, cx: &mut Cx<'_>, seq: u16) {
        let Some(roll) = self.rolls.current else {
            return;
        };
        let seats = self.electorate.seats().iter().enumerate();
        let answered = seats.filter(|(seat, _)| roll.answered.has(*seat));
        let mut relays: Vec<Who> = answered
            .filter_map(|(_, seat)| self.table.find(&seat.key))
            .collect();
        self.dice.draw(&mut relays, RELAYS_MAX);
        self.send_relays(cx, seq, relays);
    }

    /// A voter answered the roll.
    pub(crate) fn roll_answered(&mut self, cx: &mut Cx<'_>, voter: &NodeKey, sent: Time) {
        let Some(seat) = self.electorate.seat(voter) else {
            return;
        };
        let Some(roll) = &mut self.rolls.current else {
            return;
        };
        if sent < roll.began {
            return;
        }
        roll.answered.add(seat);
        if roll.purpose == Purpose::Recovery {
            self.recovery_answered(cx);
        }
    }

    fn own_seat_and(&self, mut seats: Seats) -> Seats {
        if let Some(own) = self.electorate.seat(&self.settings.key) {
            seats.add(own);
        }
        seats
    }

    /// Whether these voters, and this node if it is one, are a quorum.
    pub(crate) fn is_quorum_with_me(&self, seats: Seats) -> bool {
        self.electorate.is_quorum_of(self.own_seat_and(seats))
    }

    /// Counts the roll when its time is over.
    pub(crate) fn roll_due(&mut self, cx: &mut Cx<'_>) {
        let profile = self.settings.profile;
        let Some(roll) = self.rolls.current else {
            return;
        };
        if roll.purpose != Purpose::Doubt || cx.now < roll.began + profile.roll_verdict {
            return;
        }
        self.drop_roll();
        // Without a vote, one voter that has contact itself speaks for the quorum.
        let vouched = !self.electorate.is_voter(&self.settings.key)
            && !roll.answered.is_empty()
            && self.contact.is_fresh(cx.now, profile.contact_window);
        if self.is_quorum_with_me(roll.answered) || vouched {
            return;
        }
        self.quarantine_for(cx, Reason::RollCallFailed);
        self.alarm(cx);
    }

    /// Tells the side-mates: their own probes may still happen to hit this side only.
    fn alarm(&mut self, cx: &mut Cx<'_>) {
        let mates = self
            .rotation
            .targets()
            .iter()
            .map(|target| &self.table[target.who]);
        let mut mates: Vec<NodeKey> = mates
            .filter(|mate| mate.standing.is_present())
            .map(|mate| mate.key)
            .collect();
        self.dice.draw(&mut mates, ALARMED_MAX);
        for mate in mates {
            self.send(cx, mate, Class::Datagram, Body::Alarm);
        }
    }
}
