//! What a bundle has, what it should have, and so which slots are free and which instances end.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use conduct_model::BundleId;

use crate::assignment::{Account, Assignment, Content, Filled, SlotId, Stage, StopReason};
use crate::fleet::{Closed, Fleet, Standing};
use crate::plan::{Moving, Plan, Situation};
use crate::terms::Wish;

/// The slots of one bundle, sorted by what is in them.
pub(super) struct Census {
    bundle: BundleId,
    /// The scale, less what has completed.
    wanted: usize,
    /// Count towards it.
    counted: Vec<(SlotId, Filled)>,
    /// Are being replaced.
    pub(super) moving: Vec<(SlotId, Filled)>,
    /// Are on their way out and keep their slots until they are gone.
    stopping: usize,
    /// Are empty and wait for another try.
    vacant: Vec<SlotId>,
    /// How many slots have to be filled, now or later.
    missing: usize,
}

impl Census {
    /// Counts, and plans what has to end.
    pub(super) fn settle(
        fleet: &Fleet,
        situation: &Situation<'_>,
        (bundle, wish): (BundleId, &Wish),
        plan: &mut Plan,
    ) -> Census {
        let mut census = Census::count(situation, (bundle, wish), plan);
        census.notice_drains(fleet, wish, plan);
        census.keep_what_is_drained_no_more(fleet, plan);
        census.stop_newest(plan);
        // A slot whose instance is on its way out is not free: else more would run than wished.
        census.missing = census
            .wanted
            .saturating_sub(census.counted.len() + census.stopping);
        plan.clears.extend(
            census
                .vacant
                .drain(census.missing.min(census.vacant.len())..),
        );
        census
    }

    fn count(
        situation: &Situation<'_>,
        (bundle, wish): (BundleId, &Wish),
        plan: &mut Plan,
    ) -> Census {
        let (counted, moving, vacant) = (Vec::new(), Vec::new(), Vec::new());
        let wanted = wish.scale as usize;
        let mut census = Census {
            bundle,
            wanted,
            counted,
            moving,
            stopping: 0,
            vacant,
            missing: 0,
        };
        for (id, slot) in situation.assignment.slots_of(bundle) {
            match &slot.content {
                Content::Vacant { .. } => census.vacant.push(id),
                Content::Completed { generation } if *generation == wish.generation => {
                    census.wanted = census.wanted.saturating_sub(1);
                }
                Content::Completed { .. } => plan.clears.push(id),
                Content::Filled(filled) if filled.moving && filled.is_stopping() => {}
                Content::Filled(filled) if filled.is_stopping() => census.stopping += 1,
                Content::Filled(filled) if filled.moving => census.moving.push((id, *filled)),
                Content::Filled(filled) => census.counted.push((id, *filled)),
            }
        }
        census
    }

    fn notice_drains(&mut self, fleet: &Fleet, wish: &Wish, plan: &mut Plan) {
        for (id, filled) in std::mem::take(&mut self.counted) {
            match filled.stage {
                _ if !is_drained(fleet, &filled) => self.counted.push((id, filled)),
                // What starts keeps the gate until it has signalled or failed.
                Stage::Granted | Stage::Overdue => self.counted.push((id, filled)),
                Stage::Started if !wish.terms.exclusive => {
                    plan.moves.push((id, Moving::Away));
                    self.moving.push((id, filled));
                }
                // One that may never run twice ends before its successor starts; one that has
                // not started has nothing to lose.
                Stage::Started | Stage::Placed | Stage::Stopping(_) => {
                    plan.stops.push((id, StopReason::Moved));
                    self.stopping += 1;
                }
            }
        }
    }

    fn keep_what_is_drained_no_more(&mut self, fleet: &Fleet, plan: &mut Plan) {
        for (id, filled) in std::mem::take(&mut self.moving) {
            let fits = self.counted.len() + self.stopping < self.wanted;
            if fits && !is_drained(fleet, &filled) {
                plan.moves.push((id, Moving::Stays));
                self.counted.push((id, filled));
            } else {
                self.moving.push((id, filled));
            }
        }
    }

