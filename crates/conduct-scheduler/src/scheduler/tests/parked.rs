//! Bundles that fail to start: a few tries, then now and then one, and nobody else waits for them.

use conduct_model::Span;

use super::{running, settle, times, told};
use crate::event::Happening;
use crate::fuzz::{Conduct, Sample, World};

fn granted(what: &Happening) -> bool {
    matches!(what, Happening::Granted { .. })
}

#[test]
fn a_failing_bundle_gets_three_tries_on_different_nodes_then_one_every_five_minutes() {
    for conduct in [
        Conduct::FailsToStart(1, Span::millis(200)),
        Conduct::FailsToStart(0, Span::millis(200)),
        Conduct::Broken,
    ] {
        let mut world = World::of(3, 1);
        let web = Sample::of("web", "shop");
        world.behave(&web, conduct);
        world.wish(&web, 1, 1);
        world.run(Span::secs(60));
        let failed = |what: &Happening| matches!(what, Happening::StartFailed { .. });
        assert_eq!(told(&world, &web, failed), 3, "{conduct:?}");
        let mut nodes: Vec<_> = world
            .events
            .iter()
            .filter(|(_, event)| failed(&event.what))
            .filter_map(|(_, event)| event.node)
            .collect();
        nodes.dedup();
        assert_eq!(nodes.len(), 3);
        world.run(Span::secs(600));
        assert_eq!(told(&world, &web, failed), 5, "{}", world.recent());
        // What is mended starts at the next try.
        world.behave(&web, Conduct::Good(Span::millis(10)));
        world.run(Span::secs(300));
        assert_eq!(world.healthy(web.bundle), 1);
        assert_eq!(
            told(&world, &web, |what| matches!(what, Happening::Cured)),
            1
        );
    }
}

#[test]
fn a_parked_bundle_is_tried_when_a_node_comes_but_not_for_its_own_doing() {
    let mut world = World::of(3, 1);
    let web = Sample::of("web", "shop");
    world.power_off(2);
    world.run(Span::secs(15));
    world.behave(&web, Conduct::FailsToStart(1, Span::millis(100)));
    world.wish(&web, 1, 1);
    world.run(Span::secs(60));
    let failed = |what: &Happening| matches!(what, Happening::StartFailed { .. });
    assert_eq!(told(&world, &web, failed), 3);
    world.behave(&web, Conduct::Good(Span::millis(10)));
    world.revive(2);
    settle(&mut world, &web, 1);
}

#[test]
fn asking_again_forgives_at_once() {
    let mut world = World::of(3, 1);
    let web = Sample::of("web", "shop");
    world.behave(&web, Conduct::FailsToStart(1, Span::millis(100)));
    world.wish(&web, 2, 1);
    world.run(Span::secs(30));
    world.behave(&web, Conduct::Good(Span::millis(10)));
    world.wish(&web, 2, 2);
    assert!(settle(&mut world, &web, 2) < Span::secs(2));
}

#[test]
fn of_several_parked_bundles_of_a_system_one_is_tried_every_five_minutes() {
    let mut world = World::of(3, 1);
    let samples = ["web", "cart", "mail"].map(|name| Sample::of(name, "shop"));
    for sample in &samples {
        world.behave(sample, Conduct::FailsToStart(1, Span::millis(100)));
        world.wish(sample, 1, 1);
    }
    world.run(Span::secs(60));
    let tries = |world: &World| samples.each_ref().map(|s| times(world, s, granted).len());
    assert_eq!(tries(&world), [3, 3, 3]);
    let parked = samples
        .iter()
        .flat_map(|sample| times(&world, sample, granted));
    let last = parked.max().unwrap();
    world.run(Span::secs(1_000));
    assert_eq!(tries(&world), [4, 4, 4], "each in its turn");
    let mut later: Vec<_> = samples
        .iter()
        .flat_map(|sample| times(&world, sample, granted).split_off(3))
        .collect();
    later.sort_unstable();
    later.insert(0, last);
    for pair in later.windows(2) {
        let apart = pair[1].since(pair[0]);
        assert!(
            apart >= Span::secs(299) && apart < Span::secs(303),
            "{apart}"
        );
    }
}

#[test]
fn a_failing_bundle_starts_three_times_a_minute_at_most_whatever_else_happens() {
    let mut world = World::of(3, 1);
    let (bad, restless) = (Sample::of("bad", "shop"), Sample::of("restless", "shop"));
    world.behave(&bad, Conduct::FailsToStart(1, Span::millis(50)));
    // Each of its starts is news that might help others.
    world.behave(&restless, Conduct::Ends(0, Span::secs(2)));
    world.wish(&bad, 2, 1);
    for round in 1..=120 {
        world.wish(&restless, 1, round);
        if round % 7 == 0 {
            world.power_off(2);
        } else {
            world.revive(2);
        }
        world.run(Span::secs(5));
    }
    let starts = times(&world, &bad, granted);
    assert!(starts.len() > 5, "it is tried: {}", starts.len());
    for (nth, first) in starts.iter().enumerate() {
        let within = starts[nth..].iter();
        let within = within.filter(|at| at.since(*first) < Span::secs(60));
        assert!(within.count() <= 3, "{starts:?}");
    }
}

#[test]
fn what_is_parked_costs_the_others_of_its_system_nothing() {
    let (bad, web) = (Sample::of("bad", "shop"), Sample::of("web", "shop"));
    let mut world = running(3, &web, 1);
    world.behave(&bad, Conduct::FailsToStart(1, Span::millis(50)));
    world.wish(&bad, 3, 1);
    world.run(Span::secs(30));
    world.wish(&web, 3, 2);
    assert!(settle(&mut world, &web, 3) < Span::secs(2));
}
