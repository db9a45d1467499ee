//! What bundles' processes do, and what becomes of them.

use conduct_model::Span;
use conduct_node::runtime::{ExitStatus, Health};
use conduct_sim::clients::Wish;
use conduct_sim::machine::{Opening, Plot};
use conduct_sim::{A_MOMENT, Sim, bundle, millis, mins, secs};

const ALL: [usize; 3] = [0, 1, 2];

#[test]
fn a4_an_instance_that_ends_well_after_its_start_is_left_alone() {
    let mut sim = Sim::with_seed(4).nodes(3).settled();
    let report = sim.publish(
        bundle("report").program(|p| p.plot = Plot::Ends(secs(2)..secs(3), ExitStatus::Code(0))),
    );
    sim.ok(0, report, Wish::Load);
    sim.ok(0, report, Wish::Scale(1, None));
    sim.run(mins(2));
    assert_eq!(sim.forks(report), 1);
    assert_eq!(
        sim.view(1).bundles[&report].wish.map(|wish| wish.scale),
        Some(1)
    );
}

#[test]
fn a5_an_instance_that_fails_after_its_start_is_replaced_at_once_and_then_less_and_less_often() {
    let mut sim = Sim::with_seed(5).nodes(3).settled();
    let web = sim.publish(
        bundle("web")
            .program(|p| p.plot = Plot::Ends(millis(300)..millis(400), ExitStatus::Code(1))),
    );
    sim.ok(0, web, Wish::Load);
    sim.ok(0, web, Wish::Scale(1, None));
    sim.until(secs(5), "a first end", |world| {
        world.truth().failed_at(web).is_some()
    });
    let back = sim.until(secs(2), "a second start", |world| {
        world.truth().live().any(|(_, real)| real.bundle == web)
    });
    assert!(back <= millis(600), "{back}");
    sim.run(mins(2));
    let forks = sim.forks(web);
    assert!(
        (4..15).contains(&forks),
        "{forks} starts within two minutes"
    );
}

#[test]
fn a6_an_instance_that_ends_before_its_signal_is_tried_three_times_and_parked() {
    let mut sim = Sim::with_seed(6).nodes(3).settled();
    let opening = Opening::Ends(millis(50)..millis(100), ExitStatus::Code(0));
    let shop = sim.publish(
        bundle("shop")
            .system("common")
            .program(|p| p.opening = opening),
    );
    sim.ok(0, shop, Wish::Load);
    sim.ok(0, shop, Wish::Scale(1, None));
    sim.run(mins(1));
    assert_eq!(sim.forks(shop), 3);
    assert!(sim.published("parked") >= 1);
    assert!(sim.view(2).bundles[&shop].error.is_some());

    // Its gate is free for the others of its system.
    let mail = sim.load(bundle("mail").system("common"));
    assert_eq!(sim.executions(mail), 1);
    sim.run(mins(6));
    assert!(sim.forks(shop) > 3, "it is tried again every five minutes");
}

#[test]
fn a7_a_start_that_fails_is_tried_on_other_nodes_and_not_more_than_three_times_a_minute() {
    let mut sim = Sim::with_seed(7).nodes(3).settled();
    let opening = Opening::Ends(millis(50)..millis(100), ExitStatus::Code(1));
    let shop = sim.publish(bundle("shop").program(|p| p.opening = opening));
    sim.ok(0, shop, Wish::Load);
    sim.ok(0, shop, Wish::Scale(2, None));
    let mut last = 0;
    for _ in 0..4 {
        sim.run(mins(1));
        let forks = sim.forks(shop);
        assert!(forks - last <= 3, "{forks} after {last}");
        last = forks;
    }
    let tried: std::collections::BTreeSet<_> = sim.forked_on(shop).into_iter().collect();
    assert!(tried.len() > 1, "all tries on {tried:?}");
}

#[test]
fn a8_an_instance_that_never_signals_is_ended_at_its_time_and_the_next_of_its_system_starts() {
    let mut sim = Sim::with_seed(8).nodes(3).settled();
    let hangs = bundle("shop")
        .system("common")
        .start_timeout(Span::secs(10))
        .program(|p| p.opening = Opening::Hangs);
    let shop = sim.publish(hangs);
    let mail = sim.publish(bundle("mail").system("common"));
    sim.ok(0, shop, Wish::Load);
    sim.ok(0, mail, Wish::Load);
    sim.ok(0, shop, Wish::Scale(1, None));
    sim.until(secs(5), "a start", |world| {
        world.truth().live().any(|(_, real)| real.bundle == shop)
    });
    sim.ok(0, mail, Wish::Scale(1, None));
    let ended = sim.until(secs(12), "an end", |world| {
        world
            .truth()
            .live()
            .all(|(_, real)| real.bundle != shop || real.told_to_end.is_some())
    });
    assert!(ended >= secs(9), "{ended}");
    let next = sim.until(secs(13), "the next", |world| {
        world.truth().live().any(|(_, real)| real.bundle == mail)
    });
    assert!(next <= secs(12), "{next}");
}

