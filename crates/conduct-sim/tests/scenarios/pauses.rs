//! Daemons and machines that stand still.

use conduct_sim::clients::Wish;
use conduct_sim::machine::Pause;
use conduct_sim::{Sim, bundle, hours, millis, mins, secs};

#[test]
fn c1_a_daemon_that_stands_still_for_a_second_now_and_then_is_not_missed() {
    let mut sim = Sim::with_seed(1).nodes(5).settled();
    for _ in 0..20 {
        sim.freeze(3, millis(900));
        sim.run(secs(15));
    }
    assert_eq!(sim.published("memberUnreachable"), 0);
}

#[test]
fn c2_a_daemon_that_stands_still_for_three_seconds_costs_no_start_and_no_stop() {
    let mut sim = Sim::with_seed(2).nodes(3).settled();
    let web = sim.load(bundle("web").scale(3));
    sim.freeze(2, secs(3));
    sim.gathers_within(secs(2));
    sim.run(mins(1));
    assert_eq!(sim.forks(web), 3);
    assert_eq!(sim.executions(web), 3);
}

#[test]
fn c3_a_daemon_that_wakes_after_half_a_minute_fences_itself_first_and_nothing_is_left_over() {
    let mut sim = Sim::with_seed(3).nodes(3).settled();
    let web = sim.load(bundle("web").scale(3).per_node(2));
    sim.world().pause(2, Pause::Daemon);
    sim.run(secs(16));
    assert_eq!(sim.processes_on(&[2], web), 0, "its leases have run out");
    sim.until(secs(6), "the replacement", |world| {
        let live = world.truth().live().filter(|(_, real)| real.bundle == web);
        live.filter(|(_, real)| real.started.is_some()).count() == 3
    });
    sim.run(secs(8));
    sim.world().resume(2);
    sim.run(millis(20));
    assert!(
        sim.is_quarantined(2),
        "it judges and accepts nothing before it has synced"
    );
    sim.gathers_within(secs(5));
    sim.run(secs(10));
    assert_eq!(sim.executions(web), 3);
}

#[cfg(feature = "open-findings")]
#[test]
fn c4_a_daemon_that_wakes_after_five_minutes_brings_nothing_back_that_was_unloaded() {
    let mut sim = Sim::with_seed(4).nodes(3).settled();
    let web = sim.load(bundle("web").scale(2));
    sim.world().pause(2, Pause::Daemon);
    sim.run(secs(20));
    sim.ok(0, web, Wish::Scale(0, None));
    sim.run(secs(15));
    sim.ok(0, web, Wish::Unload);
    sim.run(mins(4));
    sim.world().resume(2);
    sim.gathers_within(secs(5));
    sim.run(secs(5));
    for host in 0..3 {
        assert!(!sim.view(host).bundles.contains_key(&web), "n{host}");
    }
}

#[test]
fn c5_nodes_that_are_all_suspended_at_once_declare_nobody_down() {
    let mut sim = Sim::with_seed(5).nodes(5).settled();
    for host in 0..5 {
        sim.world().pause(host, Pause::Machine);
    }
    sim.run(mins(1));
    for host in 0..5 {
        sim.world().resume(host);
    }
    sim.gathers_within(secs(10));
    assert_eq!(sim.published("memberDown"), 0);
}

#[test]
fn c6_a_disk_that_stalls_delays_commands_and_no_heartbeats() {
    let mut sim = Sim::with_seed(6).nodes(3).settled();
    let web = sim.load(bundle("web").scale(1));
    for host in 0..3 {
        sim.world().stall_disk(host, secs(5));
    }
    let scale = sim.ask(0, web, Wish::Scale(2, None));
    sim.run(secs(4));
    assert_eq!(
        sim.outcome(scale),
        conduct_sim::clients::Outcome::Open,
        "no ack without a sync"
    );
    assert_eq!(sim.published("memberUnreachable"), 0);
    assert_eq!(sim.wait_for(scale), conduct_sim::clients::Outcome::Ok);
}

#[test]
fn a_night_of_sleep_changes_nothing() {
    let mut sim = Sim::with_seed(9).nodes(3).settled();
    let web = sim.load(bundle("web").scale(2));
    for host in 0..3 {
        sim.world().pause(host, Pause::Machine);
    }
    sim.run(hours(8));
    for host in 0..3 {
        sim.world().resume(host);
    }
    sim.gathers_within(secs(10));
    sim.until(secs(30), "both", |world| {
        let live = world.truth().live().filter(|(_, real)| real.bundle == web);
        live.filter(|(_, real)| real.started.is_some()).count() == 2
    });
}
