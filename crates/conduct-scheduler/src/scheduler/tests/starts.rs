//! Starting: one at a time, each told of those before it, and nobody waits for a bad one.

use conduct_model::{Resources, Span};

use super::{host_of, settle, told};
use crate::event::Happening;
use crate::fuzz::{Sample, World};

#[test]
fn a_wish_comes_to_run_on_as_many_nodes() {
    let mut world = World::of(3, 1);
    let web = Sample::of("web", "shop");
    world.wish(&web, 3, 1);
    assert!(settle(&mut world, &web, 3) < Span::secs(2));
    assert_eq!(world.running(web.bundle), [1, 1, 1]);
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
