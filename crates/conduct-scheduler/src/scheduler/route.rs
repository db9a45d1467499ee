//! Who has to know of what.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use conduct_model::{BundleId, NodeKey, System, Time, Voters};

use crate::assignment::Assignment;
use crate::event::{Happening, Teller};
use crate::fleet::{Fleet, HostReport, Standing};
use crate::message::{Item, Message, News, Order};
use crate::owner::{Owner, OwnerEffect, OwnerInput};
use crate::ownership::OwnershipEffect;
use crate::scheduler::{Effect, Input, Scheduler};
use crate::terms::Wishes;

impl Scheduler {
    pub(super) fn route(&mut self, now: Time, input: Input, effects: &mut Vec<Effect>) {
        let mut own = Vec::new();
        match input {
            Input::Timer => self.armed = None,
            Input::Voters(voters) => self.take_voters(now, voters, effects),
            Input::Part(part) => self.ownership.take_part(now, part, &mut own),
            Input::Standing { node, standing } => {
                self.take_standing(now, (node, standing), effects);
            }
            Input::Report { node, report } => self.take_report(now, (node, &report), effects),
            Input::Forgotten(node) => self.fleet.forget(&node),
            Input::Wishes { system, wishes } => self.take_wishes(now, &system, wishes, effects),
            Input::Assignment { system, assignment } => {
                self.take_assignment(now, &system, assignment, effects);
            }
            Input::Barred { system, barred } => {
                match barred {
                    true => self.barred.insert(system.clone()),
                    false => self.barred.remove(&system),
                };
                self.weigh(now, &system, effects);
            }
            Input::Message {
                from,
                message: Message::News(news),
            } => {
                self.take_news(now, (from, news), effects);
            }
            Input::Message { from, message } => {
                self.ownership.receive(now, from, message, &mut own);
            }
            Input::Stored(token) => self.ownership.stored(now, token, &mut own),
            Input::Confirmed { system, version } => {
                self.run(now, &system, OwnerInput::Confirmed(version), effects);
            }
            Input::Outvoted { system, epoch } => {
                self.ownership.outvoted(now, &system, epoch, &mut own);
            }
        }
        self.take_own(now, own, effects);
    }

    fn take_voters(&mut self, now: Time, voters: Voters, effects: &mut Vec<Effect>) {
        let voted = self.votes();
        if voters.epoch >= self.voters.epoch {
            self.voters = voters.clone();
        }
        let mut own = Vec::new();
        self.ownership.take_voters(now, voters, &mut own);
        self.take_own(now, own, effects);
        for system in self.owners.keys().cloned().collect::<Vec<_>>() {
            self.run(now, &system, OwnerInput::Recount, effects);
        }
        match (voted, self.votes()) {
            (false, true) => effects.push(Effect::Refill),
            (true, false) => self.drop_fleet(now, effects),
            _ => {}
        }
    }

    /// This node votes no more: what it knew of the others is of no use to it.
    fn drop_fleet(&mut self, now: Time, effects: &mut Vec<Effect>) {
        self.fleet = Fleet::new(self.rule);
        self.systems.clear();
        for system in std::mem::take(&mut self.wishes).into_keys() {
            self.weigh(now, &system, effects);
        }
    }

    fn take_standing(
        &mut self,
        now: Time,
        (node, standing): (NodeKey, Standing),
        effects: &mut Vec<Effect>,
    ) {
        if !self.votes() {
            return;
        }
        self.fleet.judge(now, node, standing);
        let mut own = Vec::new();
        let answers = standing == Standing::Reachable;
        self.ownership.take_verdict(now, (node, answers), &mut own);
        self.take_own(now, own, effects);
        self.look_at_users_of(now, &node, effects);
        self.offer_room(now, effects);
    }

    fn take_report(
        &mut self,
        now: Time,
        (node, report): (NodeKey, &HostReport),
        effects: &mut Vec<Effect>,
    ) {
        if !self.votes() {
            return;
        }
        let closed = self.fleet.closed(&node);
        let touched = self.fleet.report(node, report);
        let systems: BTreeSet<System> = touched
            .iter()
            .filter_map(|bundle| self.systems.get(bundle))
            .cloned()
            .collect();
        for system in systems {
            self.run(now, &system, OwnerInput::Look, effects);
        }
        if closed != self.fleet.closed(&node) {
            self.look_at_users_of(now, &node, effects);
        }
        self.offer_room(now, effects);
    }

