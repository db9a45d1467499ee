//! Who decides for a system: one voter at a time, by promises of a quorum.
//!
//! Hashing over the voters says who should try; a promise says who may. A voter that promised an
//! epoch confirms nothing of an earlier one, and tells whoever it promised the latest assignment
//! that it has: so whatever was confirmed under earlier epochs is among what a new owner is told,
//! and nothing can be confirmed under them any more. While voters hear from the present holder
//! they refuse others, so a join or a hasty verdict moves nothing.

mod campaign;
mod counting;
mod interface;
mod outbox;
mod release;
mod seat;
mod voter;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use conduct_model::{NodeKey, Span, System, Time, Voters};

use crate::assignment::Assignment;
use crate::epoch::Epoch;
use crate::message::Message;
use crate::token::Token;
use outbox::Outbox;
use seat::{Seat, Stance};

pub use interface::{OwnershipEffect, Part, Promise};

/// The voter and the candidate of one node, for all systems.
#[derive(Clone, Debug)]
pub struct Ownership {
    me: NodeKey,
    voters: Voters,
    /// Nodes that do not answer this one.
    silent: BTreeSet<NodeKey>,
    heard: BTreeMap<NodeKey, Time>,
    began: Time,
    part: Part,
    seats: BTreeMap<System, Seat>,
    due: BTreeSet<(Time, System)>,
    waiting: BTreeMap<Token, Vec<After>>,
    last_token: Token,
    outbox: Outbox,
    /// What others named and cannot be.
    refused: u64,
}

/// What waits for a write.
#[derive(Clone, Debug)]
enum After {
    /// A promise may be told.
    Vote {
        to: NodeKey,
        system: System,
        epoch: Epoch,
        known: Option<crate::Version>,
    },
    /// This node's own promise counts.
    Seal { system: System, epoch: Epoch },
    /// A release may be acknowledged.
    Acknowledge {
        to: NodeKey,
        system: System,
        epoch: Epoch,
    },
}

impl Ownership {
    /// While a voter has heard from a holder within this time, it refuses others.
    pub const HOLDER_SPAN: Span = Span::secs(3);

    /// How long the voter that comes first by hashing is left to try alone, and each after it.
    pub const STAGGER: Span = Span::secs(2);

    /// How often voters that have not answered are asked again.
    pub const ASK_AGAIN: Span = Span::secs(1);

    /// How long a promise is respected before there is an assignment of its epoch.
    pub const PROOF_SPAN_MAX: Span = Span::secs(6);

    /// How long a claim is kept up before it is given up and made anew.
    pub const CLAIM_SPAN_MAX: Span = Span::secs(5);

    /// A node with the promises that are on its disk.
    pub fn new(now: Time, me: NodeKey, promises: Vec<(System, Promise)>) -> Ownership {
        let mut ownership = Ownership {
            me,
            voters: Voters::default(),
            silent: BTreeSet::new(),
            heard: BTreeMap::new(),
            began: now,
            part: Part::Suspended,
            seats: BTreeMap::new(),
            due: BTreeSet::new(),
            waiting: BTreeMap::new(),
            last_token: Token::default(),
            outbox: Outbox::default(),
            refused: 0,
        };
        for (system, promise) in promises {
            let mut seat = Seat::new(&system);
            seat.learn(now, |seat| seat.promised = Some(promise));
            ownership.seats.insert(system, seat);
        }
        ownership
    }

    /// Something came from `node` at `now`. Only voters matter.
    pub fn heard(&mut self, now: Time, node: NodeKey) {
        self.heard.insert(node, now);
    }

    /// Whether a write of `epoch` may be confirmed here. A voter must ask this before it
    /// acknowledges an assignment to its owner.
    pub fn may_confirm(&self, system: &System, epoch: Epoch) -> bool {
        let promised = self.seats.get(system).and_then(|seat| seat.promised);
        promised.is_none_or(|promise| promise.epoch <= epoch)
    }

    /// The highest epoch known of a system.
    pub fn highest(&self, system: &System) -> Option<Epoch> {
        self.seats.get(system).and_then(Seat::highest)
    }

    /// Who holds a system, as far as this node knows.
    pub fn holder(&self, system: &System) -> Option<NodeKey> {
        self.seats.get(system).and_then(Seat::holder)
    }

