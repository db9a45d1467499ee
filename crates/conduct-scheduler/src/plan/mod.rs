//! What is missing and what is too much: from wishes and assignment to starts and stops.
//!
//! Pure: the same fleet, wishes and assignment give the same plan, whoever makes it. An owner
//! carries a plan out; nothing here waits or remembers.

mod census;

use std::collections::{BTreeMap, BTreeSet};

use conduct_model::{BundleId, InstanceId, NodeKey, System};

use crate::assignment::{Assignment, Content, SlotId, StopReason};
use crate::epoch::Version;
use crate::fleet::{Ask, Fleet, Refusal};
use crate::hash;
use crate::terms::{Wish, Wishes};
use census::{Census, stop_unwished};

/// What a plan is made from, beside the fleet.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// Whose plan.
    pub system: &'a System,
    /// What is wished for.
    pub wishes: &'a Wishes,
    /// What was decided.
    pub assignment: &'a Assignment,
    /// The decision that this plan becomes part of.
    pub version: Version,
    /// Makes the names of its instances unlike all others.
    pub salt: u64,
    /// What its owner knows beyond records.
    pub pauses: &'a Pauses,
}

/// What an owner holds back for a while.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Pauses {
    /// Slots that wait out their back-off.
    pub slots: BTreeSet<SlotId>,
    /// Bundles that get nothing new: their starts failed too often or a moment ago.
    pub bundles: BTreeSet<BundleId>,
    /// Bundles that get one instance at most, to see whether it starts.
    pub single: BTreeSet<BundleId>,
    /// Who declined a bundle a moment ago, and why.
    pub declined: BTreeMap<BundleId, Vec<(NodeKey, Refusal)>>,
}

/// What to do.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Plan {
    /// Instances to place.
    pub starts: Vec<Start>,
    /// Instances to end.
    pub stops: Vec<(SlotId, StopReason)>,
    /// Instances that are to be replaced from now on, or after all are not.
    pub moves: Vec<(SlotId, Moving)>,
    /// Slots to forget: nothing is in them that counts.
    pub clears: Vec<SlotId>,
    /// What cannot be placed.
    pub shortages: BTreeMap<BundleId, Shortage>,
}

/// An instance to place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Start {
    /// Where it counts.
    pub slot: SlotId,
    /// Its name.
    pub instance: InstanceId,
    /// Its node.
    pub node: NodeKey,
}

/// Whether an instance is being replaced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moving {
    /// Another takes its place, then it ends.
    Away,
    /// It stays.
    Stays,
}

/// Instances that no node can take.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shortage {
    /// How many.
    pub missing: u32,
    /// Per node the first thing that stands against it.
    pub refusals: Vec<(NodeKey, Refusal)>,
}

/// An instance that is missing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Missing {
    /// Bundles that start go before those that fail.
    failing: bool,
    /// Each bundle gets its first before any gets its second.
    number: u32,
    bundle: BundleId,
}

/// What an assignment has room for.
struct Room {
    left: usize,
    cleared: BTreeSet<SlotId>,
    /// Bundles that get their first slot.
    begun: BTreeSet<BundleId>,
}

impl Room {
    fn of(assignment: &Assignment, clears: &[SlotId]) -> Room {
        let cleared = clears.iter().copied().collect();
        let taken = assignment.slots_taken(&cleared);
        Room {
            left: Assignment::SLOTS_MAX.saturating_sub(taken),
            cleared,
            begun: BTreeSet::new(),
        }
    }

    /// Takes room for a slot, if there is any.
    fn take(&mut self, assignment: &Assignment, slot: SlotId) -> bool {
        if assignment.slots.contains_key(&slot) && !self.cleared.contains(&slot) {
            return true;
        }
        let needs = match self.begun.contains(&slot.bundle) {
            true => 1,
            false => assignment.slots_for(slot.bundle),
        };
        let fits = needs <= self.left;
        if fits {
            self.left -= needs;
            self.begun.insert(slot.bundle);
        }
        fits
    }
}

