//! Cuts of every shape.

use conduct_sim::clients::{Outcome, Wish};
use conduct_sim::{Sim, bundle, hours, millis, mins, secs};

#[cfg(feature = "open-findings")]
#[test]
fn a_cut_off_minority_gives_up_its_executions_and_the_majority_replaces_them() {
    let mut sim = Sim::with_seed(7).nodes(5).settled();
    let web = sim.load(bundle("web").scale(4).per_node(2));

    sim.cut(&[0, 1], &[2, 3, 4]);
    sim.run(secs(16));
    assert_eq!(sim.processes_on(&[0, 1], web), 0);
    assert_eq!(sim.executions_on(&[2, 3, 4], web), 4);
}

#[cfg(feature = "open-findings")]
#[test]
fn d1_one_of_three_that_is_cut_off_refuses_and_stops_and_the_others_go_on() {
    for seed in 0..4 {
        let mut sim = Sim::with_seed(seed).nodes(3).settled();
        let web = sim.load(bundle("web").scale(3).per_node(2));
        sim.cut(&[2], &[0, 1]);
        sim.until(secs(4), "its quarantine", |world| {
            world.watch().checkers().opinions().of(2).quarantined
        });
        sim.run(secs(4));
        let scale = sim.ok(0, web, Wish::Scale(2, None));
        assert_eq!(sim.outcome(scale), Outcome::Ok);
        sim.run(secs(52));
        assert_eq!(sim.processes_on(&[2], web), 0);
        sim.heal();
        sim.gathers_within(secs(5));
        sim.run(secs(10));
        assert_eq!(sim.executions(web), 2);
    }
}

#[test]
fn d2_both_of_a_minority_of_two_know_that_they_are_one() {
    for seed in 0..4 {
        let mut sim = Sim::with_seed(seed).nodes(5).settled();
        sim.cut(&[3, 4], &[0, 1, 2]);
        sim.until(secs(4), "both in quarantine", |world| {
            [3, 4]
                .iter()
                .all(|host| world.watch().checkers().opinions().of(*host).quarantined)
        });
        sim.run(secs(20));
        assert!((0..3).all(|host| !sim.is_quarantined(host)));
        sim.heal();
        sim.gathers_within(secs(5));
    }
}

#[test]
fn d3_of_two_that_are_cut_apart_the_one_with_the_lowest_id_goes_on() {
    let mut sim = Sim::with_seed(3).nodes(2).settled();
    sim.cut(&[0], &[1]);
    sim.run(secs(5));
    assert!(!sim.is_quarantined(0) && sim.is_quarantined(1));
    sim.heal();
    sim.gathers_within(secs(5));
}

#[test]
fn d4_three_single_nodes_accept_nothing_and_come_together_by_themselves() {
    let mut sim = Sim::with_seed(4).nodes(3).settled();
    let web = sim.load(bundle("web").scale(3));
    let kept = sim.load(bundle("mail").scale(3).kept_in_quarantine());
    sim.cut(&[0], &[1, 2]);
    sim.cut(&[1], &[2]);
    sim.until(secs(4), "all in quarantine", |world| {
        (0..3).all(|host| world.watch().checkers().opinions().of(host).quarantined)
    });
    let refused = sim.ask(1, web, Wish::Scale(1, None));
    sim.run(secs(12));
    assert_ne!(sim.outcome(refused), Outcome::Ok);
    assert_eq!(sim.processes_on(&[0, 1, 2], web), 0);
    assert_eq!(
        sim.processes_on(&[0, 1, 2], kept),
        3,
        "as its bundle asked for"
    );
    sim.heal();
    sim.gathers_within(secs(5));
}

#[test]
fn d5_of_two_halves_the_one_with_the_lowest_id_goes_on() {
    let mut sim = Sim::with_seed(5).nodes(4).settled();
    sim.cut(&[0, 3], &[1, 2]);
    sim.run(secs(6));
    assert!(!sim.is_quarantined(0) && !sim.is_quarantined(3));
    assert!(sim.is_quarantined(1) && sim.is_quarantined(2));
}

#[test]
fn d6_one_of_ten_knows_within_four_seconds_that_it_is_alone() {
    for seed in 0..3 {
        let mut sim = Sim::with_seed(seed).nodes(10).settled();
        let others: Vec<usize> = (0..9).collect();
        sim.cut(&[9], &others);
        sim.until(secs(4), "its quarantine", |world| {
            world.watch().checkers().opinions().of(9).quarantined
        });
    }
}

