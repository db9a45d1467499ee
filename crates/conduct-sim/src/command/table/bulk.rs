//! Much state: a joiner of a full cluster, and a hundred thousand cycles.

use conduct_sim::clients::{Outcome, Wish};
use conduct_sim::machine::address_of;
use conduct_sim::network::Cost;
use conduct_sim::world::World;
use conduct_sim::{Moment, millis, mins, secs};

use super::sample::{cluster, seconds_until, small_bundle};
use super::{Row, Target};

const BUNDLES: usize = 10_000;
const CYCLES: u64 = 100_000;
const MEGABYTE: f64 = 1_048_576.0;

pub(crate) fn measure(tell: &mut impl FnMut(Row)) {
    joiner(tell);
    cycles(tell);
}

/// A node joins three that run ten thousand instances of ten thousand bundles.
fn joiner(tell: &mut impl FnMut(Row)) {
    let mut world = roomy(3);
    let mut bundles = Vec::with_capacity(BUNDLES);
    for place in 0..BUNDLES {
        let bundle = small_bundle(&mut world, &format!("web{place}"));
        bundles.push(bundle);
        world.ask(place % 3, bundle, Wish::Load);
        world.run_until(world.now() + millis(20));
    }
    for (place, bundle) in bundles.iter().enumerate() {
        world.ask(place % 3, *bundle, Wish::Scale(1, None));
        world.run_until(world.now() + millis(20));
    }
    seconds_until(&mut world, mins(20), |world| {
        world.truth().live().count() >= BUNDLES
    });
    world.run_until(world.now() + secs(30));
    let running = world.truth().live().count();

    let newcomer = world.add_machine();
    world.set_seeds(newcomer, (0..3).map(address_of).collect());
    let before: u64 = world.costs().iter().map(Cost::talk).sum();
    let begun = world.now();
    world.start_daemon(newcomer);
    let took = seconds_until(&mut world, mins(1), |world| {
        let opinion = world.watch().checkers().opinions().of(newcomer);
        opinion.bundles.len() >= BUNDLES && opinion.executions.len() >= running
    });
    let sent: u64 = world.costs().iter().map(Cost::talk).sum::<u64>() - before;
    let idle = idle_bytes(&mut world, begun);
    tell(Row {
        what: format!("a joiner gets {BUNDLES} bundles and {running} instances"),
        measured: took,
        target: Target::AtMost(5.0),
        unit: "s",
        samples: 1,
    });
    tell(Row {
        what: "… for so many bytes on the wire, idle talk taken off".to_owned(),
        measured: (sent as f64 - idle).max(0.0) / MEGABYTE,
        target: Target::AtMost(4.0),
        unit: "MB",
        samples: 1,
    });
}

/// What the cluster would have said in that time anyway.
fn idle_bytes(world: &mut World, begun: Moment) -> f64 {
    let long = world.now() - begun;
    world.run_until(world.now() + secs(20));
    let before: u64 = world.costs().iter().map(Cost::talk).sum();
    world.run_until(world.now() + secs(20));
    let spent: u64 = world.costs().iter().map(Cost::talk).sum::<u64>() - before;
    spent as f64 * long.as_micros() as f64 / 20e6
}

/// The same bundle is loaded and unloaded a hundred thousand times.
fn cycles(tell: &mut impl FnMut(Row)) {
    let mut world = cluster(2, 3);
    let web = small_bundle(&mut world, "web");
    world.power_off(2);
    world.run_until(world.now() + secs(12));
    let mut done = 0;
    for cycle in 0..CYCLES {
        for wish in [Wish::Load, Wish::Unload] {
            let asked = world.ask((cycle % 2) as usize, web, wish);
            world.run_until_fact(world.now() + secs(30), |world| {
                world.clients().get(asked).outcome != Outcome::Open
            });
            done += u64::from(world.clients().get(asked).is_ok());
        }
    }
    world.power_on(2);
    world.run_until(world.now() + secs(30));
    let bytes: Vec<(usize, usize)> = (0..3).map(|host| state_bytes(&world, host)).collect();
    let known = (0..3).any(|host| {
        world
            .view(host)
            .is_none_or(|view| view.bundles.contains_key(&web))
    });
    let row = |what: &str, measured, limit, unit| Row {
        what: what.to_owned(),
        measured,
        target: Target::AtMost(limit),
        unit,
        samples: 1,
    };
    let records = bytes.iter().map(|(records, _)| *records).max().unwrap_or(0);
    let digest = bytes.iter().map(|(_, digest)| *digest).max().unwrap_or(0);
    tell(Row {
        what: "acknowledged loads and unloads".to_owned(),
        measured: done as f64,
        target: Target::AtLeast(2.0 * CYCLES as f64),
        unit: "",
        samples: 1,
    });
    tell(row(
        "… state afterwards, most of any",
        records as f64 / MEGABYTE,
        5.0,
        "MB",
    ));
    tell(row(
        "… digest afterwards, most of any",
        digest as f64,
        2_048.0,
        "B",
    ));
    tell(row(
        "… brought back by a node that was away",
        f64::from(u8::from(known)),
        0.0,
        "",
    ));
}

fn state_bytes(world: &World, host: usize) -> (usize, usize) {
    let daemon = world.machines()[host].daemon.as_ref();
    daemon
        .and_then(|daemon| conduct_sim::watch::peek::state_bytes(&daemon.node))
        .unwrap_or_default()
}

/// A settled cluster of machines with room for thousands of instances.
fn roomy(nodes: usize) -> World {
    use conduct_sim::machine::settled;
    use conduct_sim::watch::{Recording, Watch};
    let watch = Watch::new(nodes, Recording::Nothing).without_checkers(true);
    let mut world = World::new(3, nodes, watch);
    for host in 0..nodes {
        world.configure(host, |_, config| {
            config.capacity.cpu_millis = 10_000_000;
            config.capacity.memory_bytes = 1 << 50;
            config.capacity.disk_bytes = 1 << 50;
        });
        world.widen_processes(host, 3 * BUNDLES);
    }
    let members = settled(world.machines());
    for host in 0..nodes {
        world.start_settled(host, &members);
    }
    world.run_until(secs(5));
    world
}
