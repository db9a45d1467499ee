//! Verdicts against nodes that nothing ails, on a network that loses packets.

use std::sync::atomic::{AtomicU64, Ordering};

use conduct_sim::engine::PerMillion;
use conduct_sim::mins;
use conduct_sim::network::Conditions;

use super::sample::{cluster, many};
use super::{Row, Target};

/// What each world is played.
const MINUTES: u64 = 12;

pub(crate) fn measure(samples: u64, threads: usize, tell: &mut impl FnMut(Row)) {
    for (percent, limit) in [(5, 0.0), (20, 0.01)] {
        let node_minutes = AtomicU64::new(0);
        let measured = many(samples, threads, |seed| {
            let nodes = [3, 10][seed as usize % 2];
            node_minutes.fetch_add(nodes as u64 * MINUTES, Ordering::Relaxed);
            downs(seed, nodes, PerMillion::percent(percent))
        });
        let node_hours = node_minutes.into_inner() as f64 / 60.0;
        tell(Row {
            what: format!("false downs at {percent} % loss, in {node_hours:.0} node-hours"),
            measured: measured.iter().sum::<f64>() / node_hours,
            target: Target::AtMost(limit),
            unit: "/node-hour",
            samples: samples as usize,
        });
    }
}

/// Verdicts of down; whatever node they are about, all are false here.
fn downs(seed: u64, nodes: usize, loss: PerMillion) -> f64 {
    let mut world = cluster(seed, nodes);
    world.set_conditions(Conditions::losing(loss));
    world.run_until(world.now() + mins(MINUTES));
    let told = world.watch().coverage().times("memberDown");
    // Every other node tells of the same verdict.
    told.div_ceil(nodes as u64 - 1) as f64
}
