//! What the synced assignment does not name is ended here, without being told.

use std::collections::BTreeMap;
use std::sync::Arc;

use conduct_model::{InstanceId, System, Time};

use crate::assignment::Assignment;
use crate::event::{Happening, Teller};
use crate::host::held::Held;
use crate::host::{Host, HostEffect, HostWrite, Seen};

/// What an assignment says of an instance.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Word {
    /// It is to run.
    Stays,
    /// It is to end.
    Stops,
    /// It is not named.
    Unnamed,
}

impl Host {
    /// Takes the assignment of a system as this node holds it.
    pub(super) fn take_assignment(
        &mut self,
        now: Time,
        system: &System,
        assignment: Option<Arc<Assignment>>,
        effects: &mut Vec<HostEffect>,
    ) {
        let Some(charge) = self.systems.get_mut(system) else {
            return;
        };
        charge.assignment = match assignment {
            None => Seen::Nothing,
            Some(assignment) => {
                charge.raise_epoch(assignment.version.epoch);
                Seen::Assigned(assignment)
            }
        };
        self.review_system(now, system, effects);
        self.forget_system(system);
    }

    /// Looks at everything again, now that it is known what lives.
    pub(super) fn review(&mut self, now: Time, effects: &mut Vec<HostEffect>) {
        let systems: Vec<System> = self.systems.keys().cloned().collect();
        for system in systems {
            self.review_system(now, &system, effects);
        }
    }

    fn review_system(&mut self, now: Time, system: &System, effects: &mut Vec<HostEffect>) {
        if self.adopting {
            return;
        }
        let words = self.words(system);
        for (instance, word) in words {
            match word {
                Word::Stays => {}
                Word::Stops => self.stop(now, instance, effects),
                Word::Unnamed => self.end_surplus(now, instance, effects),
            }
        }
    }

    /// What the assignment says of each instance of the system that is here.
    fn words(&self, system: &System) -> Vec<(InstanceId, Word)> {
        let assignment = match self.systems.get(system).map(|charge| &charge.assignment) {
            None | Some(Seen::NotYet) => return Vec::new(),
            Some(Seen::Nothing) => None,
            Some(Seen::Assigned(assignment)) => Some(assignment),
        };
        let filled = assignment
            .into_iter()
            .flat_map(|assignment| assignment.filled());
        let named: BTreeMap<InstanceId, bool> = filled
            .map(|(_, filled)| (filled.instance, filled.is_stopping()))
            .collect();
        let word = |instance: &InstanceId, held: &Held| match named.get(instance) {
            Some(true) => Word::Stops,
            Some(false) => Word::Stays,
            // An order may come before the assignment behind it.
            None if assignment.is_some_and(|a| a.version < held.version) => Word::Stays,
            None => Word::Unnamed,
        };
        let here = self
            .executions
            .iter()
            .filter(|(_, held)| held.system == *system);
        here.map(|(instance, held)| (*instance, word(instance, held)))
            .collect()
    }

    fn end_surplus(&mut self, now: Time, instance: InstanceId, effects: &mut Vec<HostEffect>) {
        let Some(held) = self.executions.get(&instance) else {
            return;
        };
        if held.doom.is_none() && !held.has_ended() {
            let teller = Teller::of(Arc::new(held.system.clone()));
            let who = (instance, self.settings.me);
            let event = teller.instance(held.execution.bundle, who, Happening::Surplus);
            effects.push(HostEffect::Event(Box::new(event)));
        }
        self.stop(now, instance, effects);
        self.forget_later(now, instance);
    }

    /// What ended and is named no more is told of for a while, and then forgotten.
    pub(super) fn forget_later(&mut self, now: Time, instance: InstanceId) {
        if self.is_dropped(instance) {
            self.due.insert((now + Host::ENDED_SPAN, instance));
        }
    }

    /// Forgets an instance whose time has come.
    pub(super) fn forget_if_dropped(
        &mut self,
        instance: InstanceId,
        effects: &mut Vec<HostEffect>,
    ) {
        if !self.is_dropped(instance) {
            return;
        }
        let Some(held) = self.executions.remove(&instance) else {
            return;
        };
        self.writes.push(HostWrite::Execution(instance, None));
        self.changed = true;
        effects.push(HostEffect::Forget { instance });
        self.forget_system(&held.system);
    }

    /// Whether an instance ended and its assignment names it no more.
    fn is_dropped(&self, instance: InstanceId) -> bool {
        let Some(held) = self
            .executions
            .get(&instance)
            .filter(|held| held.has_ended())
        else {
            return false;
        };
        match self
            .systems
            .get(&held.system)
            .map(|charge| &charge.assignment)
        {
            None | Some(Seen::Nothing) => true,
            Some(Seen::NotYet) => false,
            Some(Seen::Assigned(assignment)) => {
                assignment.version >= held.version && assignment.named(instance).is_none()
            }
        }
    }

    /// Forgets a system of which nothing is loaded and nothing is here.
    fn forget_system(&mut self, system: &System) {
        let seen = self.systems.get(system).map(|charge| &charge.assignment);
        let used = self.executions.values().any(|held| held.system == *system);
        if matches!(seen, Some(Seen::Nothing)) && !used {
            self.systems.remove(system);
            self.writes.push(HostWrite::Fence(system.clone(), None));
        }
    }
}
