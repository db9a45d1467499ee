//! One host, with its owner, its disk and its hands in the tester's.

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

#[test]
fn an_instance_goes_from_order_to_health_step_by_step() {
    let mut desk = Desk::new();
    desk.prepare(1, name(1));
    assert_eq!(desk.state(name(1)), Some(State::Preparing));
    let bundle = desk.sample.bundle;
    assert!(desk.did(&HostEffect::Prepare {
        instance: name(1),
        bundle
    }));
    desk.news(name(1), RuntimeNews::Prepared);
    let ready = Some(desk.now);
    assert!(matches!(desk.told(), Some(Told::Has { ready: told, .. }) if *told == ready));
    let (ready, seeds) = (desk.now, vec![(*seed()).clone()]);
    let start = Wanted::Start {
        ready,
        seeds: seeds.clone(),
    };
    desk.order(desk.version(2), name(1), start);
    assert!(desk.did(&HostEffect::Start {
        instance: name(1),
        bundle,
        seeds
    }));
    desk.news(name(1), RuntimeNews::Launched { found_at: seed() });
    desk.news(name(1), RuntimeNews::Signalled);
    assert_eq!(desk.state(name(1)), Some(State::Active));
    assert_eq!(desk.host.execution(name(1)).unwrap().found_at, Some(seed()));
}

#[test]
fn nothing_is_fetched_forked_or_told_before_it_is_on_disk() {
    let mut desk = Desk::new();
    let terms = Arc::new(desk.sample.terms.clone());
    let wanted = Wanted::Prepare {
        bundle: desk.sample.bundle,
        terms,
    };
    let (system, version) = (desk.sample.system.clone(), desk.version(1));
    let orders = vec![Order {
        system,
        version,
        instance: name(1),
        wanted,
    }];
    let mut effects = Vec::new();
    desk.host.step(
        desk.now,
        HostInput::Orders {
            from: desk.owner,
            orders,
        },
        &mut effects,
    );
    let acts = |effect: &HostEffect| {
        matches!(effect, HostEffect::Prepare { .. } | HostEffect::Tell { .. })
    };
    assert!(!effects.iter().any(acts), "{effects:?}");
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, HostEffect::Persist { .. }))
    );
}

#[test]
fn an_order_that_comes_again_does_nothing_new() {
    let mut desk = Desk::new();
    desk.run(1, name(1));
    desk.effects.clear();
    desk.prepare(2, name(1));
    let ready = desk.now;
    desk.order(
        desk.version(2),
        name(1),
        Wanted::Start {
            ready,
            seeds: vec![],
        },
    );
    let acts = |effect: &HostEffect| {
        matches!(
            effect,
            HostEffect::Prepare { .. } | HostEffect::Start { .. }
        )
    };
    assert!(!desk.effects.iter().any(acts));
    assert_eq!(desk.state(name(1)), Some(State::Active));
    assert!(matches!(desk.told(), Some(Told::Has { .. })));
}

#[test]
fn a_replaced_owner_is_not_obeyed_even_after_a_restart() {
    let mut desk = Desk::new();
    let old = desk.version(7);
    desk.owner = node("successor");
    let later = Version {
        epoch: Epoch {
            number: 2,
            owner: desk.owner,
        },
        sequence: 1,
    };
    desk.order(later, name(9), Wanted::Tell);
    assert_eq!(desk.told(), Some(&Told::Unknown));
    for restarted in [false, true] {
        if restarted {
            desk.restart(BTreeMap::new());
        }
        let terms = Arc::new(desk.sample.terms.clone());
        desk.order(
            old,
            name(1),
            Wanted::Prepare {
                bundle: desk.sample.bundle,
                terms,
            },
        );
        assert_eq!(desk.told(), Some(&Told::Fenced(later)));
        assert_eq!(desk.state(name(1)), None);
    }
}

