//! What hosts tell between their reports.

use conduct_model::{InstanceId, NodeKey, Span, Time};

use crate::assignment::{Filled, SlotId, Stage};
use crate::event::Happening;
use crate::execution::{Cause, Ending, State};
use crate::fleet::{Fleet, Refusal};
use crate::message::{Item, Told};
use crate::owner::{Decline, Owner, OwnerEffect};

impl Owner {
    /// Takes one piece of news; the fleet knows it already.
    pub(super) fn news(
        &mut self,
        now: Time,
        fleet: &mut Fleet,
        (from, item): (NodeKey, Item),
        effects: &mut Vec<OwnerEffect>,
    ) {
        if let Told::Fenced(version) = &item.told {
            if version.epoch > self.next.epoch {
                effects.push(OwnerEffect::Outvoted(version.epoch));
            } else if self.has_not_decided(*version) {
                effects.push(OwnerEffect::Reclaim);
            }
            return;
        }
        let named = self.slot_of(item.instance);
        let Some((id, filled)) = named.filter(|(_, filled)| filled.node == from) else {
            return self.stranger(from, &item);
        };
        match item.told {
            Told::Has { ready, .. } => self.take_ready(now, id, ready),
            Told::Declined(refusal) => {
                self.declined(now, fleet, (id, filled), refusal, effects);
            }
            Told::Unknown => self.unknown(now, fleet, (id, filled), effects),
            Told::Adopting | Told::Fenced(_) => {}
        }
    }

    fn slot_of(&self, instance: InstanceId) -> Option<(SlotId, Filled)> {
        let mut filled = self.assignment.filled();
        let found = filled.find(|(_, filled)| filled.instance == instance);
        found.map(|(id, filled)| (id, *filled))
    }

    /// A host has an instance that no decision names: an order that came late brought it.
    fn stranger(&mut self, from: NodeKey, item: &Item) {
        if let Told::Has { execution, .. } = &item.told
            && !matches!(execution.state, State::Ended(_) | State::Stopping)
        {
            self.strangers.push((from, item.instance));
        }
    }

    fn take_ready(&mut self, now: Time, id: SlotId, ready: Option<Time>) {
        let Some(word) = ready else { return };
        let until = self.gate_until(now, id);
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        track.ready = Some((word, now));
        if track.gate_until > Time::ZERO {
            track.gate_until = until;
        }
    }

    /// The next candidate is asked at once: this was no try.
    fn declined(
        &mut self,
        now: Time,
        fleet: &mut Fleet,
        (id, filled): (SlotId, Filled),
        refusal: Refusal,
        effects: &mut Vec<OwnerEffect>,
    ) {
        fleet.settle(filled.instance);
        if filled.stage != Stage::Placed {
            return self.unknown(now, fleet, (id, filled), effects);
        }
        let who = (filled.instance, filled.node);
        let event = self
            .teller
            .instance(id.bundle, who, Happening::Declined(refusal.clone()));
        effects.push(OwnerEffect::Event(Box::new(event)));
        let until = now + Owner::DECLINE_SPAN;
        let declines = self.declined.entry(id.bundle).or_default();
        declines.retain(|decline| decline.node != filled.node);
        declines.push(Decline {
            node: filled.node,
            refusal,
            until,
        });
        match self
            .assignment
            .slots
            .get(&id)
            .is_some_and(|slot| slot.quick_ends > 0)
        {
            true => self.empty(now, id, (filled.node, Span::ZERO)),
            false => self.remove(id),
        }
    }

    /// The host does not have it and will not get it by any earlier order.
    fn unknown(
        &mut self,
        now: Time,
        fleet: &mut Fleet,
        (id, filled): (SlotId, Filled),
        effects: &mut Vec<OwnerEffect>,
    ) {
        match filled.stage {
            // It did not get the order yet: it is sent again.
            Stage::Placed => {}
            Stage::Granted | Stage::Overdue | Stage::Started | Stage::Stopping(_) => {
                fleet.settle(filled.instance);
                let (cause, signalled) = (Cause::Lost, filled.stage == Stage::Started);
                let lost = Ending {
                    cause,
                    signalled,
                    daemon_away: true,
                    lasted: Span::ZERO,
                };
                self.ended(now, (id, filled), lost, effects);
            }
        }
    }
}
