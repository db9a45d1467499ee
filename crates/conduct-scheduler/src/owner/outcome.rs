//! From what the nodes tell to what it means: started, failed, finished, gone.

use conduct_model::{Span, Time};

use crate::assignment::{Account, Content, Filled, SlotId, Stage, StopReason};
use crate::event::Happening;
use crate::execution::{Cause, Ending, Meaning, State};
use crate::fleet::{Fleet, Standing};
use crate::owner::account::back_off;
use crate::owner::{Owner, OwnerEffect};

/// An instance that lived so long was well: its end is no repetition.
const STABLE: Span = Span::secs(60);

impl Owner {
    /// Looks at every instance.
    pub(super) fn outcomes(
        &mut self,
        now: Time,
        fleet: &mut Fleet,
        effects: &mut Vec<OwnerEffect>,
    ) {
        let filled: Vec<(SlotId, Filled)> = self
            .assignment
            .filled()
            .map(|(id, filled)| (id, *filled))
            .collect();
        for (id, filled) in filled {
            if self.is_gone(now, fleet, (id, &filled)) {
                self.give_again(now, fleet, (id, filled), effects);
                continue;
            }
            let told = fleet
                .told(&filled.node, filled.instance)
                .map(|told| told.state.clone());
            match told {
                None => {}
                Some(State::Ended(ending)) => {
                    self.ended(now, (id, filled), ending, effects);
                }
                Some(state) => self.progressed(now, fleet, (id, filled), &state, effects),
            }
        }
    }

    /// Whether what ran on its node does not count any more.
    fn is_gone(&self, now: Time, fleet: &Fleet, (id, filled): (SlotId, &Filled)) -> bool {
        self.gone_at(fleet, id, filled).is_some_and(|at| at <= now)
    }

    /// When what runs on its node stops to count: once the node is down; for a bundle that must
    /// never run twice not before the lease has surely ended it. A node of which nothing is known
    /// is waited for.
    pub(super) fn gone_at(&self, fleet: &Fleet, id: SlotId, filled: &Filled) -> Option<Time> {
        let since = match fleet.standing(&filled.node) {
            Some(Standing::Gone { since }) => since,
            Some(_) => return None,
            None => self.began + Owner::STRANGE_NODE_SPAN,
        };
        // Of a bundle that is not loaded any more nobody knows whether it may run twice.
        let exclusive = self
            .wishes
            .get(&id.bundle)
            .is_none_or(|wish| wish.terms.exclusive);
        Some(if exclusive {
            since + Owner::LEASE_SPAN
        } else {
            since
        })
    }

    fn give_again(
        &mut self,
        now: Time,
        fleet: &mut Fleet,
        (id, filled): (SlotId, Filled),
        effects: &mut Vec<OwnerEffect>,
    ) {
        fleet.settle(filled.instance);
        let who = (filled.instance, filled.node);
        let event = self.teller.instance(id.bundle, who, Happening::NodeGone);
        effects.push(OwnerEffect::Event(Box::new(event)));
        match filled.counts() {
            true => self.empty(now, id, (filled.node, Span::ZERO)),
            false => self.remove(id),
        }
    }

    /// Takes what is told of an instance that has not ended.
    fn progressed(
        &mut self,
        now: Time,
        fleet: &Fleet,
        (id, filled): (SlotId, Filled),
        state: &State,
        effects: &mut Vec<OwnerEffect>,
    ) {
        let answers = fleet.standing(&filled.node) == Some(Standing::Reachable);
        match (filled.stage, state) {
            (Stage::Placed | Stage::Granted | Stage::Overdue, State::Active | State::Unhealthy) => {
                self.started(now, (id, filled), effects);
            }
            (Stage::Placed, State::Starting) => self.set_stage(id, Stage::Granted),
            // It was not running when its daemon came back: through the gate again.
            (Stage::Started, State::Preparing | State::Ready) => self.set_stage(id, Stage::Placed),
            (Stage::Overdue, _) if answers => {
                self.stop(id, StopReason::Overdue, effects);
            }
            (Stage::Started, State::Unhealthy) if !filled.moving && self.may_restart(id) => {
                self.stop(id, StopReason::Unhealthy, effects);
            }
            _ => {}
        }
    }

    fn started(
        &mut self,
        now: Time,
        (id, filled): (SlotId, Filled),
        effects: &mut Vec<OwnerEffect>,
    ) {
        let granted = self.tracks.get(&id).and_then(|track| track.granted);
        let took = granted
            .map(|granted| now.since(granted))
            .unwrap_or_default();
        self.set_stage(id, Stage::Started);
        let who = (filled.instance, filled.node);
        let event = self
            .teller
            .instance(id.bundle, who, Happening::Started { took });
        effects.push(OwnerEffect::Event(Box::new(event)));
        self.count_start(id.bundle, effects);
    }

    /// Of a bundle whose checks fail one instance is restarted at a time.
    fn may_restart(&self, id: SlotId) -> bool {
        self.assignment
            .slots_of(id.bundle)
            .all(|(_, slot)| match &slot.content {
                Content::Filled(other) => other.moving || other.stage == Stage::Started,
                Content::Vacant { .. } => false,
                Content::Completed { .. } => true,
            })
    }