    /// How often others named numbers that cannot be. Nothing came of them.
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    /// When something has to be done next.
    pub fn next_due(&self) -> Option<Time> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Takes the register of voters.
    pub fn take_voters(&mut self, now: Time, voters: Voters, effects: &mut Vec<OwnershipEffect>) {
        if voters.epoch < self.voters.epoch || voters == self.voters {
            return;
        }
        self.heard.retain(|node, _| voters.contains(node));
        self.voters = voters;
        for system in self.all() {
            self.recount(now, &system);
        }
        self.evaluate_all(now, effects);
        self.flush(effects);
    }

    /// Takes the verdict on a node: whether it answers this one.
    pub fn take_verdict(
        &mut self,
        now: Time,
        (node, answers): (NodeKey, bool),
        effects: &mut Vec<OwnershipEffect>,
    ) {
        let changed = match answers {
            true => self.silent.remove(&node),
            false => self.silent.insert(node),
        };
        if changed && self.voters.contains(&node) {
            self.evaluate_all(now, effects);
            self.flush(effects);
        }
    }

    /// Takes what this node takes part in.
    pub fn take_part(&mut self, now: Time, part: Part, effects: &mut Vec<OwnershipEffect>) {
        if self.part == part {
            return;
        }
        self.part = part;
        if part == Part::Suspended {
            for system in self.all() {
                self.suspend(&system, effects);
            }
        }
        self.evaluate_all(now, effects);
        self.flush(effects);
    }

    /// Stops deciding. What is held stays held; what is only claimed is given up.
    fn suspend(&mut self, system: &System, effects: &mut Vec<OwnershipEffect>) {
        let Some(seat) = self.seats.get_mut(system) else {
            return;
        };
        match &seat.stance {
            Stance::Holding(_) => {
                let system = system.clone();
                effects.push(OwnershipEffect::Lost { system });
                seat.stance = Stance::Idle;
            }
            Stance::Claiming(_) => self.give_up(system),
            Stance::Idle => {}
        }
    }

    /// Whether there is anything to decide for a system, and whether this node may: one that
    /// cannot read a system's records leaves it to others.
    pub fn take_need(
        &mut self,
        now: Time,
        system: &System,
        (wanted, barred): (bool, bool),
        effects: &mut Vec<OwnershipEffect>,
    ) {
        if !wanted && !self.seats.contains_key(system) {
            return;
        }
        let seat = self
            .seats
            .entry(system.clone())
            .or_insert_with(|| Seat::new(system));
        if (seat.wanted, seat.barred) != (wanted, barred) {
            seat.forgotten &= !wanted;
            (seat.wanted, seat.barred) = (wanted, barred);
            self.evaluate(now, system, effects);
            self.flush(effects);
        }
    }

    /// Takes an assignment that this node holds now, whoever wrote it, before it is on disk.
    pub fn observe(
        &mut self,
        now: Time,
        system: &System,
        assignment: Arc<Assignment>,
        effects: &mut Vec<OwnershipEffect>,
    ) {
        let seat = self
            .seats
            .entry(system.clone())
            .or_insert_with(|| Seat::new(system));
        let known = seat.assignment.as_ref();
        if known.is_some_and(|known| known.version >= assignment.version) {
            return;
        }
        if !assignment.is_sound() {
            self.refused += 1;
            return;
        }
        let epoch = assignment.version.epoch;
        seat.learn(now, |seat| seat.assignment = Some(assignment));
        self.see(now, system, epoch, effects);
        self.flush(effects);
    }

    /// Another epoch was heard of: from a host, or from a voter that would not confirm.
    pub fn outvoted(
        &mut self,
        now: Time,
        system: &System,
        epoch: Epoch,
        effects: &mut Vec<OwnershipEffect>,
    ) {
        let Some(seat) = self.seats.get(system) else {
            return;
        };
        let followed = epoch.followed(seat.highest(), self.me);
        self.refused += u64::from(followed != epoch);
        self.see(now, system, followed, effects);
        self.flush(effects);
    }

