//! What becomes of an instance from its fork to its end.

use std::sync::Arc;

use conduct_model::{InstanceId, Span, Time};

use crate::execution::{Cause, Seed, State, Turn};
use crate::host::{Host, HostEffect, HostWrite, RuntimeNews};

impl Host {
    /// Takes news from the hands. What does not fit the state any more is old news.
    pub(super) fn runtime(
        &mut self,
        now: Time,
        instance: InstanceId,
        news: RuntimeNews,
        effects: &mut Vec<HostEffect>,
    ) {
        let Some(held) = self.executions.get_mut(&instance) else {
            // Left over from before this host knew anything, and now gone.
            if matches!(news, RuntimeNews::Ended { .. }) {
                effects.push(HostEffect::Forget { instance });
            }
            return;
        };
        let next = match (news, &held.execution.state) {
            (_, State::Ended(_)) => return,
            (RuntimeNews::Prepared, State::Preparing) => {
                held.ready = Some(now);
                State::Ready
            }
            (
                RuntimeNews::Launched { found_at },
                state @ (State::Starting | State::Active | State::Unhealthy),
            ) => {
                let state = state.clone();
                held.execution.found_at = Some(found_at);
                state
            }
            (RuntimeNews::Signalled, State::Starting) => {
                held.signalled = true;
                State::Active
            }
            (RuntimeNews::Unhealthy, State::Active) => State::Unhealthy,
            (RuntimeNews::Healthy, State::Unhealthy) => State::Active,
            (RuntimeNews::Failed { why }, _) => {
                State::Ended(held.ending(now, Cause::NotLaunched(why).shortened()))
            }
            (RuntimeNews::Ended { cause, while_away }, _) => {
                held.away |= while_away && !held.signalled;
                State::Ended(held.ending(now, cause))
            }
            _ => return,
        };
        held.execution.state = next;
        self.note(instance);
        self.tell(instance);
        self.forget_later(now, instance);
    }

    /// Forks, now that it is on disk; the time for its signal runs from here.
    pub(super) fn launch(
        &mut self,
        now: Time,
        instance: InstanceId,
        seeds: Vec<Seed>,
        effects: &mut Vec<HostEffect>,
    ) {
        let Some(held) = self.executions.get_mut(&instance) else {
            return;
        };
        if held.execution.state != State::Starting {
            return;
        }
        held.forked = Some(now);
        self.due.insert((now + held.terms.start_timeout, instance));
        let bundle = held.execution.bundle;
        effects.push(HostEffect::Start {
            instance,
            bundle,
            seeds,
        });
        self.tell(instance);
    }

    /// Begins to end an instance: one that has callers is kept from them first.
    pub(super) fn stop(&mut self, now: Time, instance: InstanceId, effects: &mut Vec<HostEffect>) {
        let Some(held) = self.executions.get_mut(&instance) else {
            return;
        };
        let grace = match held.execution.state {
            State::Stopping | State::Ended(_) => return,
            State::Preparing | State::Ready => Span::ZERO,
            State::Starting | State::Active | State::Unhealthy => held.terms.stop_grace,
        };
        held.draining = matches!(held.execution.state, State::Active | State::Unhealthy);
        held.doom = Some(Cause::Stopped);
        held.ready = None;
        held.execution.state = match held.handed {
            true => State::Stopping,
            false => State::Ended(held.ending(now, Cause::Stopped)),
        };
        match (held.draining, held.handed) {
            (true, _) => drop(self.due.insert((now + Host::DRAIN_SPAN_MAX, instance))),
            (false, true) => effects.push(HostEffect::Stop { instance, grace }),
            (false, false) => {}
        }
        self.note(instance);
        self.tell(instance);
        self.forget_later(now, instance);
    }

    /// No proxy sends it anything any more.
    pub(super) fn withdrawn(&mut self, instance: InstanceId, effects: &mut Vec<HostEffect>) {
        let Some(held) = self.executions.get_mut(&instance) else {
            return;
        };
        if std::mem::take(&mut held.draining) {
            effects.push(HostEffect::Stop {
                instance,
                grace: held.terms.stop_grace,
            });
        }
    }

    /// Acts on every wait that is over.
    pub(super) fn expire(&mut self, now: Time, effects: &mut Vec<HostEffect>) {
        while let Some(&(at, instance)) = self.due.first().filter(|(at, _)| *at <= now) {
            self.due.remove(&(at, instance));
            self.expired(now, instance, effects);
        }
    }

    fn expired(&mut self, now: Time, instance: InstanceId, effects: &mut Vec<HostEffect>) {
        let Some(held) = self.executions.get_mut(&instance) else {
            return;
        };
        let timeout = held.terms.start_timeout;
        match held.execution.state {
            State::Stopping if held.draining => return self.withdrawn(instance, effects),
            State::Ended(_) => return self.forget_if_dropped(instance, effects),
            State::Preparing => {
                let why = format!(
                    "was not fetched and unpacked within {}",
                    Host::PREPARE_SPAN_MAX
                );
                held.doom = Some(Cause::NotLaunched(why.into()));
            }
            State::Starting
                if held
                    .forked
                    .is_some_and(|forked| now.since(forked) >= timeout) =>
            {
                held.doom = Some(Cause::StartTimedOut);
            }
            // The wait was for something that has happened.
            _ => return,
        }
        held.execution.state = State::Stopping;
        effects.push(HostEffect::Stop {
            instance,
            grace: Span::ZERO,
        });
        self.note(instance);
        self.tell(instance);
    }

    /// An instance changed: notes it for disk and report.
    pub(super) fn note(&mut self, instance: InstanceId) {
        let Some(held) = self.executions.get_mut(&instance) else {
            return;
        };
        held.execution.turn = Turn {
            start: self.turn.start,
            change: self.turn.change + 1,
        };
        self.changed = true;
        self.writes.push(HostWrite::Execution(
            instance,
            Some(Box::new(held.record())),
        ));
    }

    /// Takes over what lives, after a restart of the daemon.
    pub(super) fn found_alive(
        &mut self,
        now: Time,
        instance: InstanceId,
        (found_at, signalled): (Arc<Seed>, bool),
        effects: &mut Vec<HostEffect>,
    ) {
        let Some(held) = self.executions.get_mut(&instance) else {
            return;
        };
        held.signalled |= signalled;
        held.forked = Some(now);
        held.execution.found_at = Some(found_at);
        match held.execution.state {
            State::Stopping => {
                effects.push(HostEffect::Stop {
                    instance,
                    grace: held.terms.stop_grace,
                });
            }
            State::Unhealthy | State::Ended(_) => {}
            _ if held.signalled => held.execution.state = State::Active,
            _ => {
                held.execution.state = State::Starting;
                self.due.insert((now + held.terms.start_timeout, instance));
            }
        }
    }
}
