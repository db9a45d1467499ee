//! Instances and daemons that die.

use conduct_model::Span;

use super::{grants, host_of, running, settle, told};
use crate::event::Happening;
use crate::fuzz::{Conduct, Sample, World};

#[test]
fn a_killed_instance_starts_again_within_half_a_second_where_it_was() {
    let web = Sample::of("web", "shop");
    let mut world = running(3, &web, 1);
    world.behave(&web, Conduct::Good(Span::millis(1)));
    let host = host_of(&world, &web);
    assert!(world.kill_instance(host, web.bundle));
    let took = settle(&mut world, &web, 1);
    assert!(took < Span::millis(500), "{took}");
    assert_eq!(host_of(&world, &web), host);
}

#[test]
fn one_that_keeps_ending_badly_waits_longer_and_longer_and_moves_after_three_times() {
    let mut world = World::of(3, 1);
    let web = Sample::of("web", "shop");
    world.behave(&web, Conduct::Ends(1, Span::millis(500)));
    world.wish(&web, 1, 1);
    world.run(Span::secs(60));
    let pauses = world
        .events
        .iter()
        .filter_map(|(_, event)| match event.what {
            Happening::Failed { again_in, .. } => Some(again_in.as_millis()),
            _ => None,
        });
    let pauses: Vec<u64> = pauses.collect();
    assert_eq!(pauses[0], 0);
    let spread = |secs: u64| secs * 800..=secs * 1_200;
    for (pause, secs) in pauses[1..].iter().zip([1, 2, 4, 8, 16, 32, 60, 60]) {
        assert!(spread(secs).contains(pause), "{pauses:?}");
    }
    let grants = grants(&world, &web);
    assert_eq!((grants[0], grants[1]), (grants[2], grants[2]));
    assert!(
        grants[3..].iter().any(|node| *node != grants[0]),
        "{grants:?}"
    );
    assert_eq!(
        told(&world, &web, |what| matches!(
            what,
            Happening::Parked { .. }
        )),
        0
    );
}

#[test]
fn one_that_finished_is_left_alone_until_somebody_asks() {
    let mut world = World::of(3, 1);
    let job = Sample::of("job", "batch");
    world.behave(&job, Conduct::Ends(0, Span::secs(1)));
    world.wish(&job, 2, 1);
    world.run(Span::secs(600));
    let started = |what: &Happening| matches!(what, Happening::Started { .. });
    assert_eq!(
        (told(&world, &job, started), world.healthy(job.bundle)),
        (2, 0)
    );
    world.wish(&job, 2, 2);
    world.run(Span::secs(20));
    assert_eq!(told(&world, &job, started), 4);
}

#[test]
fn a_daemon_that_dies_and_is_back_soon_changes_nothing() {
    let web = Sample::of("web", "shop");
    let mut world = running(3, &web, 3);
    let before = grants(&world, &web).len();
    for node in 0..3 {
        world.crash(node);
        world.run(Span::secs(2));
        world.revive(node);
        world.run(Span::secs(20));
        assert_eq!(world.running(web.bundle), [1, 1, 1]);
    }
    assert_eq!(grants(&world, &web).len(), before);
}

#[test]
fn what_ended_while_its_daemon_was_away_is_started_again_or_left_alone_as_it_ended() {
    let table = [
        (Conduct::Ends(0, Span::secs(3)), 0),
        (Conduct::Ends(1, Span::secs(3)), 1),
    ];
    for (conduct, again) in table {
        let mut world = World::of(3, 1);
        let web = Sample::of("web", "shop");
        world.behave(&web, conduct);
        world.wish(&web, 1, 1);
        settle(&mut world, &web, 1);
        world.behave(&web, Conduct::Good(Span::millis(10)));
        let host = host_of(&world, &web);
        world.crash(host);
        world.run(Span::secs(4));
        world.revive(host);
        world.run(Span::secs(8));
        assert_eq!(
            world.healthy(web.bundle),
            again,
            "{conduct:?}: {}",
            world.recent()
        );
    }
}

