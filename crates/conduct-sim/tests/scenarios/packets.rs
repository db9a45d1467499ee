//! Packets that are lost, doubled, late, changed, or sent by somebody else.

use conduct_sim::clients::Wish;
use conduct_sim::engine::PerMillion;
use conduct_sim::network::Conditions;
use conduct_sim::{Sim, bundle, millis, mins, secs};

#[test]
fn e1_with_a_packet_in_twenty_lost_nobody_is_called_down() {
    let mut sim = Sim::with_seed(1).nodes(5).settled();
    sim.world()
        .set_conditions(Conditions::losing(PerMillion::percent(5)));
    sim.run(mins(30));
    assert_eq!(sim.published("memberDown"), 0);
    assert!(sim.published("memberUnreachable") <= 1);
}

#[test]
fn e2_with_a_packet_in_five_lost_the_dead_are_still_noticed_and_the_living_are_not_buried() {
    let mut sim = Sim::with_seed(2).nodes(5).settled();
    sim.world()
        .set_conditions(Conditions::losing(PerMillion::percent(20)));
    sim.run(mins(10));
    assert_eq!(sim.published("memberDown"), 0);
    sim.world().power_off(4);
    sim.until(secs(4), "four who call it unreachable", |world| {
        let opinions = world.watch().checkers().opinions();
        (0..4).all(|host| {
            opinions
                .of(host)
                .members
                .get(&4)
                .is_some_and(|(_, verdict)| *verdict != conduct_node::view::Verdict::Reachable)
        })
    });
}

#[test]
fn e3_with_every_second_packet_lost_nothing_breaks_and_it_passes() {
    let mut sim = Sim::with_seed(3).nodes(3).settled();
    let web = sim.load(bundle("web").scale(2));
    sim.world()
        .set_conditions(Conditions::losing(PerMillion::percent(50)));
    sim.run(mins(2));
    sim.heal();
    sim.gathers_within(secs(10));
    sim.until(secs(30), "both", |world| {
        let live = world.truth().live().filter(|(_, real)| real.bundle == web);
        live.filter(|(_, real)| real.started.is_some()).count() == 2
    });
}

#[test]
fn e4_a_network_that_takes_fifty_milliseconds_declares_nobody_down() {
    let mut sim = Sim::with_seed(4).nodes(3).settled();
    let slow = Conditions {
        latency: millis(15),
        jitter: millis(20),
        ..Conditions::LAN
    };
    sim.world().set_conditions(slow);
    sim.run(mins(10));
    assert_eq!(sim.published("memberDown"), 0);
}

#[test]
fn e5_doubled_and_reordered_packets_change_nothing_in_the_end() {
    let final_state = |conditions: Conditions| {
        let mut sim = Sim::with_seed(5).nodes(3).settled();
        sim.world().set_conditions(conditions);
        let web = sim.load(bundle("web").scale(2));
        sim.ok(1, web, Wish::Offset(1));
        sim.ok(2, web, Wish::Scale(1, None));
        sim.ok(0, web, Wish::Offset(1));
        sim.run(secs(20));
        let view = sim.view(0);
        (
            view.bundles[&web].wish.map(|wish| wish.scale),
            view.bundles[&web].executions.len(),
        )
    };
    let messy = Conditions {
        duplicates: PerMillion::percent(50),
        reorders: PerMillion::percent(50),
        reorder_by: secs(2),
        ..Conditions::LAN
    };
    assert_eq!(final_state(Conditions::LAN), final_state(messy));
}

#[test]
fn e6_flipped_bits_never_get_past_the_seal() {
    let mut sim = Sim::with_seed(6).nodes(3).settled();
    let web = sim.load(bundle("web").scale(2));
    let flipping = Conditions {
        corrupts: PerMillion(10_000),
        ..Conditions::LAN
    };
    sim.world().set_conditions(flipping);
    sim.run(mins(3));
    assert!(sim.world().watch().refused_packets() > 10);
    sim.heal();
    sim.gathers_within(secs(5));
    assert_eq!(sim.executions(web), 2);
}

#[cfg(feature = "open-findings")]
#[test]
fn e7_packets_that_are_sent_again_after_a_second_or_a_restart_change_nothing() {
    let mut sim = Sim::with_seed(7).nodes(3).settled();
    let web = sim.load(bundle("web").scale(2));
    sim.world().attack(true);
    for host in [0, 1, 2] {
        sim.run(mins(1));
        sim.world().kill_daemon(host);
        sim.run(secs(2));
        sim.world().start_daemon(host);
        sim.run(secs(10));
    }
    assert!(sim.world().watch().refused_packets() > 100);
    sim.world().attack(false);
    sim.gathers_within(secs(5));
    assert_eq!(sim.executions(web), 2);
}
