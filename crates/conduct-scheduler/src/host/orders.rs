//! What owners order.

use std::sync::Arc;

use conduct_model::{BundleId, InstanceId, NodeKey, System, Time};

use crate::epoch::{Epoch, Version};
use crate::execution::{Execution, Seed, State, Turn};
use crate::fleet::Closed;
use crate::host::held::Held;
use crate::host::{After, Host, HostEffect, HostWrite, Seen};
use crate::message::{Item, Order, Told, Wanted};
use crate::terms::Terms;

impl Host {
    /// Obeys an order, or says why not.
    pub(super) fn order(
        &mut self,
        now: Time,
        from: NodeKey,
        order: Order,
        effects: &mut Vec<HostEffect>,
    ) {
        let Order {
            system,
            version,
            instance,
            wanted,
        } = order;
        // Nobody orders in another's name.
        if version.epoch.owner != from {
            return;
        }
        let known = self.highest(&system);
        if !version.epoch.is_likely(known, Epoch::JUMP_MAX) {
            return self.take_unlikely(&system, version.epoch, known);
        }
        if let Some(later) = self.later_than(&system, version, instance) {
            self.answer(
                from,
                Item {
                    system,
                    instance,
                    told: Told::Fenced(later),
                },
            );
            return;
        }
        self.systems
            .entry(system.clone())
            .or_default()
            .raise(version);
        let Some(held) = self.executions.get_mut(&instance) else {
            let context = (from, system, version);
            return match wanted {
                Wanted::Prepare { bundle, terms } => {
                    self.admit(context, (instance, bundle), terms, effects);
                }
                Wanted::Start { .. } | Wanted::Stop | Wanted::Tell => {
                    self.deny(context, instance, effects);
                }
            };
        };
        held.version = held.version.max(version);
        match wanted {
            Wanted::Start { ready, seeds } if self.may_start(now, instance, ready) => {
                self.start(instance, seeds, effects);
            }
            Wanted::Stop => {
                self.stop(now, instance, effects);
                self.tell(instance);
            }
            Wanted::Prepare { .. } | Wanted::Start { .. } | Wanted::Tell => self.tell(instance),
        }
    }

    /// An owner that cannot follow upon the last one that is known here. Where no assignment tells
    /// better, one that asks again is obeyed in the end.
    fn take_unlikely(&mut self, system: &System, epoch: Epoch, known: Option<Epoch>) {
        self.refused += 1;
        let furthest = Epoch::furthest(known, Epoch::JUMP_MAX, epoch.owner);
        let charge = self.systems.entry(system.clone()).or_default();
        if matches!(charge.assignment, Seen::NotYet) && epoch.number <= Epoch::NUMBER_MAX {
            charge.raise_epoch(furthest);
        }
    }

    /// The latest owner of a system that is known here.
    fn highest(&self, system: &System) -> Option<Epoch> {
        let charge = self.systems.get(system)?;
        let assigned = match &charge.assignment {
            Seen::Assigned(assignment) => Some(assignment.version.epoch),
            Seen::NotYet | Seen::Nothing => None,
        };
        charge.fence.map(|fence| fence.epoch).max(assigned)
    }

    /// The decision that overtook `version`: no order behind it is obeyed.
    fn later_than(
        &self,
        system: &System,
        version: Version,
        instance: InstanceId,
    ) -> Option<Version> {
        let charge = self.systems.get(system)?;
        if let Some(fence) = charge.fence.filter(|fence| version < *fence) {
            return Some(fence);
        }
        // What is here already has to be told of and may have to be stopped.
        match &charge.assignment {
            Seen::Assigned(assignment) if !self.executions.contains_key(&instance) => {
                let later = version < assignment.version && assignment.named(instance).is_none();
                later.then_some(assignment.version)
            }
            _ => None,
        }
    }

    /// Takes an instance in, or declines it. It is on disk before anybody hears of it.
    fn admit(
        &mut self,
        (from, system, version): (NodeKey, System, Version),
        (instance, bundle): (InstanceId, BundleId),
        terms: Arc<Terms>,
        effects: &mut Vec<HostEffect>,
    ) {
        if let Some(refusal) = self.objection(bundle, &terms) {
            self.answer(
                from,
                Item {
                    system,
                    instance,
                    told: Told::Declined(refusal),
                },
            );
            return;
        }
        let (state, turn) = (State::Preparing, Turn::default());
        let execution = Execution {
            instance,
            bundle,
            state,
            turn,
            found_at: None,
        };
        self.writes
            .push(HostWrite::Fence(system.clone(), Some(version)));
        self.executions
            .insert(instance, Held::admitted(system, version, terms, execution));
        self.note(instance);
        self.persist(Some(After::Prepare(instance)), effects);
    }

    /// Lets the hands fetch and unpack, unless the instance was stopped meanwhile.
    pub(super) fn prepare(
        &mut self,
        now: Time,
        instance: InstanceId,
        effects: &mut Vec<HostEffect>,
    ) {
        let Some(held) = self.executions.get_mut(&instance) else {
            return;
        };
        if held.execution.state != State::Preparing {
            return;
        }
        held.handed = true;
        self.due.insert((now + Host::PREPARE_SPAN_MAX, instance));
        effects.push(HostEffect::Prepare {
            instance,
            bundle: held.execution.bundle,
        });
        self.tell(instance);
    }

    /// Whether an instance that has the gate may be forked: not if the word of being ready is too
    /// old. Then the owner is given a new one.
    fn may_start(&mut self, now: Time, instance: InstanceId, ready: Time) -> bool {
        let quarantined = self.closed.contains(&Closed::Quarantined);
        let Some(held) = self.executions.get_mut(&instance) else {
            return false;
        };
        if held.execution.state != State::Ready || quarantined {
            return false;
        }
        let fresh = ready <= now && now.since(ready) <= Host::READY_SPAN_MAX;
        if !fresh || held.ready.is_none() {
            held.ready = Some(now);
        }
        fresh && held.ready.is_some_and(|given| ready <= given)
    }

    /// Forks an instance once it is on disk that it may exist.
    fn start(&mut self, instance: InstanceId, seeds: Vec<Seed>, effects: &mut Vec<HostEffect>) {
        let Some(held) = self.executions.get_mut(&instance) else {
            return;
        };
        held.execution.state = State::Starting;
        held.ready = None;
        // The daemon is here from its fork on.
        held.away = false;
        self.note(instance);
        self.persist(Some(After::Start(instance, seeds)), effects);
    }

    /// Says that there is no such instance here, once it is certain that no earlier order will
    /// bring it.
    fn deny(
        &mut self,
        (from, system, version): (NodeKey, System, Version),
        instance: InstanceId,
        effects: &mut Vec<HostEffect>,
    ) {
        if self.adopting {
            self.answer(
                from,
                Item {
                    system,
                    instance,
                    told: Told::Adopting,
                },
            );
            return;
        }
        self.writes
            .push(HostWrite::Fence(system.clone(), Some(version)));
        let answer = Item {
            system,
            instance,
            told: Told::Unknown,
        };
        self.persist(Some(After::Tell(Box::new((from, answer)))), effects);
    }
}