#[test]
fn nobody_orders_in_the_name_of_another() {
    let mut desk = Desk::new();
    let (system, version) = (desk.sample.system.clone(), desk.version(1));
    let orders = vec![Order {
        system,
        version,
        instance: name(1),
        wanted: Wanted::Tell,
    }];
    desk.effects.clear();
    desk.step(HostInput::Orders {
        from: node("stranger"),
        orders,
    });
    assert_eq!(desk.effects, []);
}

#[test]
fn what_does_not_fit_is_declined_with_fresh_numbers() {
    let mut desk = Desk::new();
    desk.sample.terms.max_per_node = 9;
    desk.sample.terms.needs.memory_bytes = 150 << 20;
    desk.prepare(1, name(1));
    desk.prepare(1, name(2));
    let (needs, free) = (150 << 20, 50 << 20);
    let short = Refusal::Short {
        of: Resource::Memory,
        needs,
        free,
    };
    assert_eq!(desk.told(), Some(&Told::Declined(short)));
    let last = desk.effects.iter().rev().find_map(|effect| match effect {
        HostEffect::Tell { news, .. } => Some(news.free.memory_bytes),
        _ => None,
    });
    assert_eq!(last, Some(free));
    desk.news(name(1), RuntimeNews::Failed { why: "gone".into() });
    desk.prepare(2, name(2));
    assert_eq!(desk.state(name(2)), Some(State::Preparing));
}

#[test]
fn a_host_that_is_closed_declines_and_says_why() {
    for why in [Closed::Draining, Closed::Quarantined] {
        let mut desk = Desk::new();
        desk.step(HostInput::Close { why, closed: true });
        desk.prepare(1, name(1));
        assert_eq!(desk.told(), Some(&Told::Declined(Refusal::Closed(why))));
    }
}

#[test]
fn a_start_that_was_long_on_its_way_starts_nothing_and_is_answered_by_a_new_word() {
    let mut desk = Desk::new();
    desk.prepare(1, name(1));
    desk.news(name(1), RuntimeNews::Prepared);
    let ready = desk.now;
    desk.now += Host::READY_SPAN_MAX + Span::millis(1);
    desk.order(
        desk.version(2),
        name(1),
        Wanted::Start {
            ready,
            seeds: vec![],
        },
    );
    assert_eq!(desk.state(name(1)), Some(State::Ready));
    let fresh = Some(desk.now);
    assert!(matches!(desk.told(), Some(Told::Has { ready, .. }) if *ready == fresh));
    let ready = desk.now;
    desk.order(
        desk.version(2),
        name(1),
        Wanted::Start {
            ready,
            seeds: vec![],
        },
    );
    assert_eq!(desk.state(name(1)), Some(State::Starting));
}

#[test]
fn a_quarantined_host_forks_nothing() {
    let mut desk = Desk::new();
    desk.prepare(1, name(1));
    desk.news(name(1), RuntimeNews::Prepared);
    desk.step(HostInput::Close {
        why: Closed::Quarantined,
        closed: true,
    });
    let ready = desk.now;
    desk.order(
        desk.version(2),
        name(1),
        Wanted::Start {
            ready,
            seeds: vec![],
        },
    );
    assert_eq!(desk.state(name(1)), Some(State::Ready));
}

#[test]
fn what_never_signals_is_killed_when_its_time_is_over() {
    let mut desk = Desk::new();
    desk.prepare(1, name(1));
    desk.news(name(1), RuntimeNews::Prepared);
    let ready = desk.now;
    desk.order(
        desk.version(1),
        name(1),
        Wanted::Start {
            ready,
            seeds: vec![],
        },
    );
    desk.wait(Span::millis(59_999));
    assert_eq!(desk.state(name(1)), Some(State::Starting));
    desk.wait(Span::millis(1));
    assert!(desk.did(&HostEffect::Stop {
        instance: name(1),
        grace: Span::ZERO
    }));
    // A signal that comes now is too late.
    desk.news(name(1), RuntimeNews::Signalled);
    assert_eq!(desk.state(name(1)), Some(State::Stopping));
    let cause = Cause::Killed(9);
    desk.news(
        name(1),
        RuntimeNews::Ended {
            cause,
            while_away: false,
        },
    );
    let Some(State::Ended(ending)) = desk.state(name(1)) else {
        panic!("it ended")
    };
    assert_eq!(
        (ending.cause, ending.signalled),
        (Cause::StartTimedOut, false)
    );
}

