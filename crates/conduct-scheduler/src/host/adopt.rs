//! After a restart of the daemon: from what the disk remembers and the shims say to what is.

use std::collections::BTreeMap;

use conduct_model::{InstanceId, Span, Time};

use crate::execution::{Cause, State};
use crate::host::{Found, Host, HostEffect};

impl Host {
    /// Takes what the shims said, and ends being adopting.
    pub(super) fn adopt(
        &mut self,
        now: Time,
        mut found: BTreeMap<InstanceId, Found>,
        effects: &mut Vec<HostEffect>,
    ) {
        self.adopting = false;
        self.changed = true;
        let known: Vec<InstanceId> = self.executions.keys().copied().collect();
        for instance in known {
            self.adopt_one(now, instance, found.remove(&instance), effects);
            self.note(instance);
            self.tell(instance);
        }
        // Nothing remembers these: whatever they are, nobody wants them.
        for instance in found.into_keys() {
            effects.push(HostEffect::Stop {
                instance,
                grace: Host::STRANGER_GRACE,
            });
        }
        self.review(now, effects);
    }

    fn adopt_one(
        &mut self,
        now: Time,
        instance: InstanceId,
        found: Option<Found>,
        effects: &mut Vec<HostEffect>,
    ) {
        let Some(held) = self.executions.get_mut(&instance) else {
            return;
        };
        let bundle = held.execution.bundle;
        match (found, &held.execution.state) {
            (_, State::Ended(_)) => {}
            (
                Some(Found::Alive {
                    found_at,
                    signalled,
                }),
                _,
            ) => {
                self.found_alive(now, instance, (found_at, signalled), effects);
            }
            (Some(Found::Ended { cause }), _) => {
                held.execution.state = State::Ended(held.ending(now, cause));
            }
            (Some(Found::Prepared), State::Stopping) => {
                effects.push(HostEffect::Stop {
                    instance,
                    grace: Span::ZERO,
                });
            }
            // Noted as starting or not: no process was ever forked.
            (Some(Found::Prepared), _) => {
                held.execution.state = State::Ready;
                held.ready = Some(now);
            }
            (None, State::Preparing | State::Ready) => {
                held.execution.state = State::Preparing;
                self.due.insert((now + Host::PREPARE_SPAN_MAX, instance));
                effects.push(HostEffect::Prepare { instance, bundle });
            }
            (None, _) => held.execution.state = State::Ended(held.ending(now, Cause::Lost)),
        }
    }

    /// What a stranger gets from SIGTERM to SIGKILL.
    const STRANGER_GRACE: Span = Span::secs(8);
}
