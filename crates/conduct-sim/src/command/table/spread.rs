//! How soon a change is known on every node.

use conduct_sim::clients::Wish;
use conduct_sim::engine::{Dice, PerMillion};
use conduct_sim::network::Conditions;
use conduct_sim::secs;

use super::sample::{cluster, many, p99, seconds_until, small_bundle};
use super::{Row, Target};

pub(crate) fn measure(samples: u64, threads: usize, tell: &mut impl FnMut(Row)) {
    for (nodes, limit) in [(10, 1.0), (100, 1.0), (1_000, 2.0)] {
        let measured = many(samples, threads, |seed| known_after(seed, nodes));
        tell(Row {
            what: format!("a change → known to all, {nodes} nodes, 1 % loss, p99"),
            measured: p99(measured),
            target: Target::AtMost(limit),
            unit: "s",
            samples: samples as usize,
        });
    }
}

/// From the acknowledgement of a load to the last node that knows the bundle.
fn known_after(seed: u64, nodes: usize) -> f64 {
    let mut world = cluster(seed, nodes);
    world.set_conditions(Conditions::losing(PerMillion::percent(1)));
    let web = small_bundle(&mut world, "web");
    let host = Dice::of(seed, "host", 0).below(nodes.min(9) as u64) as usize;
    let load = world.ask(host, web, Wish::Load);
    let limit = secs(20);
    seconds_until(&mut world, limit, |world| world.clients().get(load).is_ok());
    seconds_until(&mut world, limit, |world| {
        let opinions = world.watch().checkers().opinions();
        (0..nodes).all(|host| opinions.of(host).bundles.contains(&web))
    })
}
