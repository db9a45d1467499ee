//! The owners that are here: what they decide, when they wake, how they come and go.

use std::collections::BTreeMap;
use std::sync::Arc;

use conduct_model::{BundleId, NodeKey, System, Time};

use crate::event::{Happening, Teller};
use crate::message::{Message, Order};
use crate::owner::{Owner, OwnerEffect, OwnerInput};
use crate::ownership::OwnershipEffect;
use crate::scheduler::{Effect, Scheduler};

impl Scheduler {
    /// Lets an owner take an input, if it is here.
    pub(super) fn run(
        &mut self,
        now: Time,
        system: &System,
        input: OwnerInput,
        effects: &mut Vec<Effect>,
    ) {
        let Some(owner) = self.owners.get_mut(system) else {
            return;
        };
        let mut done = Vec::new();
        owner.step(now, &mut self.fleet, input, &mut done);
        let due = owner.next_due(now, &self.fleet);
        match owner.is_hopeful() {
            true => self.hopeful.insert(system.clone()),
            false => self.hopeful.remove(system),
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
        let (mut outvoted, mut reclaim) = (None, false);
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
                OwnerEffect::Reclaim => reclaim = true,
                OwnerEffect::Event(event) => effects.push(Effect::Event(event)),
            }
        }
        for (to, orders) in orders {
            for orders in orders.chunks(Scheduler::ORDERS_MAX) {
                let message = Message::Orders(orders.to_vec());
                effects.push(Effect::Send { to, message });
            }
        }
        let mut own = Vec::new();
        if let Some(epoch) = outvoted {
            self.ownership.outvoted(now, system, epoch, &mut own);
        }
        if reclaim {
            self.ownership.reclaim(now, system, &mut own);
        }
        self.take_own(now, own, effects);
    }

    /// Carries out what ownership decided.
    pub(super) fn take_own(
        &mut self,
        now: Time,
        own: Vec<OwnershipEffect>,
        effects: &mut Vec<Effect>,
    ) {
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
                    let owner = Owner::new(now, self.start, (named, epoch), assignment, wishes);
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
        self.hopeful.remove(system);
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
