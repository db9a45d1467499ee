//! Bytes that an idle cluster puts on the wire, all that the transport adds included.

use conduct_sim::clients::Wish;
use conduct_sim::network::Cost;
use conduct_sim::secs;
use conduct_sim::world::World;

use super::sample::{cluster, in_seconds, small_bundle};
use super::{Row, Target};

pub(crate) fn measure(tell: &mut impl FnMut(Row)) {
    for nodes in [3, 10, 100, 1_000] {
        let mut world = cluster(1, nodes);
        world.run_until(world.now() + secs(30));
        let (mean, most) = spent(&mut world, if nodes > 100 { 30 } else { 120 });
        let row = |what: String, measured| Row {
            what,
            measured,
            target: Target::AtMost(1_000.0),
            unit: "B/s a node",
            samples: nodes,
        };
        tell(row(
            format!("idle, {nodes} nodes, nothing loaded, mean"),
            mean,
        ));
        if nodes <= 10 {
            tell(row(
                format!("idle, {nodes} nodes, nothing loaded, most of any"),
                most,
            ));
        }
    }
    let mut world = cluster(1, 100);
    for place in 0..20 {
        let bundle = small_bundle(&mut world, &format!("web{place}"));
        world.ask(place % 9, bundle, Wish::Load);
        world.run_until(world.now() + secs(2));
        world.ask(place % 9, bundle, Wish::Scale(5, None));
    }
    world.run_until(world.now() + secs(60));
    let (mean, _) = spent(&mut world, 60);
    tell(Row {
        what: "idle, 100 nodes, 20 bundles, 100 instances, mean".to_owned(),
        measured: mean,
        target: Target::AtMost(2_000.0),
        unit: "B/s a node",
        samples: 100,
    });
}

/// Bytes a second and node, on average and of the busiest, over that many seconds.
fn spent(world: &mut World, seconds: u64) -> (f64, f64) {
    let before: Vec<Cost> = world.costs().to_vec();
    let begun = world.now();
    world.run_until(begun + secs(seconds));
    let long = in_seconds(world.now() - begun);
    let each: Vec<f64> = world
        .costs()
        .iter()
        .zip(&before)
        .map(|(now, before)| now.since(before).talk() as f64 / long)
        .collect();
    let mean = each.iter().sum::<f64>() / each.len() as f64;
    (mean, each.iter().copied().fold(0.0, f64::max))
}
