//! Clusters to measure, and what many measurements come to.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use conduct_node::view::Verdict;
use conduct_sim::engine::Dice;
use conduct_sim::faults::descriptor;
use conduct_sim::machine::{Program, settled};
use conduct_sim::watch::{Recording, Watch};
use conduct_sim::world::World;
use conduct_sim::{Moment, millis, secs};

/// A settled cluster without checkers, some moments after its beginning.
pub(crate) fn cluster(seed: u64, nodes: usize) -> World {
    let watch = Watch::new(nodes, Recording::Nothing).without_checkers(true);
    let mut world = World::new(seed, nodes, watch);
    let members = settled(world.machines());
    for host in 0..nodes {
        world.start_settled(host, &members);
    }
    // Nodes have their connections, and are somewhere in their rounds of probes.
    let warm = secs(4) + millis(Dice::of(seed, "table", 0).below(2_000));
    world.run_until(warm);
    world
}

/// A bundle that clients of a measurement have.
pub(crate) fn small_bundle(world: &mut World, name: &str) -> conduct_model::BundleId {
    let program = Program {
        archive_bytes: 1_000,
        ..Program::default()
    };
    world.publish(descriptor(name, name), program)
}

/// Measures many worlds on a few threads, in any order.
pub(crate) fn many(samples: u64, threads: usize, measure: impl Fn(u64) -> f64 + Sync) -> Vec<f64> {
    let next = AtomicU64::new(1);
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed > samples {
                        return;
                    }
                    let result = measure(seed);
                    let mut results = results
                        .lock()
                        .unwrap_or_else(std::sync::PoisonError::into_inner);
                    results.push(result);
                }
            });
        }
    });
    results
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// What 99 of 100 measurements do not exceed.
pub(crate) fn p99(mut measured: Vec<f64>) -> f64 {
    measured.sort_by(f64::total_cmp);
    let place = (measured.len() * 99).div_ceil(100).max(1) - 1;
    measured.get(place).copied().unwrap_or(f64::NAN)
}

/// Seconds, as a number.
pub(crate) fn in_seconds(span: Moment) -> f64 {
    span.as_micros() as f64 / 1e6
}

/// Until when `so` holds, or the limit, in seconds from now.
pub(crate) fn seconds_until(
    world: &mut World,
    limit: Moment,
    so: impl FnMut(&World) -> bool,
) -> f64 {
    let begun = world.now();
    if world.run_until_fact(begun + limit, so) {
        in_seconds(world.now() - begun)
    } else {
        f64::INFINITY
    }
}

/// Whether each of `hosts` holds each of `of` for something else than reachable.
pub(crate) fn all_miss(world: &World, hosts: &[usize], of: &[usize]) -> bool {
    let opinions = world.watch().checkers().opinions();
    hosts.iter().all(|host| {
        let members = &opinions.of(*host).members;
        of.iter().all(|lost| {
            members
                .get(lost)
                .is_none_or(|(_, v)| *v != Verdict::Reachable)
        })
    })
}

/// Whether all hold all for reachable and accept changes.
pub(crate) fn all_well(world: &World) -> bool {
    let opinions = world.watch().checkers().opinions();
    let hosts = world.machines().len();
    (0..hosts).all(|host| {
        let opinion = opinions.of(host);
        !opinion.quarantined
            && opinion.members.len() >= hosts
            && opinion
                .members
                .values()
                .all(|(_, verdict)| *verdict == Verdict::Reachable)
    })
}
