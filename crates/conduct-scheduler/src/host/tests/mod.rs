//! One host, with its owner, its disk and its hands in the tester's.

mod ends;
mod orders;
mod restarts;

use std::collections::BTreeMap;
use std::sync::Arc;

use conduct_model::{BundleId, Digest, Resources};

use super::*;
use crate::assignment::{Content, Filled, Slot, SlotId, Stage, StopReason};
use crate::execution::{Cause, State};
use crate::fleet::{Refusal, Resource};
use crate::fuzz::Sample;
use crate::message::{Order, Told, Wanted};
use crate::terms::Kind;

struct Desk {
    now: Time,
    host: Host,
    restored: HostRestored,
    effects: Vec<HostEffect>,
    sample: Sample,
    owner: NodeKey,
}

fn node(name: &str) -> NodeKey {
    NodeKey::from_digest(Digest::of(name.as_bytes()))
}

fn settings(start: u64) -> HostSettings {
    let (me, roles) = (node("me"), ["web".parse().unwrap()].into());
    let kinds = [Kind::Universal].into_iter().collect();
    HostSettings {
        me,
        start,
        roles,
        kinds,
        duty: HostDuty::Runs,
    }
}

fn name(n: u128) -> InstanceId {
    InstanceId::from_u128(n)
}

fn seed() -> Arc<Seed> {
    crate::fuzz::place(1)
}

impl Desk {
    fn new() -> Desk {
        let mut desk = Desk::with(HostRestored::default());
        desk.step(HostInput::Adopted(BTreeMap::new()));
        desk
    }

    fn with(restored: HostRestored) -> Desk {
        let host = Host::new(settings(1), restored.clone());
        let (now, sample, owner) = (
            Time::from_millis(10_000),
            Sample::of("web", "shop"),
            node("o"),
        );
        let mut desk = Desk {
            now,
            host,
            restored,
            effects: Vec::new(),
            sample,
            owner,
        };
        let capacity = Resources {
            cpu_millis: 1_000,
            memory_bytes: 200 << 20,
            disk_bytes: 1 << 30,
        };
        desk.step(HostInput::Capacity(capacity));
        desk.step(HostInput::Close {
            why: Closed::Quarantined,
            closed: false,
        });
        desk
    }

    /// Takes an input; writes reach the disk at once.
    fn step(&mut self, input: HostInput) {
        let mut effects = Vec::new();
        self.host.step(self.now, input, &mut effects);
        self.effects.extend(effects.iter().cloned());
        for effect in effects {
            if let HostEffect::Persist { token, writes } = effect {
                self.write(writes);
                self.step(HostInput::Stored(token));
            }
        }
    }

    fn write(&mut self, writes: Vec<HostWrite>) {
        for write in writes {
            match write {
                HostWrite::Execution(instance, record) => {
                    self.restored
                        .executions
                        .retain(|r| r.execution.instance != instance);
                    self.restored
                        .executions
                        .extend(record.map(|record| *record));
                }
                HostWrite::Fence(system, version) => {
                    self.restored.fences.retain(|(known, _)| *known != system);
                    self.restored
                        .fences
                        .extend(version.map(|version| (system, version)));
                }
            }
        }
    }

    fn version(&self, sequence: u64) -> Version {
        Version {
            epoch: Epoch {
                number: 1,
                owner: self.owner,
            },
            sequence,
        }
    }

    fn order(&mut self, version: Version, instance: InstanceId, wanted: Wanted) {
        let system = self.sample.system.clone();
        let orders = vec![Order {
            system,
            version,
            instance,
            wanted,
        }];
        self.step(HostInput::Orders {
            from: version.epoch.owner,
            orders,
        });
    }

    fn prepare(&mut self, sequence: u64, instance: InstanceId) {
        let (bundle, terms) = (self.sample.bundle, Arc::new(self.sample.terms.clone()));
        self.order(
            self.version(sequence),
            instance,
            Wanted::Prepare { bundle, terms },
        );
    }

    fn news(&mut self, instance: InstanceId, news: RuntimeNews) {
        self.step(HostInput::Runtime { instance, news });
    }

    /// Brings an instance up to being healthy.
    fn run(&mut self, sequence: u64, instance: InstanceId) {
        self.prepare(sequence, instance);
        self.news(instance, RuntimeNews::Prepared);
        let ready = self.now;
        self.order(
            self.version(sequence),
            instance,
            Wanted::Start {
                ready,
                seeds: vec![],
            },
        );
        self.news(instance, RuntimeNews::Launched { found_at: seed() });
        self.news(instance, RuntimeNews::Signalled);
    }

    fn state(&self, instance: InstanceId) -> Option<State> {
        self.host
            .execution(instance)
            .map(|execution| execution.state.clone())
    }

    /// What was told last.
    fn told(&self) -> Option<&Told> {
        self.effects.iter().rev().find_map(|effect| match effect {
            HostEffect::Tell { news, .. } => news.items.last().map(|item| &item.told),
            _ => None,
        })
    }

    fn did(&self, wanted: &HostEffect) -> bool {
        self.effects.contains(wanted)
    }

    fn wait(&mut self, span: Span) {
        self.now += span;
        self.step(HostInput::Timer);
    }

    fn names(&mut self, sequence: u64, named: &[(InstanceId, Stage)]) -> Arc<Assignment> {
        let version = self.version(sequence);
        let mut assignment = Assignment::empty(version);
        for (number, (instance, stage)) in named.iter().enumerate() {
            let (node, stage) = (node("me"), *stage);
            let filled = Filled {
                node,
                instance: *instance,
                stage,
                since: version,
                moving: false,
            };
            let id = SlotId {
                bundle: self.sample.bundle,
                number: number as u32,
            };
            let content = Content::Filled(filled);
            assignment.slots.insert(
                id,
                Slot {
                    version,
                    content,
                    quick_ends: 0,
                },
            );
        }
        let assignment = Arc::new(assignment);
        let (system, given) = (self.sample.system.clone(), Some(assignment.clone()));
        self.step(HostInput::Assignment {
            system,
            assignment: given,
        });
        assignment
    }

    /// The daemon comes back with what is on disk.
    fn restart(&mut self, found: BTreeMap<InstanceId, Found>) {
        let mut next = Desk::with(self.restored.clone());
        next.host = Host::new(settings(2), self.restored.clone());
        next.now = self.now;
        next.step(HostInput::Close {
            why: Closed::Quarantined,
            closed: false,
        });
        *self = next;
        self.step(HostInput::Adopted(found));
    }
}
