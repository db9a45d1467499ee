//! What the hands that run instances tell.

use std::collections::BTreeMap;
use std::sync::Arc;

use conduct_model::{InstanceId, Resources, Wall};
use conduct_scheduler::{Cause, Found, HostInput, RuntimeNews, Seed, SeedEndpoint, State};

use super::Brain;
use super::hosting::Hand;
use crate::command::{Refusal, Reply};
use crate::event::EventKind;
use crate::runtime::{Adopted, Exit, ExitStatus, Health, Ports, RuntimeEvent};

impl Brain {
    /// What the hands tell.
    pub(super) fn take_runtime(&mut self, event: RuntimeEvent) {
        match event {
            RuntimeEvent::Adopted { instances } => self.adopt(instances),
            RuntimeEvent::Prepared { instance } => self.tell_host(instance, RuntimeNews::Prepared),
            RuntimeEvent::Launched {
                instance,
                pid,
                ports,
            } => {
                let found_at = self.launched(instance, pid, ports);
                self.tell_hand(instance, EventKind::Launched { pid });
                self.tell_host(instance, RuntimeNews::Launched { found_at });
            }
            RuntimeEvent::Failed { instance, why } => {
                self.tell_host(instance, RuntimeNews::Failed { why: why.into() });
            }
            RuntimeEvent::Started { instance } => {
                self.tell_host(instance, RuntimeNews::Signalled);
            }
            RuntimeEvent::Health { instance, health } => self.health(instance, health),
            RuntimeEvent::Stopping { instance, stage } => {
                let (why, stage) = (String::new(), Some(stage));
                self.tell_hand(instance, EventKind::Stopping { why, stage });
            }
            RuntimeEvent::Ended { instance, exit } => {
                self.tell_hand(instance, EventKind::Exited { exit });
                let news = RuntimeNews::Ended {
                    cause: cause(&exit),
                    while_away: exit.while_away,
                };
                self.tell_host(instance, news);
            }
            RuntimeEvent::ChildOutOfMemory { instance } => {
                self.tell_hand(instance, EventKind::ChildOutOfMemory);
            }
            RuntimeEvent::Capacity(capacity) => self.capacity(capacity),
        }
    }

    pub(super) fn tell_host(&mut self, instance: InstanceId, news: RuntimeNews) {
        self.pass_host(HostInput::Runtime { instance, news });
    }

    fn tell_hand(&mut self, instance: InstanceId, kind: EventKind) {
        if let Some(bundle) = self
            .host
            .execution(instance)
            .map(|execution| execution.bundle)
        {
            self.tell_of_instance(bundle, instance, kind);
        }
    }

    /// Notes what a launched instance was given, and says where others find it.
    fn launched(
        &mut self,
        instance: InstanceId,
        pid: u32,
        ports: BTreeMap<String, Ports>,
    ) -> Arc<Seed> {
        let bundle = self
            .host
            .execution(instance)
            .map(|execution| execution.bundle);
        let descriptor = self
            .hands
            .get(&instance)
            .and_then(|hand| hand.descriptor.clone())
            .or_else(|| Some(self.book.bundles.get(&bundle?)?.descriptor.clone()));
        let protocol = |name: &String| {
            let endpoint = descriptor.as_ref().and_then(|d| d.endpoints.get(name));
            endpoint.map_or_else(|| "tcp".to_owned(), |endpoint| endpoint.protocol.clone())
        };
        let endpoints = ports
            .iter()
            .map(|(name, ports)| {
                let endpoint = SeedEndpoint {
                    protocol: protocol(name),
                    port: ports.host,
                };
                (name.clone(), endpoint)
            })
            .collect();
        if let Some(bundle) = bundle {
            let hand = self
                .hands
                .entry(instance)
                .or_insert_with(|| Hand::new(bundle));
            hand.descriptor = descriptor;
            (hand.pid, hand.since, hand.ports) = (Some(pid), self.now.wall, ports);
        }
        Arc::new(Seed {
            host: self.config.address.ip(),
            endpoints,
        })
    }

    fn health(&mut self, instance: InstanceId, health: Health) {
        if let Some(hand) = self.hands.get_mut(&instance) {
            let doubtful = health != Health::Good;
            if std::mem::replace(&mut hand.doubtful, doubtful) != doubtful {
                self.own.report_changed = true;
            }
        }
        match health {
            Health::Good => self.tell_host(instance, RuntimeNews::Healthy),
            Health::Bad => self.tell_host(instance, RuntimeNews::Unhealthy),
            Health::Doubtful => {}
        }
    }

    /// The shims were asked.
    fn adopt(&mut self, instances: BTreeMap<InstanceId, Adopted>) {
        let mut found = BTreeMap::new();
        for (instance, adopted) in instances {
            let what = match adopted {
                Adopted::Prepared => Found::Prepared,
                Adopted::Alive {
                    pid,
                    ports,
                    started,
                } => {
                    let since = self.since(instance);
                    let found_at = self.launched(instance, pid, ports);
                    if let Some(hand) = self.hands.get_mut(&instance) {
                        hand.since = since;
                    }
                    Found::Alive {
                        found_at,
                        signalled: started,
                    }
                }
                Adopted::Ended(exit) => {
                    self.tell_hand(instance, EventKind::Exited { exit });
                    Found::Ended {
                        cause: cause(&exit),
                    }
                }
            };
            found.insert(instance, what);
        }
        self.pass_host(HostInput::Adopted(found));
    }

    /// When an adopted instance was launched, by what this node had said of it before.
    fn since(&self, instance: InstanceId) -> Wall {
        let reported = self.book.running.get(&self.me);
        let held = reported.and_then(|running| running.executions.get(&instance));
        held.map_or(self.now.wall, |held| held.since)
    }

    /// A client, or a check, says that an instance is healthy.
    pub(super) fn signal_started(&mut self, instance: InstanceId) -> Reply {
        match self
            .host
            .execution(instance)
            .map(|execution| &execution.state)
        {
            None => Reply::Refused(Refusal::NoSuchInstance(instance)),
            Some(State::Stopping | State::Ended(_)) => {
                Reply::Refused(Refusal::SignalLate(instance))
            }
            Some(_) => {
                self.tell_host(instance, RuntimeNews::Signalled);
                Reply::Done
            }
        }
    }

    /// Samples differ all the time; what is worth telling is a difference that decides something.
    fn capacity(&mut self, capacity: Resources) {
        let known = self.own.capacity;
        let near = |a: u64, b: u64| a.abs_diff(b) <= b / 20;
        let same = near(capacity.cpu_millis, known.cpu_millis)
            && near(capacity.memory_bytes, known.memory_bytes)
            && near(capacity.disk_bytes, known.disk_bytes);
        if !same {
            self.own.capacity = capacity;
            self.pass_host(HostInput::Capacity(capacity));
        }
    }
}

/// What ended an instance, for owners.
fn cause(exit: &Exit) -> Cause {
    match exit.status {
        _ if exit.out_of_memory => Cause::OutOfMemory,
        _ if exit.by_lease => Cause::LeaseEnded,
        ExitStatus::Code(code) => Cause::Exited(code),
        ExitStatus::Signal(signal) => Cause::Killed(signal),
        ExitStatus::Unknown => Cause::Lost,
    }
}