#[test]
fn a_stop_waits_for_the_proxies_but_not_for_long() {
    for acknowledged in [true, false] {
        let mut desk = Desk::new();
        desk.run(1, name(1));
        desk.effects.clear();
        let stop = HostEffect::Stop {
            instance: name(1),
            grace: desk.sample.terms.stop_grace,
        };
        desk.order(desk.version(2), name(1), Wanted::Stop);
        assert_eq!(desk.state(name(1)), Some(State::Stopping));
        assert!(!desk.did(&stop));
        match acknowledged {
            true => desk.step(HostInput::Withdrawn(name(1))),
            false => desk.wait(Host::DRAIN_SPAN_MAX),
        }
        assert!(desk.did(&stop));
        let sent = desk
            .effects
            .iter()
            .filter(|effect| **effect == stop)
            .count();
        desk.wait(Host::DRAIN_SPAN_MAX);
        desk.step(HostInput::Withdrawn(name(1)));
        let again = desk
            .effects
            .iter()
            .filter(|effect| **effect == stop)
            .count();
        assert_eq!((sent, again), (1, 1));
    }
}

#[test]
fn what_the_synced_assignment_does_not_name_ends_and_what_it_stops_ends_too() {
    for named in [
        vec![],
        vec![(name(1), Stage::Stopping(StopReason::ScaledDown))],
    ] {
        let mut desk = Desk::new();
        desk.run(1, name(1));
        desk.names(2, &named);
        assert_eq!(desk.state(name(1)), Some(State::Stopping), "{named:?}");
        let surplus = |effect: &HostEffect| matches!(effect, HostEffect::Event(_));
        assert_eq!(desk.effects.iter().any(surplus), named.is_empty());
    }
}

#[test]
fn an_order_that_is_ahead_of_the_assignment_is_no_surplus() {
    let mut desk = Desk::new();
    desk.run(5, name(1));
    desk.names(4, &[]);
    assert_eq!(desk.state(name(1)), Some(State::Active));
    desk.names(5, &[(name(1), Stage::Started)]);
    assert_eq!(desk.state(name(1)), Some(State::Active));
}

#[test]
fn a_late_order_for_what_was_dropped_since_is_refused() {
    let mut desk = Desk::new();
    desk.run(1, name(1));
    let latest = desk.names(9, &[(name(1), Stage::Started)]).version;
    desk.prepare(8, name(2));
    assert_eq!(desk.told(), Some(&Told::Fenced(latest)));
}

#[test]
fn how_an_instance_ended_is_told_until_its_successor_is_sure_to_know() {
    let mut desk = Desk::new();
    desk.run(1, name(1));
    desk.news(
        name(1),
        RuntimeNews::Ended {
            cause: Cause::Exited(1),
            while_away: false,
        },
    );
    desk.names(2, &[(name(1), Stage::Started)]);
    desk.wait(Span::secs(100));
    assert!(
        desk.state(name(1)).is_some(),
        "its assignment still names it"
    );
    desk.names(3, &[]);
    desk.wait(Span::millis(Host::ENDED_SPAN.as_millis() - 1));
    assert!(desk.state(name(1)).is_some());
    desk.wait(Span::millis(1));
    assert_eq!(desk.state(name(1)), None);
    assert!(desk.did(&HostEffect::Forget { instance: name(1) }));
    assert!(desk.restored.executions.is_empty());
}

