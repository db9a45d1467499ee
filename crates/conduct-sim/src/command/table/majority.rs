//! Cuts: how soon a minority refuses, and how soon all is well after the heal.

use conduct_sim::engine::Dice;
use conduct_sim::secs;
use conduct_sim::world::World;

use super::sample::{all_well, cluster, many, p99, seconds_until};
use super::{Row, Target};

pub(crate) fn measure(samples: u64, threads: usize, tell: &mut impl FnMut(Row)) {
    for nodes in [3, 5, 10, 100, 1_000] {
        for (shape, side) in [("one", Shape::One), ("a third", Shape::Third)] {
            let measured = many(samples, threads, |seed| refuses_after(seed, nodes, side));
            tell(Row {
                what: format!("{shape} of {nodes} cut off → refuses changes, p99"),
                measured: p99(measured),
                target: Target::AtMost(4.0),
                unit: "s",
                samples: samples as usize,
            });
        }
    }
    for (nodes, limit) in [(3, 5.0), (10, 5.0), (100, 8.0), (1_000, 12.0)] {
        let measured = many(samples, threads, |seed| heals_after(seed, nodes));
        tell(Row {
            what: format!("a cut of {nodes} heals → one view again, p99"),
            measured: p99(measured),
            target: Target::AtMost(limit),
            unit: "s",
            samples: samples as usize,
        });
    }
}

/// How many are cut off.
#[derive(Clone, Copy)]
enum Shape {
    One,
    Third,
}

/// Cuts some machines off, never a majority of the voters, and says which.
fn cut(world: &mut World, seed: u64, shape: Shape) -> Vec<usize> {
    let nodes = world.machines().len();
    let mut hosts: Vec<usize> = (0..nodes).collect();
    Dice::of(seed, "side", 0).shuffle(&mut hosts);
    let many = match shape {
        Shape::One => 1,
        Shape::Third => (nodes / 3).max(1),
    };
    let voters = nodes.min(9);
    let mut side = Vec::new();
    let mut voting = 0;
    for host in hosts {
        let votes = usize::from(host < voters);
        if side.len() < many && (voting + votes) * 2 < voters {
            voting += votes;
            side.push(host);
        }
    }
    let others: Vec<usize> = (0..nodes).filter(|host| !side.contains(host)).collect();
    world.cut(&side, &others);
    side
}

fn refuses_after(seed: u64, nodes: usize, shape: Shape) -> f64 {
    let mut world = cluster(seed, nodes);
    let side = cut(&mut world, seed, shape);
    seconds_until(&mut world, secs(20), |world| {
        let opinions = world.watch().checkers().opinions();
        side.iter().all(|host| opinions.of(*host).quarantined)
    })
}

fn heals_after(seed: u64, nodes: usize) -> f64 {
    let mut world = cluster(seed, nodes);
    cut(&mut world, seed, Shape::Third);
    let long = secs(Dice::of(seed, "cut", 0).within(5..40));
    world.run_until(world.now() + long);
    world.mend();
    seconds_until(&mut world, secs(60), all_well)
}
