//! Cuts: the majority goes on, the minority ends, and afterwards there is nothing too much.

use conduct_model::Span;

use super::{grants, host_of, running, settle};
use crate::fuzz::{Conduct, Sample, World};

#[test]
fn the_majority_replaces_what_a_cut_took_and_the_minority_ends_it() {
    let web = Sample::of("web", "shop");
    let mut world = running(5, &web, 4);
    let hosts = world.running(web.bundle);
    let lone = (0..5).find(|node| hosts[*node] == 1).unwrap();
    let mut sides = [0; 5];
    sides[lone] = 1;
    world.cut(&sides);
    world.run(Span::secs(15));
    assert_eq!(world.running(web.bundle)[lone], 0, "its lease is over");
    assert_eq!(world.healthy(web.bundle), 4);
    world.heal();
    world.run(Span::secs(15));
    assert_eq!(world.healthy(web.bundle), 4);
}

#[test]
fn a_short_silence_moves_nothing() {
    let web = Sample::of("web", "shop");
    let mut world = running(3, &web, 3);
    let before = grants(&world, &web).len();
    for lone in 0..3 {
        let mut sides = [0; 3];
        sides[lone] = 1;
        world.cut(&sides);
        world.run(Span::millis(3_500));
        world.heal();
        world.run(Span::secs(10));
    }
    assert_eq!(grants(&world, &web).len(), before);
    assert_eq!(world.healthy(web.bundle), 3);
}

#[test]
fn an_instance_on_a_silent_node_holds_the_gate_while_it_may_be_starting() {
    let mut world = World::of(5, 1);
    let (slow, web) = (Sample::of("slow", "shop"), Sample::of("web", "shop"));
    world.behave(&slow, Conduct::Good(Span::secs(30)));
    world.wish(&slow, 1, 1);
    world.run(Span::secs(1));
    let host = host_of(&world, &slow);
    world.crash(host);
    world.run(Span::millis(3_500));
    world.wish(&web, 1, 1);
    world.run(Span::secs(2));
    assert_eq!(grants(&world, &web).len(), 0, "{}", world.recent());
    // Once its node is down it counts no more.
    settle(&mut world, &web, 1);
}

#[test]
fn an_exclusive_bundle_waits_for_the_lease_before_it_runs_elsewhere() {
    let mut ledger = Sample::of("ledger", "bank");
    ledger.terms.exclusive = true;
    let mut world = running(5, &ledger, 1);
    let host = host_of(&world, &ledger);
    let mut sides = [0; 5];
    sides[host] = 1;
    world.cut(&sides);
    world.run(Span::secs(1));
    let took = world.run_until(Span::secs(60), |world| {
        world
            .running(ledger.bundle)
            .iter()
            .enumerate()
            .any(|(node, count)| node != host && *count > 0)
    });
    let took = took.expect("it runs elsewhere in the end");
    assert!(took > Span::secs(22) && took < Span::secs(30), "{took}");
}

#[test]
fn without_a_majority_nothing_is_decided_and_with_it_everything_comes_back() {
    let web = Sample::of("web", "shop");
    let mut world = running(3, &web, 2);
    world.cut(&[0, 1, 2]);
    world.run(Span::secs(40));
    assert_eq!(world.running(web.bundle), [0, 0, 0]);
    world.heal();
    assert!(settle(&mut world, &web, 2) < Span::secs(12));
}

#[test]
fn a_node_that_comes_and_goes_moves_an_instance_once_a_cycle_at_most() {
    let web = Sample::of("web", "shop");
    let mut world = running(4, &web, 3);
    let host = host_of(&world, &web);
    let before = grants(&world, &web).len();
    let mut sides = [0; 4];
    sides[host] = 1;
    for _ in 0..10 {
        world.cut(&sides);
        world.run(Span::secs(10));
        world.heal();
        world.run(Span::secs(10));
    }
    world.run(Span::secs(20));
    assert_eq!(world.healthy(web.bundle), 3);
    assert!(grants(&world, &web).len() <= before + 10);
}

#[test]
fn flapping_every_second_moves_nothing() {
    let web = Sample::of("web", "shop");
    let mut world = running(4, &web, 3);
    let before = grants(&world, &web).len();
    let mut sides = [0; 4];
    sides[host_of(&world, &web)] = 1;
    for _ in 0..60 {
        world.cut(&sides);
        world.run(Span::secs(1));
        world.heal();
        world.run(Span::secs(1));
    }
    assert_eq!(grants(&world, &web).len(), before);
}

#[test]
fn lost_messages_delay_but_change_nothing() {
    let mut world = World::of(5, 3);
    world.loss = 20;
    let web = Sample::of("web", "shop");
    world.wish(&web, 5, 1);
    settle(&mut world, &web, 5);
    world.wish(&web, 2, 2);
    settle(&mut world, &web, 2);
}