#[test]
fn a_daemon_that_comes_back_takes_over_what_its_shims_tell() {
    let mut desk = Desk::new();
    desk.sample.terms.max_per_node = 9;
    for n in 1..=5 {
        desk.sample.bundle = BundleId::plain(Digest::of(&[n as u8]));
        desk.sample.terms.needs = Resources::default();
        desk.run(1, name(n));
    }
    desk.prepare(1, name(6));
    let found = BTreeMap::from([
        (
            name(1),
            Found::Alive {
                found_at: seed(),
                signalled: true,
            },
        ),
        (
            name(2),
            Found::Ended {
                cause: Cause::Exited(0),
            },
        ),
        (
            name(3),
            Found::Ended {
                cause: Cause::OutOfMemory,
            },
        ),
        (name(4), Found::Prepared),
        (
            name(77),
            Found::Alive {
                found_at: seed(),
                signalled: true,
            },
        ),
    ]);
    desk.restart(found);
    assert_eq!(desk.state(name(1)), Some(State::Active));
    let ending = |n| match desk.state(name(n)) {
        Some(State::Ended(ending)) => (ending.cause, ending.signalled),
        other => panic!("{other:?}"),
    };
    assert_eq!(ending(2), (Cause::Exited(0), true));
    assert_eq!(ending(3), (Cause::OutOfMemory, true));
    assert_eq!(ending(5), (Cause::Lost, true));
    assert_eq!(desk.state(name(4)), Some(State::Ready));
    assert_eq!(desk.state(name(6)), Some(State::Preparing));
    let stopped = |effect: &HostEffect| matches!(effect, HostEffect::Stop { instance, .. } if *instance == name(77));
    assert!(desk.effects.iter().any(stopped), "nobody knows it");
}

#[test]
fn a_start_that_failed_while_its_daemon_was_away_says_so() {
    let mut desk = Desk::new();
    desk.prepare(1, name(1));
    desk.news(name(1), RuntimeNews::Prepared);
    let ready = desk.now;
    desk.order(
        desk.version(1),
        name(1),
        Wanted::Start {
            ready,
            seeds: vec![],
        },
    );
    desk.news(name(1), RuntimeNews::Launched { found_at: seed() });
    desk.restart(BTreeMap::from([(
        name(1),
        Found::Ended {
            cause: Cause::Exited(1),
        },
    )]));
    let Some(State::Ended(ending)) = desk.state(name(1)) else {
        panic!("it ended")
    };
    assert!(ending.daemon_away && !ending.signalled);
    assert_eq!(ending.meaning(), crate::Meaning::Blameless);
}

#[test]
fn while_it_asks_its_shims_a_host_reports_what_was_and_ends_nothing() {
    let mut desk = Desk::new();
    desk.run(1, name(1));
    let mut next = Desk::with(desk.restored.clone());
    assert!(next.host.report().adopting);
    assert_eq!(next.host.report().executions.len(), 1);
    assert_eq!(next.state(name(1)), Some(State::Active));
    next.names(9, &[]);
    assert_eq!(next.state(name(1)), Some(State::Active));
    next.order(next.version(9), name(5), Wanted::Tell);
    assert_eq!(next.told(), Some(&Told::Adopting));
    let alive = Found::Alive {
        found_at: seed(),
        signalled: true,
    };
    next.step(HostInput::Adopted(BTreeMap::from([(name(1), alive)])));
    assert_eq!(
        next.state(name(1)),
        Some(State::Stopping),
        "now it is surplus"
    );
}

#[test]
fn a_system_of_which_nothing_is_left_leaves_nothing() {
    let mut desk = Desk::new();
    desk.run(1, name(1));
    let (system, assignment) = (desk.sample.system.clone(), None);
    desk.step(HostInput::Assignment { system, assignment });
    assert_eq!(desk.state(name(1)), Some(State::Stopping));
    desk.wait(Host::DRAIN_SPAN_MAX);
    desk.news(
        name(1),
        RuntimeNews::Ended {
            cause: Cause::Killed(15),
            while_away: false,
        },
    );
    desk.wait(Host::ENDED_SPAN);
    assert_eq!(desk.host.systems().count(), 0);
    assert_eq!(desk.restored, HostRestored::default());
}
