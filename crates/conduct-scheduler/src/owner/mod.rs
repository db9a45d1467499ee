//! An owner: everything that is decided for one system, one small step at a time.
//!
//! It compares what is wished for with what it decided and with what the nodes tell, changes its
//! decision, has the change confirmed by a quorum, and only then orders. So a new owner that
//! reads the assignment knows everything that an old one may have ordered.

mod account;
mod apply;
mod gate;
mod news;
mod orders;
mod outcome;
mod parked;
mod track;

use std::collections::BTreeMap;
use std::sync::Arc;

use conduct_model::{BundleId, InstanceId, NodeKey, Span, System, Time};

use crate::assignment::{Account, Assignment, Content, Slot, SlotId};
use crate::epoch::{Epoch, Version};
use crate::event::{Event, Happening, Teller};
use crate::fleet::{Fleet, Refusal};
use crate::hash;
use crate::message::{Item, Order};
use crate::plan::{self, Pauses, Situation};
use crate::terms::Wishes;
use parked::Trials;
use track::Track;

/// The owner of one system.
#[derive(Clone, Debug)]
pub struct Owner {
    system: Arc<System>,
    teller: Teller,
    salt: u64,
    began: Time,
    /// As decided; confirmed up to `confirmed`.
    assignment: Assignment,
    /// The decision that changes now become part of.
    next: Version,
    changed: bool,
    /// What waits for a quorum, and when it was proposed last.
    proposed: Option<(Arc<Assignment>, Time)>,
    confirmed: Option<Version>,
    wishes: Wishes,
    tracks: BTreeMap<SlotId, Track>,
    declined: BTreeMap<BundleId, Vec<Decline>>,
    /// How many instances of a bundle no node can take.
    missing: BTreeMap<BundleId, u32>,
    trials: Trials,
    /// Whether another plan could differ from the last one.
    replan: bool,
    /// When a plan last left something unplaced, and how the fleet was then.
    short: Option<(Time, u64)>,
    /// Instances to end that this owner does not know.
    strangers: Vec<(NodeKey, InstanceId)>,
}

/// What can happen to an owner, beside what shows in the fleet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OwnerInput {
    /// Nodes or its instances changed in the fleet, or a moment has come.
    Look,
    /// Something may fit now that did not.
    Room,
    /// Other wishes hold.
    Wishes(Wishes),
    /// A host told something; the fleet knows it already.
    News {
        /// Who; proven by the transport.
        from: NodeKey,
        /// What it told of this system.
        items: Vec<Item>,
    },
    /// A proposal is on the disks of a quorum.
    Confirmed(Version),
    /// The voters changed: what was confirmed by the old ones is confirmed anew.
    Recount,
}

/// What an owner does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OwnerEffect {
    /// Put this on the disks of a quorum of voters that promised no later epoch.
    Propose(Arc<Assignment>),
    /// Order something of a node.
    Order {
        /// Whom.
        node: NodeKey,
        /// What.
        order: Order,
    },
    /// A host obeys a later owner.
    Outvoted(Epoch),
    /// A host obeyed this epoch before this owner had it: it was forgotten and used again.
    Reclaim,
    /// Tell whoever listens.
    Event(Box<Event>),
}

/// A node that declined a bundle a moment ago.
#[derive(Clone, Debug)]
struct Decline {
    node: NodeKey,
    refusal: Refusal,
    until: Time,
}

impl Owner {
    /// How often an unconfirmed proposal is proposed again, and an unanswered order sent again.
    pub const REPEAT: Span = Span::secs(1);

    /// How long a node that declined is not asked again.
    pub const DECLINE_SPAN: Span = Span::secs(2);

    /// How long after a node is gone its last lease has surely run out.
    pub const LEASE_SPAN: Span = Span::secs(16);

    /// How long a new owner waits to hear of a node that the assignment names and no member is.
    pub const STRANGE_NODE_SPAN: Span = Span::secs(30);

