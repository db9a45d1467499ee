//! One start at a time: the gate of a system is held from the grant to the signal, the failure or
//! the time-out.

use conduct_model::{Span, Time};

use crate::assignment::{Filled, SlotId, Stage, StopReason};
use crate::event::Happening;
use crate::execution::{Seed, State};
use crate::fleet::{Fleet, Standing};
use crate::host::Host;
use crate::owner::{Owner, OwnerEffect};

/// Clocks that drift and daemons that are slow to tell.
const SLACK: Span = Span::secs(1);

/// How long a new owner waits to hear where the instances are that others are to join.
const SEED_SPAN_MAX: Span = Span::secs(5);

impl Owner {
    /// Grants the gate to the next instance, if nobody holds it.
    pub(super) fn grant(&mut self, now: Time, fleet: &Fleet, effects: &mut Vec<OwnerEffect>) {
        self.notice_overdue(now, fleet, effects);
        if self.is_gate_held(now, fleet) || self.seeds(now, fleet).is_none() {
            return;
        }
        let Some((id, filled)) = self.next_in_line(now, fleet) else {
            return;
        };
        self.set_stage(id, Stage::Granted);
        let until = self.gate_until(now, id);
        if let Some(track) = self.tracks.get_mut(&id) {
            (track.granted, track.gate_until) = (Some(now), until);
        }
        let seeds = self.seeds(now, fleet).map_or(0, |seeds| seeds.len() as u32);
        let who = (filled.instance, filled.node);
        let event = self
            .teller
            .instance(id.bundle, who, Happening::Granted { seeds });
        effects.push(OwnerEffect::Event(Box::new(event)));
    }

    /// Until when an instance may be starting whose host said at `now` that it is ready: a start
    /// is obeyed only a moment after that, and then the time for its signal runs.
    pub(super) fn gate_until(&self, now: Time, id: SlotId) -> Time {
        let timeout = self
            .wishes
            .get(&id.bundle)
            .map(|wish| wish.terms.start_timeout);
        now + Host::READY_SPAN_MAX + timeout.unwrap_or(START_TIMEOUT) + SLACK
    }

    /// Frees the gate of instances that had all the time there is, on nodes that are silent.
    fn notice_overdue(&mut self, now: Time, fleet: &Fleet, effects: &mut Vec<OwnerEffect>) {
        let granted: Vec<(SlotId, Filled)> = self
            .assignment
            .filled()
            .filter(|(_, filled)| filled.stage == Stage::Granted)
            .map(|(id, filled)| (id, *filled))
            .collect();
        for (id, filled) in granted {
            let until = match self.tracks.get(&id) {
                Some(track) if track.gate_until > Time::ZERO => track.gate_until,
                // From another owner: it may have been granted a moment before that one fell.
                _ => self.gate_until(self.began, id),
            };
            if let Some(track) = self.tracks.get_mut(&id) {
                track.gate_until = until;
            }
            let gone = matches!(fleet.standing(&filled.node), Some(Standing::Gone { .. }));
            if until > now && !gone {
                continue;
            }
            let who = (filled.instance, filled.node);
            let event = self.teller.instance(id.bundle, who, Happening::Overdue);
            effects.push(OwnerEffect::Event(Box::new(event)));
            match fleet.standing(&filled.node) {
                Some(Standing::Reachable) => self.stop(id, StopReason::Overdue, effects),
                _ => self.set_stage(id, Stage::Overdue),
            }
        }
    }

    /// Whether an instance starts or may be starting. One that was told to end meanwhile holds
    /// the gate as long as it could still be starting.
    fn is_gate_held(&self, now: Time, fleet: &Fleet) -> bool {
        self.assignment
            .filled()
            .any(|(id, filled)| match filled.stage {
                Stage::Granted => true,
                Stage::Stopping(_) => {
                    let until = self.tracks.get(&id).map(|track| track.gate_until);
                    let told = fleet
                        .told(&filled.node, filled.instance)
                        .map(|told| &told.state);
                    until.is_some_and(|until| until > now)
                        && !matches!(told, Some(State::Active | State::Stopping))
                }
                Stage::Placed | Stage::Overdue | Stage::Started => false,
            })
    }

    /// The instance that starts next: bundles that start before those that fail, each bundle's
    /// first before any one's second, and then who waits longest.
    fn next_in_line(&self, now: Time, fleet: &Fleet) -> Option<(SlotId, Filled)> {
        let ready = self.assignment.filled().filter(|(id, filled)| {
            let told = fleet
                .told(&filled.node, filled.instance)
                .map(|told| &told.state);
            let account = self.assignment.accounts.get(&id.bundle);
            filled.stage == Stage::Placed
                && told == Some(&State::Ready)
                && fleet.standing(&filled.node) == Some(Standing::Reachable)
                && !account.is_some_and(|account| self.is_held_back(now, id.bundle, account))
        });
        let first = ready.min_by_key(|(id, filled)| {
            let failed = self
                .assignment
                .accounts
                .get(&id.bundle)
                .map_or(0, |a| a.failed_starts);
            (failed, id.number, filled.since, id.bundle)
        });
        first.map(|(id, filled)| (id, *filled))
    }

    /// The instances that a new one may join, oldest first; `None` while it is not known where
    /// one of them is and it may still be told. Those on silent nodes are among them: a start
    /// that is told of nobody would begin a second cluster beside them.
    pub(super) fn seeds(&self, now: Time, fleet: &Fleet) -> Option<Vec<Seed>> {
        let mut started: Vec<(SlotId, &Filled)> = self
            .assignment
            .filled()
            .filter(|(_, filled)| filled.stage == Stage::Started)
            .collect();
        started.sort_unstable_by_key(|(id, filled)| (filled.since, *id));
        let mut seeds = Vec::with_capacity(started.len());
        for (_, filled) in started {
            let told = fleet.told(&filled.node, filled.instance);
            match told.and_then(|told| told.found_at.as_ref()) {
                Some(seed) => seeds.push((**seed).clone()),
                None if now.since(self.began) < SEED_SPAN_MAX => return None,
                None => {}
            }
        }
        Some(seeds)
    }
}

/// The time for a signal where the bundle is not loaded any more.
const START_TIMEOUT: Span = Span::secs(60);