    /// Something is known of this node's own epoch that it did not decide: the number was used
    /// before everything was forgotten, and somebody remembers. Claims a later one.
    pub fn reclaim(&mut self, now: Time, system: &System, effects: &mut Vec<OwnershipEffect>) {
        let Some(seat) = self.seats.get_mut(system) else {
            return;
        };
        if matches!(seat.stance, Stance::Holding(_)) {
            let system = system.clone();
            effects.push(OwnershipEffect::Lost { system });
            seat.stance = Stance::Idle;
        }
        self.evaluate(now, system, effects);
        self.flush(effects);
    }

    /// Takes a message from another node, or answers that it is none of ours.
    pub fn receive(
        &mut self,
        now: Time,
        from: NodeKey,
        message: Message,
        effects: &mut Vec<OwnershipEffect>,
    ) {
        match message {
            Message::Claims(claims) => {
                for claim in claims.claims {
                    self.consider(now, from, claim, effects);
                }
            }
            Message::Votes(votes) => {
                for vote in votes.votes {
                    self.count(now, (from, votes.voters), vote, effects);
                }
            }
            Message::Releases(releases) => {
                for (system, epoch) in releases {
                    self.take_release(now, from, (system, epoch), effects);
                }
            }
            Message::Released(released) => {
                for (system, epoch) in released {
                    self.released(from, &system, epoch);
                }
            }
            Message::Orders(_) | Message::News(_) => {}
        }
        self.flush(effects);
    }

    /// A write is on disk.
    pub fn stored(&mut self, now: Time, token: Token, effects: &mut Vec<OwnershipEffect>) {
        for after in self.waiting.remove(&token).unwrap_or_default() {
            match after {
                After::Vote {
                    to,
                    system,
                    epoch,
                    known,
                } => self.promise(to, system, epoch, known),
                After::Seal { system, epoch } => self.seal(now, &system, epoch, effects),
                After::Acknowledge { to, system, epoch } => {
                    self.outbox.to(to).released.push((system, epoch));
                }
            }
        }
        self.flush(effects);
    }

    /// Does what is due.
    pub fn tick(&mut self, now: Time, effects: &mut Vec<OwnershipEffect>) {
        while self.due.first().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, system)) = self.due.pop_first() {
                if let Some(seat) = self.seats.get_mut(&system) {
                    seat.due = None;
                }
                self.evaluate(now, &system, effects);
            }
        }
        self.flush(effects);
    }

    fn all(&self) -> Vec<System> {
        self.seats.keys().cloned().collect()
    }

    fn evaluate_all(&mut self, now: Time, effects: &mut Vec<OwnershipEffect>) {
        for system in self.all() {
            self.evaluate(now, &system, effects);
        }
    }

    /// Notes an epoch; one that is later than the own ends claim and ownership.
    fn see(
        &mut self,
        now: Time,
        system: &System,
        epoch: Epoch,
        effects: &mut Vec<OwnershipEffect>,
    ) {
        let seat = self
            .seats
            .entry(system.clone())
            .or_insert_with(|| Seat::new(system));
        seat.learn(now, |seat| seat.seen = seat.seen.max(Some(epoch)));
        let held = match &seat.stance {
            Stance::Idle => None,
            Stance::Claiming(campaign) => Some(campaign.epoch),
            Stance::Holding(epoch) => Some(*epoch),
        };
        if held.is_some_and(|held| held < epoch) {
            if matches!(seat.stance, Stance::Holding(_)) {
                let system = system.clone();
                effects.push(OwnershipEffect::Lost { system });
                seat.lost = true;
                seat.stance = Stance::Idle;
            } else {
                self.give_up(system);
            }
        }
        self.evaluate(now, system, effects);
    }

    fn persist(
        &mut self,
        promises: Vec<(System, Option<Promise>)>,
        after: Vec<After>,
        effects: &mut Vec<OwnershipEffect>,
    ) {
        let token = self.last_token.next();
        self.last_token = token;
        self.waiting.insert(token, after);
        effects.push(OwnershipEffect::Persist { token, promises });
    }

    fn flush(&mut self, effects: &mut Vec<OwnershipEffect>) {
        if let Some((promises, after)) = self.outbox.take_writes() {
            self.persist(promises, after, effects);
        }
        self.outbox.flush(self.voters.epoch, effects);
    }
}

#[cfg(test)]
mod tests;