    /// How long after a plan that left something unplaced the next is made, at the earliest.
    pub const SHORT_SPAN: Span = Span::secs(1);

    /// Begins with what a quorum told. `start` is the life of its node: it makes the names of
    /// instances unique even where an epoch is used twice because all had forgotten it.
    pub fn new(
        now: Time,
        start: u64,
        (system, epoch): (Arc<System>, Epoch),
        assignment: Option<Arc<Assignment>>,
        wishes: Wishes,
    ) -> Owner {
        let next = Version { epoch, sequence: 1 };
        let empty = || Assignment::empty(Version { epoch, sequence: 0 });
        let assignment = assignment.map_or_else(empty, Arc::unwrap_or_clone);
        let tracks = assignment
            .slots
            .keys()
            .map(|id| (*id, Track::inherited(now)))
            .collect();
        let accounts = assignment.accounts.iter();
        let missing = accounts
            .filter(|(_, account)| account.missing > 0)
            .map(|(bundle, account)| (*bundle, account.missing))
            .collect();
        Owner {
            missing,
            teller: Teller::of(system.clone()),
            system,
            salt: hash::mix(start) ^ now.as_millis(),
            began: now,
            assignment,
            next,
            // Proposed even if nothing changes: so everybody learns who decides.
            changed: true,
            proposed: None,
            confirmed: None,
            wishes,
            tracks,
            declined: BTreeMap::new(),
            trials: Trials::new(now),
            replan: true,
            short: None,
            strangers: Vec::new(),
        }
    }

    /// Takes one input and does what follows from it.
    pub fn step(
        &mut self,
        now: Time,
        fleet: &mut Fleet,
        input: OwnerInput,
        effects: &mut Vec<OwnerEffect>,
    ) {
        match input {
            OwnerInput::Look => self.replan = true,
            OwnerInput::Wishes(wishes) => self.take_wishes(now, wishes, effects),
            OwnerInput::News { from, items } => {
                for item in items {
                    self.news(now, fleet, (from, item), effects);
                }
            }
            OwnerInput::Confirmed(version) => self.take_confirmation(version),
            OwnerInput::Recount => self.changed = true,
            OwnerInput::Room => {}
        }
        self.work(now, fleet, effects);
    }

    /// What is decided.
    pub const fn assignment(&self) -> &Assignment {
        &self.assignment
    }

    /// What is wished for.
    pub const fn wishes(&self) -> &Wishes {
        &self.wishes
    }

    /// What is held back for a while.
    pub fn pauses(&self, now: Time) -> Pauses {
        let mut pauses = Pauses::default();
        let waits = |id: &SlotId| self.tracks.get(id).is_some_and(|track| track.resume > now);
        pauses
            .slots
            .extend(self.assignment.slots.keys().filter(|id| waits(id)));
        for (bundle, account) in &self.assignment.accounts {
            if account.failed_starts > 0 {
                pauses.single.insert(*bundle);
            }
            if self.is_held_back(now, *bundle, account) {
                pauses.bundles.insert(*bundle);
            }
        }
        for (bundle, declines) in &self.declined {
            let fresh = declines.iter().filter(|decline| decline.until > now);
            let fresh = fresh.map(|decline| (decline.node, decline.refusal.clone()));
            pauses.declined.insert(*bundle, fresh.collect());
        }
        pauses
    }

    /// Whether something is unplaced or given up that a change of the fleet may help.
    pub fn is_hopeful(&self) -> bool {
        self.short.is_some() || !self.parked().is_empty()
    }

    /// Whether a decision of this owner's epoch is none of its own.
    pub fn has_not_decided(&self, version: Version) -> bool {
        version.epoch == self.next.epoch && version >= self.next
    }

    /// Whether any of its instances is on `node`.
    pub fn uses(&self, node: &NodeKey) -> bool {
        self.assignment
            .filled()
            .any(|(_, filled)| filled.node == *node)
    }