    /// Takes an end.
    pub(super) fn ended(
        &mut self,
        now: Time,
        (id, filled): (SlotId, Filled),
        ending: Ending,
        effects: &mut Vec<OwnerEffect>,
    ) {
        let who = (id.bundle, filled.instance, filled.node);
        let told = |what| {
            let event = self
                .teller
                .instance(id.bundle, (filled.instance, filled.node), what);
            OwnerEffect::Event(Box::new(event))
        };
        match (filled.stage, ending.meaning()) {
            (Stage::Stopping(StopReason::Overdue), _) => {
                self.remove(id);
                let ending = Ending {
                    cause: Cause::StartTimedOut,
                    ..ending
                };
                self.count_failed_start(now, who, ending, effects);
            }
            (Stage::Stopping(StopReason::Unhealthy), _) => {
                effects.push(told(Happening::Stopped));
                self.fail(now, (id, filled), ending, effects);
            }
            (Stage::Stopping(_), _) => {
                effects.push(told(Happening::Stopped));
                self.remove(id);
            }
            (_, Meaning::Completed) => {
                effects.push(told(Happening::Completed { ending }));
                self.complete(id, filled);
            }
            (_, Meaning::FailedStart) => {
                self.remove(id);
                self.count_failed_start(now, who, ending, effects);
                self.stop_waiting(id, effects);
            }
            (_, Meaning::Failed) => self.fail(now, (id, filled), ending, effects),
            (_, Meaning::Blameless) => {
                effects.push(told(Happening::Interrupted { ending }));
                self.count_reschedule(id.bundle, None);
                self.refill(now, (id, filled), Span::ZERO);
            }
        }
    }

    fn complete(&mut self, id: SlotId, filled: Filled) {
        let generation = self.wishes.get(&id.bundle).map(|wish| wish.generation);
        let (Some(generation), false) = (generation, filled.moving) else {
            return self.remove(id);
        };
        self.tracks.remove(&id);
        if let Some(slot) = self.slot_mut(id) {
            slot.content = Content::Completed { generation };
            slot.quick_ends = 0;
        }
    }

    /// One that had been healthy ended badly: again at once, and on repetitions later and later.
    fn fail(
        &mut self,
        now: Time,
        (id, filled): (SlotId, Filled),
        ending: Ending,
        effects: &mut Vec<OwnerEffect>,
    ) {
        let Some(slot) = self.slot_mut(id) else {
            return;
        };
        let repeated = if ending.lasted < STABLE {
            slot.quick_ends
        } else {
            0
        };
        slot.quick_ends = repeated.saturating_add(1);
        let again_in = back_off(slot.quick_ends, filled.instance);
        let failed = Happening::Failed {
            ending: ending.clone(),
            again_in,
        };
        let event = self
            .teller
            .instance(id.bundle, (filled.instance, filled.node), failed);
        effects.push(OwnerEffect::Event(Box::new(event)));
        self.count_reschedule(id.bundle, Some(ending));
        self.refill(now, (id, filled), again_in);
    }

    /// Empties a slot for the next instance; one that is being replaced has its next already.
    fn refill(&mut self, now: Time, (id, filled): (SlotId, Filled), wait: Span) {
        match filled.moving {
            true => self.remove(id),
            false => self.empty(now, id, (filled.node, wait)),
        }
    }

    /// Once a bundle is given up, those of its instances that only wait give their room back.
    fn stop_waiting(&mut self, id: SlotId, effects: &mut Vec<OwnerEffect>) {
        let account = self.assignment.accounts.get(&id.bundle);
        if !account.is_some_and(Account::is_parked) {
            return;
        }
        let slots = self.assignment.slots_of(id.bundle);
        let waits = |filled: &Filled| filled.stage == Stage::Placed;
        let waiting: Vec<SlotId> = slots
            .filter(|(_, slot)| slot.filled().is_some_and(waits))
            .map(|(id, _)| id)
            .collect();
        for id in waiting {
            self.stop(id, StopReason::Parked, effects);
        }
    }

    /// Orders an instance to its end.
    pub(super) fn stop(&mut self, id: SlotId, why: StopReason, effects: &mut Vec<OwnerEffect>) {
        let Some(filled) = self
            .assignment
            .slots
            .get(&id)
            .and_then(|slot| slot.filled())
        else {
            return;
        };
        let who = (filled.instance, filled.node);
        let event = self
            .teller
            .instance(id.bundle, who, Happening::Stopping(why));
        effects.push(OwnerEffect::Event(Box::new(event)));
        self.set_stage(id, Stage::Stopping(why));
    }

    /// Lets an instance on, or back.
    pub(super) fn set_stage(&mut self, id: SlotId, stage: Stage) {
        let next = self.next;
        let Some(slot) = self.slot_mut(id) else {
            return;
        };
        if let Content::Filled(filled) = &mut slot.content {
            filled.stage = stage;
            if matches!(stage, Stage::Placed | Stage::Granted) {
                filled.since = next;
            }
        }
    }
}