#[test]
fn d7_a_node_that_one_other_cannot_hear_is_reached_by_way_of_a_third() {
    let mut sim = Sim::with_seed(7).nodes(4).settled();
    let web = sim.load(bundle("web").scale(4));
    sim.world().cut_one_way(&[0], &[1]);
    sim.run(mins(2));
    assert_eq!(sim.published("memberDown"), 0);
    assert!(sim.published("memberUnreachable") <= 2);
    assert_eq!(sim.forks(web), 4);
}

#[test]
fn d8_two_nodes_that_hear_each_other_only_through_a_third_stay_members_and_in_sync() {
    let mut sim = Sim::with_seed(8).nodes(3).settled();
    let web = sim.load(bundle("web").scale(3));
    sim.cut(&[1], &[2]);
    sim.run(mins(3));
    assert_eq!(sim.published("memberDown"), 0);
    sim.ok(1, web, Wish::Scale(2, None));
    sim.until(secs(10), "the news on the far side", |world| {
        let view = world.view(2).expect("it runs");
        view.bundles[&web].wish.is_some_and(|wish| wish.scale == 2)
    });
    assert_eq!(sim.forks(web), 3, "nothing was restarted");
}

#[test]
fn d9_where_everyone_sees_another_majority_nobody_is_down_and_news_gets_around() {
    let mut sim = Sim::with_seed(9).nodes(5).settled();
    for host in 0..5 {
        sim.cut(&[host], &[(host + 2) % 5]);
    }
    let web = sim.publish(bundle("web"));
    sim.run(secs(10));
    assert_eq!(sim.published("memberDown"), 0);
    assert!((0..5).all(|host| !sim.is_quarantined(host)));
    sim.ok(0, web, Wish::Load);
    sim.until(secs(10), "the news everywhere", |world| {
        (0..5).all(|host| {
            world
                .watch()
                .checkers()
                .opinions()
                .of(host)
                .bundles
                .contains(&web)
        })
    });
}

#[test]
fn d10_a_node_that_flaps_every_second_moves_at_most_two_instances() {
    let mut sim = Sim::with_seed(10).nodes(3).settled();
    let web = sim.load(bundle("web").scale(3).per_node(2));
    for _ in 0..60 {
        sim.cut(&[2], &[0, 1]);
        sim.run(secs(1));
        sim.heal();
        sim.run(secs(1));
    }
    assert!(sim.forks(web) <= 5, "{} starts", sim.forks(web));
    sim.gathers_within(secs(15));
}

#[test]
fn d11_a_node_that_flaps_slowly_costs_a_move_a_cycle_at_most() {
    let mut sim = Sim::with_seed(11).nodes(3).settled();
    let web = sim.load(bundle("web").scale(3).per_node(2));
    for _ in 0..10 {
        sim.cut(&[2], &[0, 1]);
        sim.run(secs(10));
        sim.heal();
        sim.run(secs(10));
    }
    assert!(sim.forks(web) <= 3 + 10, "{} starts", sim.forks(web));
}

#[test]
fn d12_a_command_that_is_cut_anywhere_on_its_way_happened_or_did_not_and_once() {
    for step in 0..40 {
        let mut sim = Sim::with_seed(12).nodes(3).settled();
        let web = sim.load(bundle("web").scale(1));
        let offset = sim.ask(1, web, Wish::Offset(1));
        sim.run(millis(step));
        sim.cut(&[1], &[0, 2]);
        sim.run(secs(6));
        sim.heal();
        sim.gathers_within(secs(10));
        let outcome = sim.wait_for(offset);
        sim.run(secs(15));
        let scale = sim.view(0).bundles[&web].wish.map(|wish| wish.scale);
        match outcome {
            Outcome::Ok => assert_eq!(scale, Some(2), "cut after {step} ms"),
            Outcome::Refused(_) => assert_eq!(scale, Some(1), "cut after {step} ms"),
            _ => assert!(
                matches!(scale, Some(1 | 2)),
                "cut after {step} ms: {scale:?}"
            ),
        }
    }
}

