//! The gate: one start of a system at a time, and how soon the next may follow.

use conduct_model::{Resources, Span, Time};

use super::{grants, host_of, running, settle, times, told};
use crate::event::Happening;
use crate::fuzz::{Conduct, Sample, World};

#[test]
fn the_first_of_a_system_is_told_of_nobody_and_each_later_one_of_all_before_it() {
    let mut world = World::of(3, 1);
    let (web, cart) = (Sample::of("web", "shop"), Sample::of("cart", "shop"));
    world.wish(&web, 2, 1);
    world.wish(&cart, 2, 1);
    settle(&mut world, &web, 2);
    settle(&mut world, &cart, 2);
    let seeds = world
        .events
        .iter()
        .filter_map(|(_, event)| match event.what {
            Happening::Granted { seeds } => Some(seeds),
            _ => None,
        });
    assert_eq!(seeds.collect::<Vec<_>>(), [0, 1, 2, 3]);
}

#[test]
fn different_systems_start_side_by_side() {
    let mut world = World::of(3, 1);
    let samples: Vec<Sample> = (0..50)
        .map(|n| Sample::of("x", &format!("system-{n}")))
        .collect();
    let samples: Vec<Sample> = samples
        .into_iter()
        .enumerate()
        .map(|(n, sample)| Sample {
            bundle: Sample::of(&format!("b{n}"), "x").bundle,
            ..sample
        })
        .collect();
    for sample in &samples {
        world.behave(sample, Conduct::Good(Span::secs(2)));
        world.wish(sample, 1, 1);
    }
    let all = |world: &World| {
        samples
            .iter()
            .all(|sample| world.healthy(sample.bundle) == 1)
    };
    let took = world.run_until(Span::secs(20), all);
    assert!(took.is_some_and(|took| took < Span::secs(5)), "{took:?}");
}

#[test]
fn a_hundred_gated_starts_that_signal_at_once_take_less_than_fifteen_seconds() {
    let mut world = World::of(3, 1);
    let mut web = Sample::of("web", "shop");
    web.terms.max_per_node = 40;
    web.terms.needs = Resources {
        cpu_millis: 1,
        ..Resources::default()
    };
    world.behave(&web, Conduct::Good(Span::millis(1)));
    world.wish(&web, 100, 1);
    assert!(settle(&mut world, &web, 100) < Span::secs(15));
}

#[test]
fn a_bundle_that_never_signals_holds_the_others_up_for_one_start_timeout_only() {
    let mut world = World::of(3, 1);
    let (poison, web) = (Sample::of("poison", "shop"), Sample::of("web", "shop"));
    world.behave(&poison, Conduct::Silent);
    world.wish(&poison, 3, 1);
    world.run(Span::secs(5));
    world.wish(&web, 3, 1);
    let first = settle(&mut world, &web, 1);
    assert!(
        first < Span::secs(58),
        "it waited {first} for a gate held for 60 s"
    );
    settle(&mut world, &web, 3);
    world.run(Span::secs(200));
    let timed_out = |what: &Happening| {
        matches!(what, Happening::StartFailed { ending, .. }
            if ending.cause == crate::Cause::StartTimedOut)
    };
    assert_eq!(told(&world, &poison, timed_out), 3);
    assert_eq!(
        told(&world, &poison, |what| matches!(
            what,
            Happening::Parked { .. }
        )),
        1
    );
}

#[test]
fn two_versions_of_a_system_start_side_by_side() {
    let mut world = World::of(3, 1);
    let (old, mut new) = (Sample::of("old", "shop"), Sample::of("new", "shop"));
    new.system.version = "2".parse().unwrap();
    for sample in [&old, &new] {
        world.behave(sample, Conduct::Good(Span::secs(5)));
        world.wish(sample, 1, 1);
    }
    world.run(Span::secs(3));
    assert_eq!(grants(&world, &old).len() + grants(&world, &new).len(), 2);
    let both = |world: &World| world.healthy(old.bundle) + world.healthy(new.bundle) == 2;
    assert!(world.run_until(Span::secs(4), both).is_some());
}

fn granted(what: &Happening) -> bool {
    matches!(what, Happening::Granted { .. })
}

fn failed(what: &Happening) -> bool {
    matches!(what, Happening::StartFailed { .. })
}

/// When the first start of a bad bundle was granted and failed, and when the next one was granted.
fn bad_start(bad: Conduct) -> (Time, Time, Time) {
    let mut world = World::of(3, 1);
    let (poison, web) = (Sample::of("poison", "shop"), Sample::of("web", "shop"));
    world.behave(&poison, bad);
    world.wish(&poison, 1, 1);
    let begun = |world: &World| !times(world, &poison, granted).is_empty();
    world
        .run_until(Span::secs(5), begun)
        .expect("it begins to start");
    world.wish(&web, 1, 1);
    settle(&mut world, &web, 1);
    (
        times(&world, &poison, granted)[0],
        times(&world, &poison, failed)[0],
        times(&world, &web, granted)[0],
    )
}

#[test]
fn an_end_before_the_signal_frees_the_gate_within_a_second_whatever_the_code() {
    for code in [0, 1, 143] {
        let ends = Conduct::FailsToStart(code, Span::millis(700));
        let (_, failed, next) = bad_start(ends);
        assert!(
            next >= failed && next.since(failed) <= Span::secs(1),
            "{code}"
        );
    }
}

#[test]
fn what_never_signals_is_ended_at_its_time_out_and_the_next_starts_within_two_seconds() {
    let (granted, failed, next) = bad_start(Conduct::Silent);
    let took = failed.since(granted);
    assert!(took >= Span::secs(60) && took <= Span::secs(61), "{took}");
    assert!(next >= failed && next.since(failed) <= Span::secs(2));
}

#[test]
fn an_instance_on_a_silent_node_stays_among_those_to_join() {
    let web = Sample::of("web", "shop");
    let mut world = running(5, &web, 2);
    let silent = host_of(&world, &web);
    let mut sides = [0; 5];
    sides[silent] = 1;
    world.cut(&sides);
    world.run(Span::millis(3_500));
    let cart = Sample::of("cart", "shop");
    world.wish(&cart, 1, 1);
    let both = |what: &Happening| matches!(what, Happening::Granted { seeds: 2 });
    let granted = |world: &World| told(world, &cart, both) == 1;
    let took = world.run_until(Span::secs(4), granted);
    assert!(took.is_some(), "{}", world.recent());
}
