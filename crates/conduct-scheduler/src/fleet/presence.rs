//! What runs where, by bundle.

use conduct_model::{BundleId, InstanceId};

use crate::execution::{Execution, State};
use crate::fleet::Fleet;

/// How much of a bundle is on a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Presence {
    /// Instances that take room, promised ones among them.
    pub(super) live: u32,
    /// Healthy ones.
    pub(super) active: u32,
}

impl Fleet {
    pub(super) fn count(
        &mut self,
        number: u32,
        bundle: BundleId,
        change: impl FnOnce(&mut Presence),
    ) {
        let hosts = self.presence.entry(bundle).or_default();
        let presence = hosts.entry(number).or_default();
        change(presence);
        if *presence == Presence::default() {
            hosts.remove(&number);
        }
        if hosts.is_empty() {
            self.presence.remove(&bundle);
        }
    }

    /// Notes an instance, unless something later is known of it. Answers its bundle if that is
    /// new.
    pub(super) fn put(&mut self, number: u32, execution: &Execution) -> Option<BundleId> {
        let member = self.members[number as usize].as_mut()?;
        let before = member.executions.get(&execution.instance);
        if before.is_some_and(|known| known.turn >= execution.turn) {
            return None;
        }
        let before = before.map(|known| (known.bundle, Presence::of(&known.state)));
        member
            .executions
            .insert(execution.instance, execution.clone());
        if let Some((bundle, before)) = before {
            self.count(number, bundle, |presence| presence.leave(before));
        }
        let after = Presence::of(&execution.state);
        self.count(number, execution.bundle, |presence| presence.join(after));
        self.settle(execution.instance);
        self.changes += 1;
        Some(execution.bundle)
    }

    /// Drops an instance. Answers its bundle if it was known.
    pub(super) fn remove(&mut self, number: u32, instance: InstanceId) -> Option<BundleId> {
        let known = self.members[number as usize]
            .as_mut()?
            .executions
            .remove(&instance)?;
        let presence = Presence::of(&known.state);
        self.count(number, known.bundle, |count| count.leave(presence));
        self.changes += 1;
        Some(known.bundle)
    }
}

impl Presence {
    const fn of(state: &State) -> Presence {
        Presence {
            live: if state.takes_room() { 1 } else { 0 },
            active: if matches!(state, State::Active) { 1 } else { 0 },
        }
    }

    const fn join(&mut self, other: Presence) {
        self.live += other.live;
        self.active += other.active;
    }

    const fn leave(&mut self, other: Presence) {
        self.live -= other.live;
        self.active -= other.active;
    }
}