#[cfg(feature = "open-findings")]
#[test]
fn d13_however_members_come_and_go_during_a_cut_there_are_never_two_majorities() {
    // Every cut of up to five nodes, with somebody joining or dying on either side.
    for nodes in 2..=5 {
        for side in 1..(1_usize << nodes) - 1 {
            for joins_here in [true, false] {
                let mut sim = Sim::with_seed((nodes * 100 + side) as u64)
                    .nodes(nodes)
                    .settled();
                let (here, there): (Vec<usize>, Vec<usize>) =
                    (0..nodes).partition(|host| side >> host & 1 == 1);
                let web = sim.load(bundle("web"));
                sim.cut(&here, &there);
                let near = if joins_here { &here } else { &there };
                let newcomer = sim.joins_beside(near);
                let far = if joins_here { &there } else { &here };
                sim.cut(&[newcomer], far);
                sim.run(secs(8));
                sim.world().kill_daemon(near[0]);
                for host in (0..nodes).filter(|host| *host != near[0]) {
                    sim.ask(host, web, Wish::Offset(1));
                }
                sim.run(secs(6));
                sim.world().start_daemon(near[0]);
                sim.heal();
                sim.run(secs(6));
            }
        }
    }
}

#[test]
fn d14_after_most_have_crashed_the_rest_refuse_until_enough_are_back() {
    let mut sim = Sim::with_seed(14).nodes(5).settled();
    let web = sim.load(bundle("web").scale(5));
    for host in 2..5 {
        sim.world().power_off(host);
    }
    sim.run(secs(5));
    assert!(sim.is_quarantined(0) && sim.is_quarantined(1));
    assert_eq!(
        sim.executions_on(&[0, 1], web),
        2,
        "they serve until their leases end"
    );
    for host in 2..5 {
        sim.world().power_on(host);
    }
    sim.gathers_within(secs(10));
    sim.until(secs(20), "all five", |world| {
        let live = world.truth().live().filter(|(_, real)| real.bundle == web);
        live.filter(|(_, real)| real.started.is_some()).count() == 5
    });
}

#[test]
fn d15_a_node_that_was_cut_off_for_more_than_a_day_brings_nothing_back() {
    let mut sim = Sim::with_seed(15).nodes(3).settled();
    let web = sim.load(bundle("web").scale(1));
    let mail = sim.load(bundle("mail").scale(1));
    sim.cut(&[2], &[0, 1]);
    sim.run(secs(20));
    sim.ok(0, web, Wish::Scale(0, None));
    sim.run(secs(20));
    sim.ok(0, web, Wish::Unload);
    sim.sleeps(hours(25));
    sim.run(secs(20));
    sim.heal();
    sim.gathers_within(secs(5));
    sim.run(secs(10));
    for host in 0..3 {
        let bundles = sim.view(host).bundles;
        assert!(
            !bundles.contains_key(&web) && bundles.contains_key(&mail),
            "n{host}"
        );
    }
}

#[test]
fn d18_links_that_clog_and_clear_in_any_order_leave_all_in_agreement() {
    let mut sim = Sim::with_seed(18).nodes(5).settled();
    let web = sim.load(bundle("web").scale(3));
    for (from, to) in [(0, 1), (3, 2), (4, 0), (1, 4)] {
        sim.world().clog(&[from], &[to], true);
        sim.run(millis(700));
    }
    sim.ok(2, web, Wish::Scale(2, None));
    for (from, to) in [(4, 0), (0, 1), (1, 4), (3, 2)] {
        sim.world().clog(&[from], &[to], false);
        sim.run(millis(900));
    }
    sim.gathers_within(secs(5));
    sim.run(secs(15));
    assert_eq!(sim.executions(web), 2);
}

#[cfg(feature = "open-findings")]
#[test]
fn d19_a_heal_while_leases_are_ending_instances_kills_nothing_more() {
    let mut sim = Sim::with_seed(19).nodes(3).settled();
    let web = sim.load(bundle("web").scale(3));
    sim.cut(&[2], &[0, 1]);
    sim.run(secs(12) + millis(500));
    sim.heal();
    sim.gathers_within(secs(5));
    sim.run(secs(20));
    assert_eq!(sim.executions(web), 3);
    assert_eq!(sim.processes_on(&[0, 1, 2], web), 3);
}
