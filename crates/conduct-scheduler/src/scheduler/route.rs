//! Who has to know of what.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use conduct_model::{BundleId, NodeKey, System, Time, Voters};

use crate::assignment::Assignment;
use crate::fleet::{Fleet, HostReport, Standing};
use crate::message::{Item, Message, News};
use crate::owner::OwnerInput;
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
        for system in self.hopeful.clone() {
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
                let foreign = self
                    .owners
                    .get(system)
                    .is_some_and(|owner| owner.has_not_decided(assignment.version));
                self.ownership.observe(now, system, assignment, &mut own);
                if foreign {
                    self.ownership.reclaim(now, system, &mut own);
                }
                self.take_own(now, own, effects);
                self.weigh(now, system, effects);
            }
            None => {
                self.assigned.remove(system);
                self.weigh(now, system, effects);
                self.ownership.forget(system, &mut own);
                self.systems.retain(|_, known| known != system);
                self.take_own(now, own, effects);
            }
        }
    }

    pub(super) fn index(&mut self, system: &System, bundles: impl Iterator<Item = BundleId>) {
        for bundle in bundles {
            if self.systems.get(&bundle) != Some(system) {
                self.systems.insert(bundle, system.clone());
            }
        }
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
}
