//! Carries a plan into the assignment.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::discriminant;

use conduct_model::{BundleId, NodeKey};

use crate::assignment::{Content, Filled, Slot, SlotId, Stage};
use crate::event::Happening;
use crate::fleet::Refusal;
use crate::owner::track::Track;
use crate::owner::{Owner, OwnerEffect};
use crate::plan::{Moving, Plan, Shortage, Start};

impl Owner {
    pub(super) fn apply(&mut self, plan: Plan, effects: &mut Vec<OwnerEffect>) {
        for id in plan.clears {
            self.remove(id);
        }
        for (id, moving) in plan.moves {
            self.shift(id, moving, effects);
        }
        for (id, why) in plan.stops {
            self.stop(id, why, effects);
        }
        for start in plan.starts {
            self.place(start, effects);
        }
        self.note_shortages(plan.shortages, effects);
    }

    fn shift(&mut self, id: SlotId, moving: Moving, effects: &mut Vec<OwnerEffect>) {
        let Some(slot) = self.slot_mut(id) else {
            return;
        };
        let Content::Filled(filled) = &mut slot.content else {
            return;
        };
        filled.moving = moving == Moving::Away;
        let who = (filled.instance, filled.node);
        if moving == Moving::Away {
            let event = self.teller.instance(id.bundle, who, Happening::Moving);
            effects.push(OwnerEffect::Event(Box::new(event)));
        }
    }

    fn place(&mut self, start: Start, effects: &mut Vec<OwnerEffect>) {
        let Start {
            slot: id,
            instance,
            node,
        } = start;
        let version = self.next;
        let quick_ends = self
            .assignment
            .slots
            .get(&id)
            .map_or(0, |slot| slot.quick_ends);
        let filled = Filled {
            node,
            instance,
            stage: Stage::Placed,
            since: version,
            moving: false,
        };
        let slot = Slot {
            version,
            content: Content::Filled(filled),
            quick_ends,
        };
        self.assignment.slots.insert(id, slot);
        self.tracks.insert(id, Track::placed());
        self.changed = true;
        self.replan = true;
        let event = self
            .teller
            .instance(id.bundle, (instance, node), Happening::Placed);
        effects.push(OwnerEffect::Event(Box::new(event)));
    }

    /// Notes in the accounts what cannot be placed, and tells whenever that number changes.
    fn note_shortages(
        &mut self,
        shortages: BTreeMap<BundleId, Shortage>,
        effects: &mut Vec<OwnerEffect>,
    ) {
        let short = self.missing.keys();
        let over: Vec<BundleId> = short
            .filter(|bundle| !shortages.contains_key(bundle))
            .copied()
            .collect();
        for bundle in over {
            self.count_missing(bundle, 0);
            self.tell(bundle, Happening::PlacedAll, effects);
        }
        for (bundle, shortage) in shortages {
            let Shortage { missing, refusals } = shortage;
            self.trials.give_up(bundle);
            if self.count_missing(bundle, missing) {
                let refusals = distinct(refusals);
                self.tell(bundle, Happening::Unplaced { missing, refusals }, effects);
            }
        }
    }
}

/// As many different refusals as an event holds: first one of each kind, then others.
fn distinct(refusals: Vec<(NodeKey, Refusal)>) -> Vec<(NodeKey, Refusal)> {
    let mut kinds = Vec::new();
    let (mut first, mut others): (Vec<_>, Vec<_>) =
        refusals.into_iter().partition(|(_, refusal)| {
            let new = !kinds.contains(&discriminant(refusal));
            if new {
                kinds.push(discriminant(refusal));
            }
            new
        });
    let known: BTreeSet<Refusal> = first.iter().map(|(_, refusal)| refusal.clone()).collect();
    others.retain(|(_, refusal)| !known.contains(refusal));
    first.append(&mut others);
    first.truncate(Happening::REFUSALS_MAX);
    first
}