#[test]
fn a_start_that_failed_while_its_daemon_was_away_is_no_try() {
    let mut world = World::of(3, 1);
    let web = Sample::of("web", "shop");
    world.behave(&web, Conduct::FailsToStart(1, Span::secs(2)));
    world.wish(&web, 1, 1);
    let granted = |world: &World| !grants(world, &web).is_empty();
    world
        .run_until(Span::secs(5), granted)
        .expect("it begins to start");
    world.run(Span::millis(100));
    let host = host_of(&world, &web);
    world.crash(host);
    world.run(Span::secs(3));
    world.behave(&web, Conduct::Good(Span::millis(10)));
    world.revive(host);
    settle(&mut world, &web, 1);
    assert_eq!(
        told(&world, &web, |what| matches!(
            what,
            Happening::StartFailed { .. }
        )),
        0
    );
}

#[test]
fn a_machine_that_dies_is_replaced_once_it_is_down_and_gets_nothing_back() {
    let web = Sample::of("web", "shop");
    let mut world = running(4, &web, 3);
    let host = host_of(&world, &web);
    world.power_off(host);
    let took = world.run_until(Span::secs(30), |world| world.healthy(web.bundle) == 3);
    let took = took.expect("it is replaced");
    assert!(took > Span::secs(7) && took < Span::secs(14), "{took}");
    world.revive(host);
    world.run(Span::secs(30));
    assert_eq!(world.running(web.bundle)[host], 0);
}

#[test]
fn a_machine_that_was_rebooted_before_it_was_down_starts_its_instances_anew() {
    let web = Sample::of("web", "shop");
    let mut world = running(3, &web, 3);
    world.power_off(1);
    world.run(Span::secs(4));
    world.revive(1);
    settle(&mut world, &web, 3);
    assert_eq!(
        told(&world, &web, |what| matches!(
            what,
            Happening::StartFailed { .. }
        )),
        0
    );
}

#[test]
fn whichever_node_decides_may_die_at_any_moment_of_a_start() {
    for millis in (0..400).step_by(10) {
        let mut world = World::of(5, millis);
        let web = Sample::of("web", "shop");
        world.wish(&web, 4, 1);
        world.run(Span::millis(millis));
        if let Some(owner) = world.owner(&web.system) {
            world.crash(owner);
        }
        world.run(Span::secs(5));
        for node in 0..5 {
            world.revive(node);
        }
        settle(&mut world, &web, 4);
        world.run(Span::secs(20));
        assert_eq!(world.healthy(web.bundle), 4, "{}", world.recent());
    }
}

#[test]
fn the_whole_cluster_stops_and_starts_and_everything_is_as_wished() {
    let web = Sample::of("web", "shop");
    let mut world = running(3, &web, 2);
    for node in 0..3 {
        world.power_off(node);
    }
    world.run(Span::secs(60));
    for node in 0..3 {
        world.revive(node);
        world.run(Span::secs(1));
    }
    assert!(settle(&mut world, &web, 2) < Span::secs(15));
}

#[test]
fn of_instances_whose_checks_fail_one_is_restarted_at_a_time() {
    let web = Sample::of("web", "shop");
    let mut world = running(3, &web, 3);
    for node in 0..3 {
        world.sicken(node, web.bundle);
    }
    let mut fewest = 3;
    for _ in 0..400 {
        world.run(Span::millis(20));
        fewest = fewest.min(world.running(web.bundle).iter().sum());
    }
    assert_eq!(
        (fewest, world.healthy(web.bundle)),
        (2, 3),
        "{}",
        world.recent()
    );
    let unhealthy =
        |what: &Happening| matches!(what, Happening::Stopping(crate::StopReason::Unhealthy));
    assert_eq!(told(&world, &web, unhealthy), 3);
}

#[test]
fn whoever_was_healthy_and_ends_on_a_sigterm_from_outside_is_left_alone() {
    let mut world = World::of(3, 1);
    let web = Sample::of("web", "shop");
    world.behave(&web, Conduct::Ends(143, Span::secs(1)));
    world.wish(&web, 1, 1);
    world.run(Span::secs(600));
    let started = |what: &Happening| matches!(what, Happening::Started { .. });
    let completed = |what: &Happening| matches!(what, Happening::Completed { .. });
    assert_eq!(told(&world, &web, started), 1);
    assert_eq!(told(&world, &web, completed), 1);
}