/// Makes a plan, and promises the room that it takes.
pub fn plan(fleet: &mut Fleet, situation: &Situation<'_>) -> Plan {
    let mut plan = Plan::default();
    let mut missing = Vec::new();
    let (mut moving, mut beyond) = (Vec::new(), Vec::new());
    for (bundle, wish) in situation.wishes {
        let census = Census::settle(fleet, situation, (*bundle, wish), &mut plan);
        let failing = situation
            .assignment
            .accounts
            .get(bundle)
            .is_some_and(|a| a.failed_starts > 0);
        let free = census.free(situation);
        missing.extend(free.map(|id| Missing {
            failing,
            number: id.number,
            bundle: id.bundle,
        }));
        beyond.extend(census.beyond(situation).map(|count| (*bundle, count)));
        moving.extend((!census.moving.is_empty()).then_some(census));
    }
    stop_unwished(situation, &mut plan);
    missing.sort_unstable();
    let mut room = Room::of(situation.assignment, &plan.clears);
    for Missing { number, bundle, .. } in missing {
        let slot = SlotId { bundle, number };
        place(fleet, situation, slot, &mut room, &mut plan);
    }
    for (bundle, count) in beyond {
        if let Some(shortage) = plan.shortages.get_mut(&bundle) {
            shortage.missing = shortage.missing.saturating_add(count);
        }
    }
    for census in moving {
        census.end_moves(situation, &mut plan);
    }
    plan
}

/// Finds a node for one slot. Once a bundle found none, its others are not tried.
fn place(
    fleet: &mut Fleet,
    situation: &Situation<'_>,
    slot: SlotId,
    room: &mut Room,
    plan: &mut Plan,
) {
    let wish = &situation.wishes[&slot.bundle];
    if let Some(shortage) = plan.shortages.get_mut(&slot.bundle) {
        shortage.missing += 1;
        return;
    }
    let ask = ask(situation, slot, wish);
    match fleet.choose(&ask) {
        Some(_) if !room.take(situation.assignment, slot) => {
            let full = |node| (node, Refusal::SystemFull);
            let shortage = Shortage {
                missing: 1,
                refusals: fleet.nodes().map(full).collect(),
            };
            plan.shortages.insert(slot.bundle, shortage);
        }
        Some(node) => {
            let decision = (situation.version, situation.salt);
            let instance = hash::instance(situation.system, decision, &slot);
            fleet.promise(node, (instance, slot.bundle), wish.terms.needs);
            plan.starts.push(Start {
                slot,
                instance,
                node,
            });
        }
        None => {
            let shortage = Shortage {
                missing: 1,
                refusals: fleet.refusals(&ask),
            };
            plan.shortages.insert(slot.bundle, shortage);
        }
    }
}

/// What a slot asks of the fleet.
pub(crate) fn ask<'a>(situation: &Situation<'a>, slot: SlotId, wish: &'a Wish) -> Ask<'a> {
    let account = situation.assignment.accounts.get(&slot.bundle);
    let failed_on = account.map_or(&[][..], |account| &account.failed_on);
    let declined = situation.pauses.declined.get(&slot.bundle);
    let held = situation.assignment.slots.get(&slot);
    let (prefer, avoid) = match held.map(|held| (&held.content, held.quick_ends)) {
        // After so many quick ends another node may do better.
        Some((Content::Vacant { last }, QUICK_ENDS_MAX..)) => (None, std::slice::from_ref(last)),
        Some((Content::Vacant { last }, _)) => (Some(*last), failed_on),
        _ => (None, failed_on),
    };
    Ask {
        bundle: slot.bundle,
        terms: &wish.terms,
        affinity: wish.affinity,
        tie: Ask::tie_of(&slot),
        prefer: prefer.filter(|node| !avoid.contains(node)),
        avoid,
        skip: declined.map_or(&[], Vec::as_slice),
    }
}

/// So many quick ends on one node, and another is tried.
const QUICK_ENDS_MAX: u32 = 3;

#[cfg(test)]
mod tests;