#[test]
fn a19_of_instances_whose_check_fails_one_stays_while_the_others_are_replaced() {
    let mut sim = Sim::with_seed(19).nodes(3).settled();
    let web = sim.load(bundle("web").scale(2));
    let sick = sim.instances_on(&ALL, web);
    for (host, instance) in &sick {
        sim.world().check_says(*host, *instance, Health::Bad);
    }
    let mut least = 2;
    for _ in 0..100 {
        sim.run(millis(100));
        least = least.min(sim.processes_on(&ALL, web));
    }
    assert!(least >= 1, "all of them were ended at once");
    sim.until(secs(20), "both again", |world| {
        let live = world.truth().live().filter(|(_, real)| real.bundle == web);
        live.filter(|(_, real)| real.started.is_some() && real.told_to_end.is_none())
            .count()
            == 2
    });
}

#[test]
fn b1_a_daemon_that_is_back_soon_finds_its_instances_as_it_left_them() {
    let mut sim = Sim::with_seed(1).nodes(3).settled();
    let web = sim.load(bundle("web").scale(3));
    for _ in 0..5 {
        sim.world().kill_daemon(1);
        sim.run(secs(4));
        sim.world().start_daemon(1);
        sim.run(secs(12));
    }
    assert_eq!(sim.forks(web), 3);
    assert_eq!(sim.executions(web), 3);
}

#[test]
fn b2_a_daemon_that_stays_away_is_replaced_and_has_nothing_too_many_when_it_is_back() {
    let mut sim = Sim::with_seed(2).nodes(3).settled();
    let web = sim.load(bundle("web").scale(3).per_node(2));
    sim.world().kill_daemon(1);
    sim.run(secs(10));
    assert_eq!(
        sim.processes_on(&[1], web),
        1,
        "its instance goes on under its lease"
    );
    sim.until(secs(20), "its replacement", |world| {
        let live = world
            .truth()
            .live()
            .filter(|(_, real)| real.bundle == web && real.host != 1);
        live.filter(|(_, real)| real.started.is_some()).count() == 3
    });
    sim.run(mins(2));
    sim.world().start_daemon(1);
    sim.run(secs(15));
    assert_eq!(sim.executions(web), 3);
    assert_eq!(sim.processes_on(&ALL, web), 3);
}

#[cfg(feature = "open-findings")]
#[test]
fn b12_a_record_that_crashes_whoever_reads_it_is_skipped_and_nothing_else_suffers() {
    let mut sim = Sim::with_seed(12).nodes(3).settled();
    let web = sim.load(bundle("web").scale(3));
    sim.world().poison("poison");
    let poison = sim.publish(bundle("poison"));
    let load = sim.ask(0, poison, Wish::Load);
    sim.run(mins(1));
    assert_ne!(sim.outcome(load), Outcome::Open);
    assert!(sim.published("poisonSkipped") >= 1);
    assert_eq!(sim.forks(web), 3, "no lease ended because of it");
    sim.gathers_within(secs(10));
    let mail = sim.load(bundle("mail").scale(2));
    assert_eq!(sim.executions(mail), 2);
}

#[test]
fn b13_after_a_reboot_nothing_is_taken_for_alive_that_is_not() {
    let mut sim = Sim::with_seed(13).nodes(3).settled();
    let web = sim.load(bundle("web").scale(3));
    sim.world().power_off(2);
    sim.run(secs(2));
    sim.world().power_on(2);
    sim.until(secs(20), "all three", |world| {
        let live = world.truth().live().filter(|(_, real)| real.bundle == web);
        live.filter(|(_, real)| real.started.is_some()).count() == 3
    });
    sim.run(A_MOMENT);
    assert_eq!(sim.forks(web), 4);
}

#[test]
fn b14_a_node_that_is_drained_hands_its_instances_over_before_it_stops_them() {
    let mut sim = Sim::with_seed(14).nodes(3).settled();
    let web = sim.load(bundle("web").scale(2));
    let host = sim.instances_on(&ALL, web)[0].0;
    sim.ask((host + 1) % 3, web, Wish::Drain(host));
    let mut least = 2;
    for _ in 0..200 {
        sim.run(millis(100));
        least = least.min(sim.executions(web));
    }
    assert_eq!(sim.processes_on(&[host], web), 0);
    assert_eq!(sim.executions(web), 2);
    assert_eq!(
        least, 2,
        "the replacement was healthy before the old one was told to end"
    );
}
