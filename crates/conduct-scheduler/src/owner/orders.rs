//! What is ordered: only what is confirmed, only of nodes that answer, again until it is obeyed.

use conduct_model::{InstanceId, Time};

use crate::assignment::{Filled, SlotId, Stage};
use crate::epoch::Version;
use crate::execution::State;
use crate::fleet::{Fleet, Standing};
use crate::message::{Order, Wanted};
use crate::owner::track::Ordered;
use crate::owner::{Owner, OwnerEffect};

impl Owner {
    /// Orders whatever is due.
    pub(super) fn order_all(&mut self, now: Time, fleet: &Fleet, effects: &mut Vec<OwnerEffect>) {
        let Some(confirmed) = self.confirmed else {
            return;
        };
        for (node, instance) in std::mem::take(&mut self.strangers) {
            let order = self.order(confirmed, instance, Wanted::Stop);
            effects.push(OwnerEffect::Order { node, order });
        }
        let due: Vec<(SlotId, Filled, Ordered)> = self
            .assignment
            .slots
            .iter()
            .filter(|(_, slot)| slot.version <= confirmed)
            .filter_map(|(id, slot)| {
                let filled = slot.filled()?;
                Some((*id, *filled, self.wanted_of(fleet, (*id, filled))?))
            })
            .collect();
        for (id, filled, ordered) in due {
            self.send(now, fleet, (id, filled, ordered), effects);
        }
    }

    /// What is wanted of the host of an instance, if anything is.
    fn wanted_of(&self, fleet: &Fleet, (id, filled): (SlotId, &Filled)) -> Option<Ordered> {
        if fleet.standing(&filled.node) != Some(Standing::Reachable) {
            return None;
        }
        let told = fleet
            .told(&filled.node, filled.instance)
            .map(|told| &told.state);
        let ready = self.tracks.get(&id).and_then(|track| track.ready);
        match (filled.stage, told) {
            (Stage::Placed, None) => Some(Ordered::Prepare),
            (Stage::Granted, Some(State::Ready)) => {
                Some(ready.map_or(Ordered::Tell, |(word, _)| Ordered::Start(word)))
            }
            (Stage::Granted | Stage::Overdue | Stage::Started, None) => Some(Ordered::Tell),
            (Stage::Stopping(_), Some(State::Stopping | State::Ended(_))) => None,
            (Stage::Stopping(_), _) => Some(Ordered::Stop),
            _ => None,
        }
    }

    fn send(
        &mut self,
        now: Time,
        fleet: &Fleet,
        (id, filled, ordered): (SlotId, Filled, Ordered),
        effects: &mut Vec<OwnerEffect>,
    ) {
        let Some(confirmed) = self.confirmed else {
            return;
        };
        let Some(wanted) = self.words_for(now, fleet, id, ordered) else {
            return;
        };
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        if track.was_ordered(now, ordered, Owner::REPEAT) {
            return;
        }
        track.ordered = Some((ordered, now));
        let order = self.order(confirmed, filled.instance, wanted);
        effects.push(OwnerEffect::Order {
            node: filled.node,
            order,
        });
    }

    fn words_for(&self, now: Time, fleet: &Fleet, id: SlotId, ordered: Ordered) -> Option<Wanted> {
        Some(match ordered {
            Ordered::Prepare => {
                let terms = self.wishes.get(&id.bundle)?.terms.clone();
                Wanted::Prepare {
                    bundle: id.bundle,
                    terms,
                }
            }
            Ordered::Start(ready) => Wanted::Start {
                ready,
                seeds: self.seeds(now, fleet)?,
            },
            Ordered::Stop => Wanted::Stop,
            Ordered::Tell => Wanted::Tell,
        })
    }

    fn order(&self, version: Version, instance: InstanceId, wanted: Wanted) -> Order {
        Order {
            system: (*self.system).clone(),
            version,
            instance,
            wanted,
        }
    }

    /// When something has to be done next, if nothing happens before.
    pub fn next_due(&self, now: Time, fleet: &Fleet) -> Option<Time> {
        let mut next = Time::NEVER;
        let mut at = |time: Time| next = next.min(time);
        if let Some((_, proposed)) = &self.proposed {
            at(*proposed + Owner::REPEAT);
        }
        if let Some((made, changes)) = self.short
            && changes != fleet.changes()
        {
            at(made + Owner::SHORT_SPAN);
        }
        self.trials
            .next_due(now, &self.parked())
            .into_iter()
            .for_each(&mut at);
        let declined = self.declined.values().flatten();
        declined
            .map(|decline| decline.until)
            .filter(|until| *until > now)
            .for_each(&mut at);
        for (id, slot) in &self.assignment.slots {
            let Some(track) = self.tracks.get(id) else {
                continue;
            };
            Some(track.resume)
                .filter(|resume| *resume > now)
                .into_iter()
                .for_each(&mut at);
            let Some(filled) = slot.filled() else {
                continue;
            };
            Some(track.gate_until)
                .filter(|until| *until > now)
                .into_iter()
                .for_each(&mut at);
            self.gone_at(fleet, *id, filled)
                .filter(|gone| *gone > now)
                .into_iter()
                .for_each(&mut at);
            if let Some((ordered, sent)) = track.ordered
                && self.wanted_of(fleet, (*id, filled)) == Some(ordered)
            {
                at(sent + Owner::REPEAT);
            }
        }
        (next < Time::NEVER).then_some(next)
    }
}