    /// Ends what is too much: first what only waits, then what is newest.
    fn stop_newest(&mut self, plan: &mut Plan) {
        let too_many = self.counted.len().saturating_sub(self.wanted);
        self.counted.sort_unstable_by_key(|(id, filled)| {
            Reverse((filled.stage == Stage::Placed, filled.since, id.number))
        });
        for (id, _) in self.counted.drain(..too_many) {
            plan.stops.push((id, StopReason::ScaledDown));
            self.stopping += 1;
        }
    }

    /// The slots to fill now: those that are empty, then the lowest new numbers.
    pub(super) fn free(&self, situation: &Situation<'_>) -> impl Iterator<Item = SlotId> {
        let (bundle, pauses) = (self.bundle, situation.pauses);
        let slots = situation.assignment.slots_of(bundle);
        let taken: BTreeSet<u32> = slots.map(|(id, _)| id.number).collect();
        let at_most = if pauses.bundles.contains(&bundle) {
            0
        } else if pauses.single.contains(&bundle) {
            usize::from(self.unstarted() == 0)
        } else {
            self.missing.min(Assignment::SLOTS_MAX)
        };
        let fresh = (0..).filter(move |number| !taken.contains(number));
        let fresh = fresh.map(move |number| SlotId { bundle, number });
        let slots = self
            .vacant
            .clone()
            .into_iter()
            .chain(fresh)
            .take(self.missing);
        slots
            .filter(|slot| !pauses.slots.contains(slot))
            .take(at_most)
    }

    /// How many are missing for which no assignment has a slot.
    pub(super) fn beyond(&self, situation: &Situation<'_>) -> Option<u32> {
        let beyond = self.missing.checked_sub(Assignment::SLOTS_MAX)?;
        let pauses = situation.pauses;
        let paused = pauses.bundles.contains(&self.bundle) || pauses.single.contains(&self.bundle);
        u32::try_from(beyond).ok().filter(|_| !paused)
    }

    /// Ends those that are being replaced as far as others are healthy, or as none can come.
    pub(super) fn end_moves(mut self, situation: &Situation<'_>, plan: &mut Plan) {
        let account = situation.assignment.accounts.get(&self.bundle);
        let refused = plan
            .shortages
            .get(&self.bundle)
            .map_or(0, |short| short.missing as usize);
        let awaited = match account.is_some_and(Account::is_parked) {
            true => 0,
            false => self.missing.saturating_sub(refused),
        };
        let started = self.counted.len() - self.unstarted();
        let needed = self
            .wanted
            .saturating_sub(started)
            .min(self.unstarted() + awaited);
        self.moving
            .sort_unstable_by_key(|(id, filled)| (filled.since, id.number));
        for (id, _) in self.moving.into_iter().skip(needed) {
            plan.stops.push((id, StopReason::Moved));
        }
    }

    fn unstarted(&self) -> usize {
        self.counted
            .iter()
            .filter(|(_, filled)| filled.stage != Stage::Started)
            .count()
    }
}

/// Ends whatever belongs to bundles that are not loaded any more.
pub(super) fn stop_unwished(situation: &Situation<'_>, plan: &mut Plan) {
    let wished = |id: &SlotId| situation.wishes.contains_key(&id.bundle);
    for (id, slot) in situation
        .assignment
        .slots
        .iter()
        .filter(|(id, _)| !wished(id))
    {
        match &slot.content {
            Content::Filled(filled) if filled.is_stopping() => {}
            Content::Filled(_) => plan.stops.push((*id, StopReason::Unloaded)),
            Content::Vacant { .. } | Content::Completed { .. } => plan.clears.push(*id),
        }
    }
}

/// Whether its node is being emptied. One that is silent is judged first.
fn is_drained(fleet: &Fleet, filled: &Filled) -> bool {
    fleet.standing(&filled.node) == Some(Standing::Reachable)
        && fleet.closed(&filled.node) == Some(Closed::Draining)
}