    fn look_at_users_of(&mut self, now: Time, node: &NodeKey, effects: &mut Vec<Effect>) {
        let users = self.owners.iter().filter(|(_, owner)| owner.uses(node));
        for system in users.map(|(system, _)| system.clone()).collect::<Vec<_>>() {
            self.run(now, &system, OwnerInput::Look, effects);
        }
    }

    /// Something changed in the fleet: owners that miss something may find a place now.
    fn offer_room(&mut self, now: Time, effects: &mut Vec<Effect>) {
        for system in self.short.clone() {
            self.run(now, &system, OwnerInput::Room, effects);
        }
    }

    fn take_wishes(
        &mut self,
        now: Time,
        system: &System,
        wishes: Wishes,
        effects: &mut Vec<Effect>,
    ) {
        if !self.votes() {
            return;
        }
        self.run(now, system, OwnerInput::Wishes(wishes.clone()), effects);
        self.index(system, wishes.keys().copied());
        match wishes.is_empty() {
            true => self.wishes.remove(system),
            false => self.wishes.insert(system.clone(), wishes),
        };
        self.weigh(now, system, effects);
    }

    fn take_assignment(
        &mut self,
        now: Time,
        system: &System,
        assignment: Option<Arc<Assignment>>,
        effects: &mut Vec<Effect>,
    ) {
        let mut own = Vec::new();
        match assignment {
            Some(assignment) => {
                match assignment.slots.is_empty() {
                    true => self.assigned.remove(system),
                    false => self.assigned.insert(system.clone()),
                };
                self.index(system, assignment.slots.keys().map(|id| id.bundle));
                self.ownership.observe(now, system, assignment, &mut own);
            }
            None => drop(self.assigned.remove(system)),
        }
        self.take_own(now, own, effects);
        self.weigh(now, system, effects);
        if !self.wishes.contains_key(system) && !self.assigned.contains(system) {
            self.forget(system, effects);
        }
    }

    fn index(&mut self, system: &System, bundles: impl Iterator<Item = BundleId>) {
        for bundle in bundles {
            if self.systems.get(&bundle) != Some(system) {
                self.systems.insert(bundle, system.clone());
            }
        }
    }

    /// Nothing is loaded of a system and nothing is assigned.
    fn forget(&mut self, system: &System, effects: &mut Vec<Effect>) {
        let mut own = Vec::new();
        self.ownership.forget(system, &mut own);
        self.systems.retain(|_, known| known != system);
        effects.extend(own.into_iter().filter_map(outward));
    }

    /// Whether anything has to be decided for a system.
    fn weigh(&mut self, now: Time, system: &System, effects: &mut Vec<Effect>) {
        let wishes = self.wishes.get(system);
        let wished = wishes.is_some_and(|wishes| wishes.values().any(|wish| wish.scale > 0));
        let owned = self
            .owners
            .get(system)
            .is_some_and(|o| !o.assignment().slots.is_empty());
        let wanted = wished || owned || self.assigned.contains(system);
        let barred = self.barred.contains(system);
        let mut own = Vec::new();
        self.ownership
            .take_need(now, system, (wanted, barred), &mut own);
        self.take_own(now, own, effects);
    }

    fn take_news(&mut self, now: Time, (from, news): (NodeKey, News), effects: &mut Vec<Effect>) {
        if !self.votes() {
            return;
        }
        self.fleet.news(from, &news);
        let mut by_system: BTreeMap<System, Vec<Item>> = BTreeMap::new();
        for item in news.items {
            by_system.entry(item.system.clone()).or_default().push(item);
        }
        for (system, items) in by_system {
            self.run(now, &system, OwnerInput::News { from, items }, effects);
        }
        self.offer_room(now, effects);
    }

    /// Lets an owner take an input, if it is here.
    fn run(&mut self, now: Time, system: &System, input: OwnerInput, effects: &mut Vec<Effect>) {
        let Some(owner) = self.owners.get_mut(system) else {
            return;
        };
        let mut done = Vec::new();
        owner.step(now, &mut self.fleet, input, &mut done);
        let due = owner.next_due(now, &self.fleet);
        match owner.is_short() {
            true => self.short.insert(system.clone()),
            false => self.short.remove(system),
        };
        self.schedule(system, due);
        self.take_done(now, system, done, effects);
    }

