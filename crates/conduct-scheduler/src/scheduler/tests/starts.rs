//! Starting: one at a time, each told of those before it, and nobody waits for a bad one.

use conduct_model::{Resources, Span};

use super::{host_of, settle, told};
use crate::event::Happening;
use crate::fuzz::{Conduct, Sample, World};

#[test]
fn a_wish_comes_to_run_on_as_many_nodes() {
    let mut world = World::of(3, 1);
    let web = Sample::of("web", "shop");
    world.wish(&web, 3, 1);
    assert!(settle(&mut world, &web, 3) < Span::secs(2));
    assert_eq!(world.running(web.bundle), [1, 1, 1]);
}

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
fn what_fits_nowhere_is_told_within_two_seconds_and_starts_when_it_fits() {
    let mut world = World::of(3, 1);
    let mut web = Sample::of("web", "shop");
    web.terms.needs.memory_bytes = 16 << 30;
    web.terms.roles = ["web".parse().unwrap()].into();
    world.wish(&web, 1, 1);
    world.run(Span::secs(2));
    let sentence = world
        .events
        .iter()
        .find_map(|(_, event)| match &event.what {
            what @ Happening::Unplaced { .. } => Some(what.to_string()),
            _ => None,
        });
    let sentence = sentence.expect("it says why");
    assert!(
        sentence.starts_with("1 missing: no node can take another"),
        "{sentence}"
    );
    assert!(sentence.contains("needs 16 GiB, 8 GiB free"), "{sentence}");
    let large = Resources {
        cpu_millis: 4_000,
        memory_bytes: 32 << 30,
        disk_bytes: 1 << 40,
    };
    world.resize(1, large);
    settle(&mut world, &web, 1);
    assert_eq!(host_of(&world, &web), 1);
}

#[test]
fn no_node_with_the_role_is_a_reason_of_its_own() {
    let mut world = World::of(3, 1);
    let mut web = Sample::of("web", "shop");
    web.terms.roles = ["database".parse().unwrap()].into();
    world.wish(&web, 1, 1);
    world.run(Span::secs(2));
    let told = world.events.iter().map(|(_, event)| event.what.to_string());
    let told: Vec<String> = told.collect();
    assert!(
        told.iter()
            .any(|t| t.contains("does not have the role database")),
        "{told:?}"
    );
}

#[test]
fn two_owners_that_fill_one_node_are_both_answered_and_the_second_goes_elsewhere() {
    // Every system has its own owner; what one promises the others learn too late.
    let mut world = World::of(3, 1);
    let samples: Vec<Sample> = (0..12)
        .map(|n| {
            let mut sample = Sample::of(&format!("b{n}"), &format!("s{n}"));
            sample.terms.needs.memory_bytes = 2 << 30;
            sample
        })
        .collect();
    for sample in &samples {
        world.wish(sample, 1, 1);
    }
    let all = |world: &World| {
        samples
            .iter()
            .all(|sample| world.healthy(sample.bundle) == 1)
    };
    let took = world.run_until(Span::secs(20), all);
    assert!(
        took.is_some(),
        "3 × 8 GiB take 12 × 2 GiB exactly: {}",
        world.recent()
    );
    let failed = |what: &Happening| matches!(what, Happening::StartFailed { .. });
    assert_eq!(
        samples
            .iter()
            .map(|sample| told(&world, sample, failed))
            .sum::<usize>(),
        0
    );
}