    fn is_held_back(&self, now: Time, bundle: BundleId, account: &Account) -> bool {
        match account.is_parked() {
            true => !self.trials.is_trying(bundle),
            false => self.trials.resumes(bundle) > now,
        }
    }

    fn work(&mut self, now: Time, fleet: &mut Fleet, effects: &mut Vec<OwnerEffect>) {
        self.outcomes(now, fleet, effects);
        self.try_parked(now, fleet, effects);
        self.make_plan(now, fleet, effects);
        self.grant(now, fleet, effects);
        self.propose(now, effects);
        self.order_all(now, fleet, effects);
    }

    fn make_plan(&mut self, now: Time, fleet: &mut Fleet, effects: &mut Vec<OwnerEffect>) {
        let waited = |(at, _): &(Time, u64)| now.since(*at) >= Owner::SHORT_SPAN;
        let helped = |(_, changes): &(Time, u64)| *changes != fleet.changes();
        let short = self.short.as_ref();
        if !self.replan && !short.is_some_and(|short| waited(short) && helped(short)) {
            return;
        }
        self.replan = false;
        for declines in self.declined.values_mut() {
            declines.retain(|decline| decline.until > now);
        }
        self.declined.retain(|_, declines| !declines.is_empty());
        let pauses = self.pauses(now);
        let plan = plan::plan(fleet, &self.situation(&pauses));
        self.short = (!plan.shortages.is_empty()).then(|| (now, fleet.changes()));
        self.apply(plan, effects);
    }

    fn situation<'a>(&'a self, pauses: &'a Pauses) -> Situation<'a> {
        Situation {
            system: &self.system,
            wishes: &self.wishes,
            assignment: &self.assignment,
            version: self.next,
            salt: self.salt,
            pauses,
        }
    }

    /// One proposal at a time: what changes meanwhile is in the next.
    fn propose(&mut self, now: Time, effects: &mut Vec<OwnerEffect>) {
        if let Some((proposal, at)) = &mut self.proposed {
            if now.since(*at) >= Owner::REPEAT {
                *at = now;
                effects.push(OwnerEffect::Propose(proposal.clone()));
            }
        } else if std::mem::take(&mut self.changed) {
            self.assignment.version = self.next;
            self.next = self.next.next();
            let proposal = Arc::new(self.assignment.clone());
            self.proposed = Some((proposal.clone(), now));
            effects.push(OwnerEffect::Propose(proposal));
        }
    }

    fn take_confirmation(&mut self, version: Version) {
        if self
            .proposed
            .take_if(|(proposal, _)| proposal.version == version)
            .is_some()
        {
            self.confirmed = Some(version);
        }
    }

    /// A slot to change; whatever is changed is proposed.
    fn slot_mut(&mut self, id: SlotId) -> Option<&mut Slot> {
        let slot = self.assignment.slots.get_mut(&id)?;
        slot.version = self.next;
        self.changed = true;
        self.replan = true;
        Some(slot)
    }

    /// Empties a slot. One that has to wait remembers for how long; of any other nothing is left.
    fn empty(&mut self, now: Time, id: SlotId, (last, wait): (NodeKey, Span)) {
        self.tracks.insert(id, Track::waiting(now + wait));
        if let Some(slot) = self.slot_mut(id) {
            slot.content = Content::Vacant { last };
        }
    }

    fn remove(&mut self, id: SlotId) {
        self.tracks.remove(&id);
        if self.assignment.slots.remove(&id).is_some() {
            self.changed = true;
            self.replan = true;
        }
    }

    fn tell(&self, bundle: BundleId, what: Happening, effects: &mut Vec<OwnerEffect>) {
        effects.push(OwnerEffect::Event(Box::new(
            self.teller.bundle(bundle, what),
        )));
    }
}

#[cfg(test)]
mod tests;
