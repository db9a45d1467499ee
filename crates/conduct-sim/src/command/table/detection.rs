//! A node is lost without a word: how soon all others know, and how soon its work goes on.

use conduct_sim::clients::Wish;
use conduct_sim::engine::Dice;
use conduct_sim::secs;

use super::sample::{all_miss, cluster, many, p99, seconds_until, small_bundle};
use super::{Row, Target};

pub(crate) fn measure(samples: u64, threads: usize, tell: &mut impl FnMut(Row)) {
    for (nodes, limit) in [(3, 3.0), (10, 3.0), (100, 4.5), (1_000, 6.0)] {
        let measured = many(samples, threads, |seed| unreachable_after(seed, nodes));
        tell(Row {
            what: format!("silent loss → unreachable everywhere, {nodes} nodes, p99"),
            measured: p99(measured),
            target: Target::AtMost(limit),
            unit: "s",
            samples: samples as usize,
        });
    }
    for nodes in [3, 10] {
        let measured = many(samples, threads, |seed| replaced_after(seed, nodes));
        tell(Row {
            what: format!("silent loss → replacement starting, {nodes} nodes, p99"),
            measured: p99(measured),
            target: Target::AtMost(8.0),
            unit: "s",
            samples: samples as usize,
        });
    }
}

fn unreachable_after(seed: u64, nodes: usize) -> f64 {
    let mut world = cluster(seed, nodes);
    let victim = Dice::of(seed, "victim", 0).below(nodes as u64) as usize;
    let others: Vec<usize> = (0..nodes).filter(|host| *host != victim).collect();
    world.power_off(victim);
    seconds_until(&mut world, secs(20), |world| {
        all_miss(world, &others, &[victim])
    })
}

fn replaced_after(seed: u64, nodes: usize) -> f64 {
    let mut world = cluster(seed, nodes);
    let web = small_bundle(&mut world, "web");
    world.ask(0, web, Wish::Load);
    seconds_until(&mut world, secs(10), |world| {
        world
            .machines()
            .iter()
            .filter(|machine| machine.archives.is_good(web.bundle))
            .count()
            >= 3
    });
    world.ask(0, web, Wish::Scale(1, None));
    seconds_until(&mut world, secs(20), |world| {
        world
            .truth()
            .live()
            .any(|(_, real)| real.bundle == web && real.started.is_some())
    });
    let pause = Dice::of(seed, "pause", 0).below(2_000);
    world.run_until(world.now() + conduct_sim::millis(pause));
    let Some(host) = world.truth().live().map(|(_, real)| real.host).next() else {
        return f64::INFINITY;
    };
    world.power_off(host);
    seconds_until(&mut world, secs(30), |world| {
        world.truth().live().next().is_some()
    })
}
