//! Fewer, elsewhere, gone: scaling down, draining, unloading.

use conduct_model::Span;

use super::{grants, host_of, running, settle, told};
use crate::event::Happening;
use crate::fuzz::{Sample, World};

#[test]
fn scaling_down_ends_the_newest_first() {
    let mut world = World::of(3, 1);
    let web = Sample::of("web", "shop");
    world.wish(&web, 3, 1);
    settle(&mut world, &web, 3);
    let oldest = grants(&world, &web)[0];
    world.wish(&web, 1, 2);
    settle(&mut world, &web, 1);
    assert_eq!(world.key(host_of(&world, &web)), oldest);
    world.wish(&web, 0, 3);
    settle(&mut world, &web, 0);
}

#[test]
fn scaling_down_goes_on_although_a_node_is_silent() {
    let web = Sample::of("web", "shop");
    let mut world = running(4, &web, 4);
    let silent = (0..4)
        .find(|node| Some(*node) != world.owner(&web.system))
        .unwrap();
    let mut sides = [0; 4];
    sides[silent] = 1;
    world.cut(&sides);
    world.run(Span::millis(3_500));
    world.wish(&web, 0, 2);
    world.run(Span::secs(4));
    let running = world.running(web.bundle);
    assert_eq!(
        running.iter().sum::<usize>(),
        running[silent],
        "{running:?}"
    );
    world.heal();
    settle(&mut world, &web, 0);
}

#[test]
fn a_drained_node_is_empty_and_nobody_missed_an_instance() {
    let web = Sample::of("web", "shop");
    let mut world = running(4, &web, 3);
    let host = host_of(&world, &web);
    world.drain(host, true);
    let mut fewest = 3;
    for _ in 0..200 {
        world.run(Span::millis(25));
        fewest = fewest.min(world.healthy(web.bundle));
    }
    assert_eq!(
        (fewest, world.running(web.bundle)[host]),
        (3, 0),
        "{}",
        world.recent()
    );
    assert_eq!(world.healthy(web.bundle), 3);
}

#[test]
fn a_node_that_is_drained_no_more_keeps_what_was_not_replaced() {
    let web = Sample::of("web", "shop");
    let mut world = running(3, &web, 3);
    let before = grants(&world, &web).len();
    world.drain(0, true);
    world.run(Span::millis(100));
    world.drain(0, false);
    world.run(Span::secs(20));
    assert_eq!(world.healthy(web.bundle), 3);
    // Nothing else could take it, so it had been told to end; it came back to where there is room.
    assert!(grants(&world, &web).len() <= before + 1);
}

#[test]
fn an_unloaded_bundle_is_ended_everywhere_and_leaves_nothing_decided() {
    let web = Sample::of("web", "shop");
    let mut world = running(3, &web, 3);
    world.unload(&web);
    let took = world.run_until(Span::secs(10), |world| {
        world.running(web.bundle) == [0, 0, 0]
    });
    assert!(took.is_some_and(|took| took < Span::secs(4)), "{took:?}");
    world.run(Span::secs(5));
    assert!((0..3).all(|node| world.scheduler(node).owner(&web.system).is_none()));
}

#[test]
fn what_was_starting_when_it_was_unloaded_ends_too() {
    for millis in (0..300).step_by(15) {
        let mut world = World::of(3, 1);
        let web = Sample::of("web", "shop");
        world.wish(&web, 3, 1);
        world.run(Span::millis(millis));
        world.unload(&web);
        world.run(Span::secs(10));
        assert_eq!(world.running(web.bundle), [0, 0, 0], "after {millis} ms");
        // Loaded again it runs again.
        world.wish(&web, 2, 9);
        settle(&mut world, &web, 2);
    }
}

#[test]
fn an_exclusive_bundle_is_moved_without_ever_running_twice() {
    let mut ledger = Sample::of("ledger", "bank");
    ledger.terms.exclusive = true;
    let mut world = running(3, &ledger, 1);
    let host = host_of(&world, &ledger);
    world.drain(host, true);
    world.run(Span::secs(10));
    assert_eq!(world.healthy(ledger.bundle), 1);
    assert_ne!(host_of(&world, &ledger), host);
    assert_eq!(
        told(&world, &ledger, |what| matches!(what, Happening::Moving)),
        0
    );
}
