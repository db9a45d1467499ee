//! What a plan costs, with 3, 100 and 1,000 nodes that run ten instances each: placing ten more
//! on every node, and looking at a system in which nothing is missing.

use std::hint::black_box;
use std::sync::Arc;

use conduct_model::{BundleId, Digest, InstanceId, NodeKey, Resources, Span, System};
use conduct_scheduler::{
    Assignment, Content, Epoch, Execution, Filled, Fleet, HostReport, Kind, Pauses, Plan, RoleRule,
    Situation, Slot, SlotId, Stage, State, Terms, Turn, Version, Wish, Wishes, plan,
};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const NODES: [u32; 3] = [3, 100, 1_000];
const PER_NODE: u32 = 10;
/// Instances of one system; a large cluster has many systems.
const PER_SYSTEM: u32 = 100;
/// Bundles of one system.
const BUNDLES: u32 = 5;

fn digest(what: &str, number: u32) -> Digest {
    Digest::of(format!("{what} {number}").as_bytes())
}

fn node(number: u32) -> NodeKey {
    NodeKey::from_digest(digest("node", number))
}

fn version(sequence: u64) -> Version {
    let (number, owner) = (1, node(0));
    let epoch = Epoch { number, owner };
    Version { epoch, sequence }
}

/// A node of a usual size that runs ten small instances, not all of them of the same size.
fn report(number: u32) -> HostReport {
    let capacity = Resources {
        cpu_millis: 16_000,
        memory_bytes: 64 << 30,
        disk_bytes: 1 << 40,
    };
    let used = u64::from(PER_NODE) * (200 + u64::from(number % 7) * 20);
    let turn = Turn {
        start: 1,
        change: 1,
    };
    let executions = (0..PER_NODE).map(|at| Execution {
        instance: InstanceId::from_u128(u128::from(number) << 64 | u128::from(at)),
        bundle: BundleId::plain(digest("running", (number * 7 + at) % 300)),
        state: State::Active,
        turn,
        found_at: None,
    });
    HostReport {
        turn,
        roles: ["web".parse().expect("a role")].into(),
        kinds: [Kind::Universal].into_iter().collect(),
        capacity,
        free: Resources {
            cpu_millis: capacity.cpu_millis - used,
            memory_bytes: capacity.memory_bytes - (used << 20),
            disk_bytes: capacity.disk_bytes - (used << 20),
        },
        executions: executions.collect(),
        ..HostReport::default()
    }
}

fn fleet(nodes: u32) -> Fleet {
    let mut fleet = Fleet::new(RoleRule::All);
    for number in 0..nodes {
        fleet.report(node(number), &report(number));
    }
    fleet
}

/// A system that wishes for so many instances of five bundles.
struct Case {
    system: System,
    wishes: Wishes,
    assignment: Assignment,
}

impl Case {
    fn of(number: u32, instances: u32) -> Case {
        let wish = |bundle: u32| {
            let terms = Terms {
                name: format!("bundle {bundle}").into(),
                needs: Resources {
                    cpu_millis: 100,
                    memory_bytes: 256 << 20,
                    disk_bytes: 256 << 20,
                },
                roles: ["web".parse().expect("a role")].into(),
                kinds: [Kind::Universal].into_iter().collect(),
                max_per_node: PER_NODE,
                exclusive: false,
                start_timeout: Span::secs(60),
                stop_grace: Span::secs(8),
            };
            let wish = Wish {
                terms: Arc::new(terms),
                scale: instances / BUNDLES,
                affinity: None,
                generation: 1,
            };
            let id = BundleId::plain(digest("wished", number * BUNDLES + bundle));
            (id, wish)
        };
        Case {
            system: System {
                name: format!("system-{number}").parse().expect("a name"),
                version: "1".parse().expect("a name"),
            },
            wishes: (0..BUNDLES).map(wish).collect(),
            assignment: Assignment::empty(version(0)),
        }
    }

    /// Everything that is wished for runs.
    fn met(nodes: u32, instances: u32) -> Case {
        let mut case = Case::of(0, instances);
        for (at, (&bundle, wish)) in case.wishes.iter().enumerate() {
            for number in 0..wish.scale {
                let filled = Filled {
                    node: node((number * BUNDLES + at as u32) % nodes),
                    instance: InstanceId::from_u128(1 << 100 | u128::from(number)),
                    stage: Stage::Started,
                    since: version(1),
                    moving: false,
                };
                let slot = Slot {
                    version: version(1),
                    content: Content::Filled(filled),
                    quick_ends: 0,
                };
                case.assignment
                    .slots
                    .insert(SlotId { bundle, number }, slot);
            }
        }
        case
    }

    fn plan(&self, fleet: &mut Fleet) -> Plan {
        let situation = Situation {
            system: &self.system,
            wishes: &self.wishes,
            assignment: &self.assignment,
            version: version(2),
            salt: 0,
            pauses: &Pauses::default(),
        };
        plan(fleet, &situation)
    }
}

/// One decision is one instance that gets its node.
fn place(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("place");
    for nodes in NODES {
        let instances = nodes * PER_NODE;
        let systems = instances.div_ceil(PER_SYSTEM);
        let each = instances / systems;
        let cases: Vec<Case> = (0..systems).map(|number| Case::of(number, each)).collect();
        let fleet = fleet(nodes);
        group.throughput(Throughput::Elements(u64::from(systems * each)));
        group.sample_size(10);
        group.bench_function(BenchmarkId::from_parameter(nodes), |bencher| {
            bencher.iter_batched(
                || fleet.clone(),
                |mut fleet| {
                    let starts = cases.iter().map(|case| case.plan(&mut fleet).starts.len());
                    assert_eq!(starts.sum::<usize>(), (systems * each) as usize);
                    fleet
                },
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

/// What an owner does whenever something of its system was told.
fn look(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("look");
    for nodes in NODES {
        let instances = (nodes * PER_NODE).min(PER_SYSTEM);
        let case = Case::met(nodes, instances);
        let mut fleet = fleet(nodes);
        group.throughput(Throughput::Elements(1));
        group.bench_function(BenchmarkId::from_parameter(nodes), |bencher| {
            bencher.iter(|| {
                let plan = black_box(&case).plan(&mut fleet);
                assert_eq!(plan, Plan::default());
            });
        });
    }
    group.finish();
}

criterion_group!(benches, place, look);
criterion_main!(benches);
