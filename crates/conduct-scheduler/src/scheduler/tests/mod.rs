//! Whole clusters of fakes: what people see.

mod failures;
mod gate;
mod moves;
mod parked;
mod partitions;
mod properties;
mod starts;

use conduct_model::{NodeKey, Span, Time};

use crate::event::Happening;
use crate::fuzz::{Sample, World};

/// A cluster in which a bundle runs as often as wished.
fn running(nodes: usize, sample: &Sample, scale: u32) -> World {
    let mut world = World::of(nodes, 1);
    world.wish(sample, scale, 1);
    settle(&mut world, sample, scale as usize);
    world
}

/// Waits until so many instances are healthy.
fn settle(world: &mut World, sample: &Sample, healthy: usize) -> Span {
    let took = world.run_until(Span::secs(90), |world| {
        world.healthy(sample.bundle) == healthy
    });
    let running = world.running(sample.bundle);
    took.unwrap_or_else(|| {
        panic!(
            "{healthy} wished for, but {running:?} run: {}",
            world.recent()
        )
    })
}

/// The first node that runs it.
fn host_of(world: &World, sample: &Sample) -> usize {
    world
        .running(sample.bundle)
        .iter()
        .position(|count| *count > 0)
        .expect("it runs somewhere")
}

/// How often something was told of a bundle.
fn told(world: &World, sample: &Sample, what: impl Fn(&Happening) -> bool) -> usize {
    let of = |bundle| bundle == Some(sample.bundle);
    world
        .events
        .iter()
        .filter(|(_, event)| of(event.bundle) && what(&event.what))
        .count()
}

/// When something was told of a bundle.
fn times(world: &World, sample: &Sample, what: impl Fn(&Happening) -> bool) -> Vec<Time> {
    let events = world.events.iter();
    let told = events.filter(|(_, e)| e.bundle == Some(sample.bundle) && what(&e.what));
    told.map(|(at, _)| *at).collect()
}

/// Where the forks of a bundle were granted.
fn grants(world: &World, sample: &Sample) -> Vec<NodeKey> {
    let granted = world.events.iter().filter(|(_, event)| {
        event.bundle == Some(sample.bundle) && matches!(event.what, Happening::Granted { .. })
    });
    granted.filter_map(|(_, event)| event.node).collect()
}