    fn take_done(
        &mut self,
        now: Time,
        system: &System,
        done: Vec<OwnerEffect>,
        effects: &mut Vec<Effect>,
    ) {
        let mut orders: BTreeMap<NodeKey, Vec<Order>> = BTreeMap::new();
        let mut outvoted = None;
        for effect in done {
            match effect {
                OwnerEffect::Propose(assignment) => {
                    effects.push(Effect::Propose {
                        system: system.clone(),
                        assignment,
                    });
                }
                OwnerEffect::Order { node, order } => orders.entry(node).or_default().push(order),
                OwnerEffect::Outvoted(epoch) => outvoted = outvoted.max(Some(epoch)),
                OwnerEffect::Event(event) => effects.push(Effect::Event(event)),
            }
        }
        for (to, orders) in orders {
            for orders in orders.chunks(Scheduler::ORDERS_MAX) {
                let message = Message::Orders(orders.to_vec());
                effects.push(Effect::Send { to, message });
            }
        }
        if let Some(epoch) = outvoted {
            let mut own = Vec::new();
            self.ownership.outvoted(now, system, epoch, &mut own);
            self.take_own(now, own, effects);
        }
    }

    /// Carries out what ownership decided.
    fn take_own(&mut self, now: Time, own: Vec<OwnershipEffect>, effects: &mut Vec<Effect>) {
        for effect in own {
            match effect {
                OwnershipEffect::Won {
                    system,
                    epoch,
                    assignment,
                } => {
                    let told = Teller::of(Arc::new(system.clone())).overall(Happening::Owning {
                        epoch: epoch.number,
                    });
                    effects.push(Effect::Event(Box::new(told)));
                    let wishes = self.wishes.get(&system).cloned().unwrap_or_default();
                    let named = Arc::new(system.clone());
                    let slots = assignment
                        .iter()
                        .flat_map(|assignment| assignment.slots.keys());
                    let bundles: Vec<BundleId> = slots.map(|id| id.bundle).collect();
                    self.index(&system, bundles.into_iter());
                    let owner = Owner::new(now, named, epoch, assignment, wishes);
                    self.owners.insert(system.clone(), owner);
                    self.run(now, &system, OwnerInput::Look, effects);
                }
                OwnershipEffect::Lost { system } => self.drop_owner(&system, effects),
                outer => effects.extend(outward(outer)),
            }
        }
    }

    fn drop_owner(&mut self, system: &System, effects: &mut Vec<Effect>) {
        let Some(owner) = self.owners.remove(system) else {
            return;
        };
        // What it promised and never ordered is free again; what it ordered is in the reports.
        for (_, filled) in owner.assignment().filled() {
            self.fleet.settle(filled.instance);
        }
        self.short.remove(system);
        self.schedule(system, None);
        let told = Teller::of(Arc::new(system.clone())).overall(Happening::Disowned);
        effects.push(Effect::Event(Box::new(told)));
    }

    fn schedule(&mut self, system: &System, due: Option<Time>) {
        let before = match due {
            Some(at) => self.dues.insert(system.clone(), at),
            None => self.dues.remove(system),
        };
        if before != due {
            self.due.extend(due.map(|at| (at, system.clone())));
            if let Some(before) = before {
                self.due.remove(&(before, system.clone()));
            }
        }
    }

    /// Lets every owner and the ownership do what is due.
    pub(super) fn run_due(&mut self, now: Time, effects: &mut Vec<Effect>) {
        self.fleet.tick(now);
        let mut own = Vec::new();
        self.ownership.tick(now, &mut own);
        self.take_own(now, own, effects);
        let due = self.due.iter().take_while(|(at, _)| *at <= now);
        for system in due.map(|(_, system)| system.clone()).collect::<Vec<_>>() {
            self.schedule(&system, None);
            self.run(now, &system, OwnerInput::Look, effects);
        }
    }

    pub(super) fn arm(&mut self, effects: &mut Vec<Effect>) {
        let owners = self.due.first().map(|(at, _)| *at);
        let fleet = self.fleet.next_settled();
        let next = owners
            .into_iter()
            .chain(fleet)
            .chain(self.ownership.next_due())
            .min();
        if let Some(at) = next.filter(|_| next != self.armed) {
            effects.push(Effect::Arm(at));
        }
        self.armed = next;
    }
}

/// What of ownership is for the outside.
fn outward(effect: OwnershipEffect) -> Option<Effect> {
    match effect {
        OwnershipEffect::Send { to, message } => Some(Effect::Send { to, message }),
        OwnershipEffect::Persist { token, promises } => Some(Effect::Persist { token, promises }),
        OwnershipEffect::Won { .. } | OwnershipEffect::Lost { .. } => None,
    }
}
