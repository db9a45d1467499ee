//! Commands that meet each other, and nodes that die over them.

use conduct_sim::clients::{Outcome, Wish};
use conduct_sim::{Sim, bundle, millis, mins, secs};

fn scales(sim: &Sim, bundle: conduct_model::BundleId) -> Vec<Option<u32>> {
    (0..3)
        .map(|host| sim.view(host).bundles[&bundle].wish.map(|wish| wish.scale))
        .collect()
}

#[test]
fn i7_a_request_that_is_repeated_has_one_effect() {
    let mut sim = Sim::with_seed(7).nodes(3).settled();
    let web = sim.load(bundle("web").scale(1).per_node(3));
    let offset = sim.ok(0, web, Wish::Offset(1));
    for host in [0, 1, 2, 1] {
        sim.world().repeat(offset, host);
        sim.run(secs(3));
        assert_eq!(
            sim.outcome(offset),
            Outcome::Ok,
            "the same answer from n{host}"
        );
    }
    assert_eq!(scales(&sim, web), [Some(2); 3]);
}

#[test]
fn j7_a_bundle_that_fits_nowhere_is_loaded_and_says_why_it_does_not_run() {
    let mut sim = Sim::with_seed(7).nodes(3).settled();
    let huge = sim.publish(bundle("huge").described(|d| d.needs.memory_bytes = 1 << 40));
    sim.ok(0, huge, Wish::Load);
    sim.ok(0, huge, Wish::Scale(1, None));
    sim.until(secs(2), "a reason", |world| {
        world.watch().coverage().times("unplaced") > 0
    });
    assert_eq!(sim.forks(huge), 0);
}

#[test]
fn l1_of_two_scales_at_the_same_time_one_wins_everywhere() {
    for seed in 0..5 {
        let mut sim = Sim::with_seed(seed).nodes(3).settled();
        let web = sim.load(bundle("web").scale(1).per_node(2));
        let two = sim.ask(0, web, Wish::Scale(2, None));
        let five = sim.ask(2, web, Wish::Scale(5, None));
        assert_eq!(
            (sim.wait_for(two), sim.wait_for(five)),
            (Outcome::Ok, Outcome::Ok)
        );
        sim.run(secs(2));
        let held = scales(&sim, web);
        assert!(held == [Some(2); 3] || held == [Some(5); 3], "{held:?}");
        assert!(sim.published("superseded") >= 1, "the loser is told");
    }
}

#[test]
fn l2_an_unload_beats_a_run_and_whatever_had_started_is_stopped() {
    for seed in 0..5 {
        let mut sim = Sim::with_seed(seed).nodes(3).settled();
        let web = sim.publish(bundle("web"));
        sim.ok(0, web, Wish::Load);
        sim.run(secs(3));
        let unload = sim.ask(0, web, Wish::Unload);
        sim.ask(2, web, Wish::Scale(2, None));
        let unloaded = sim.wait_for(unload);
        sim.run(secs(15));
        if unloaded == Outcome::Ok {
            assert_eq!(sim.processes_on(&[0, 1, 2], web), 0);
            assert!((0..3).all(|host| !sim.view(host).bundles.contains_key(&web)));
        }
    }
}

#[test]
fn l3_a_load_that_an_unload_had_not_seen_stays() {
    let mut sim = Sim::with_seed(3).nodes(3).settled();
    let web = sim.publish(bundle("web"));
    sim.ok(0, web, Wish::Load);
    sim.run(secs(5));
    let unload = sim.ask(0, web, Wish::Unload);
    let load = sim.ask(2, web, Wish::Load);
    assert_eq!(
        (sim.wait_for(unload), sim.wait_for(load)),
        (Outcome::Ok, Outcome::Ok)
    );
    sim.run(secs(5));
    assert!((0..3).all(|host| sim.view(host).bundles.contains_key(&web)));
}

#[test]
fn l4_two_loads_of_one_bundle_are_one_bundle() {
    let mut sim = Sim::with_seed(4).nodes(3).settled();
    let web = sim.publish(bundle("web"));
    let loads = [sim.ask(0, web, Wish::Load), sim.ask(1, web, Wish::Load)];
    for load in loads {
        assert_eq!(sim.wait_for(load), Outcome::Ok);
    }
    sim.run(secs(5));
    assert!((0..3).all(|host| sim.view(host).bundles.len() == 1));
    sim.ok(2, web, Wish::Unload);
    sim.run(secs(2));
    assert!((0..3).all(|host| sim.view(host).bundles.is_empty()));
}

#[test]
fn l5_two_offsets_at_the_same_time_both_count() {
    let mut sim = Sim::with_seed(5).nodes(3).settled();
    let web = sim.load(bundle("web").scale(1).per_node(2));
    let one = sim.ask(0, web, Wish::Offset(1));
    let other = sim.ask(2, web, Wish::Offset(1));
    assert_eq!(
        (sim.wait_for(one), sim.wait_for(other)),
        (Outcome::Ok, Outcome::Ok)
    );
    sim.run(secs(2));
    assert_eq!(scales(&sim, web), [Some(3); 3]);
}

#[test]
fn l6_what_a_node_acknowledged_before_it_died_holds() {
    for step in 0..40 {
        let mut sim = Sim::with_seed(6).nodes(3).settled();
        let web = sim.publish(bundle("web").program(|p| p.archive_bytes = 100_000));
        let load = sim.ask(0, web, Wish::Load);
        sim.run(millis(step));
        let acknowledged = sim.outcome(load) == Outcome::Ok;
        sim.world().power_off(0);
        sim.run(secs(12));
        let known = (1..3).all(|host| sim.view(host).bundles.contains_key(&web));
        assert!(known || !acknowledged, "died after {step} ms");
        if sim.wait_for(load) == Outcome::Ok {
            assert!((1..3).all(|host| sim.view(host).bundles.contains_key(&web)));
        }
    }
}

#[test]
fn l8_loading_and_unloading_for_long_leaves_nothing_behind() {
    let mut sim = Sim::with_seed(8).nodes(3).settled();
    let web = sim.publish(bundle("web").program(|p| p.archive_bytes = 1_000));
    sim.world().power_off(2);
    sim.run(secs(12));
    for _ in 0..300 {
        sim.ok(0, web, Wish::Load);
        sim.ok(1, web, Wish::Unload);
    }
    sim.world().power_on(2);
    sim.gathers_within(secs(10));
    sim.run(mins(1));
    for host in 0..3 {
        assert!(!sim.view(host).bundles.contains_key(&web), "n{host}");
        let (records, digest) = sim.state_bytes(host);
        assert!(
            records < 64 << 10 && digest < 2 << 10,
            "{records} and {digest} bytes on n{host}"
        );
    }
}

#[test]
fn l10_streams_go_on_without_gaps_through_restarts_and_cuts() {
    let mut sim = Sim::with_seed(10).nodes(3).settled();
    let web = sim.load(bundle("web").scale(2));
    sim.cut(&[0], &[1, 2]);
    sim.run(secs(10));
    sim.world().kill_daemon(1);
    sim.run(secs(3));
    sim.world().start_daemon(1);
    sim.heal();
    sim.gathers_within(secs(10));
    sim.ok(0, web, Wish::Scale(3, None));
    sim.run(secs(20));
    let report = conduct_sim::history::check(sim.world().watch().record().trace());
    assert_eq!(report.findings, []);
    assert!(report.events > 50);
}
