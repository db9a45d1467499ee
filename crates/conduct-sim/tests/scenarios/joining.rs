//! Nodes that join, return, and start all together.

use conduct_node::view::Verdict;
use conduct_sim::clients::Wish;
use conduct_sim::{Sim, bundle, millis, mins, secs};

#[test]
fn nodes_that_join_one_after_the_other_become_one_cluster() {
    let mut sim = Sim::with_seed(1).nodes(5).settled();
    assert!((0..5).all(|host| sim.opinion(host).voters.keys.len() == 5));
    let web = sim.load(bundle("web").scale(3));
    assert_eq!(sim.executions(web), 3);
}

#[test]
fn k3_a_node_that_returns_with_old_state_catches_up_before_it_serves() {
    let mut sim = Sim::with_seed(3).nodes(3).settled();
    let web = sim.load(bundle("web").scale(2));
    sim.world().power_off(2);
    sim.run(secs(20));
    sim.ok(0, web, Wish::Scale(1, None));
    sim.run(secs(20));
    let mail = sim.load(bundle("mail").scale(1));
    sim.run(mins(10));
    sim.world().power_on(2);
    sim.until(secs(10), "an end of its quarantine", |world| {
        !world.watch().checkers().opinions().of(2).quarantined
    });
    let view = sim.view(2);
    assert_eq!(view.bundles[&web].wish.map(|wish| wish.scale), Some(1));
    assert!(view.bundles.contains_key(&mail));
    sim.run(secs(10));
    assert_eq!(sim.executions(web), 1);
}

#[test]
fn k6_a_cluster_that_was_switched_off_comes_back_whole_in_any_order() {
    for (seed, order) in [[0, 1, 2], [2, 1, 0], [1, 2, 0]].into_iter().enumerate() {
        let mut sim = Sim::with_seed(seed as u64).nodes(3).settled();
        let web = sim.load(bundle("web").scale(3));
        for host in 0..3 {
            sim.world().power_off(host);
        }
        sim.run(mins(1));
        sim.world().power_on(order[0]);
        sim.run(secs(20));
        assert!(sim.is_quarantined(order[0]), "one of three is no majority");
        sim.world().power_on(order[1]);
        sim.until(secs(10), "a majority", |world| {
            let opinions = world.watch().checkers().opinions();
            !opinions.of(order[0]).quarantined && !opinions.of(order[1]).quarantined
        });
        sim.world().power_on(order[2]);
        sim.gathers_within(secs(10));
        sim.until(secs(30), "the scale", |world| {
            let live = world.truth().live().filter(|(_, real)| real.bundle == web);
            live.filter(|(_, real)| real.started.is_some()).count() == 3
        });
    }
}

#[test]
fn k7_daemons_that_are_all_restarted_again_and_again_are_never_stuck_as_dead() {
    let mut sim = Sim::with_seed(7).nodes(5).settled();
    for round in 0..6 {
        for host in 0..5 {
            sim.world().kill_daemon(host);
        }
        sim.run(millis(300 + round * 700));
        for host in 0..5 {
            sim.world().start_daemon(host);
        }
        sim.run(millis(100 + round * 300));
    }
    sim.gathers_within(secs(10));
}

#[test]
fn k8_fifty_nodes_that_join_at_once_are_all_members_soon_and_nobody_is_missed() {
    let mut sim = Sim::with_seed(8).nodes(3).settled();
    let newcomers: Vec<usize> = (0..50).map(|_| sim.joins_beside(&[0, 1, 2])).collect();
    sim.until(secs(15), "all of them", |world| {
        let opinions = world.watch().checkers().opinions();
        (0..53).all(|host| {
            let opinion = opinions.of(host);
            !opinion.quarantined
                && newcomers.iter().all(|newcomer| {
                    opinion
                        .members
                        .get(newcomer)
                        .is_some_and(|m| m.1 == Verdict::Reachable)
                })
        })
    });
    assert_eq!(sim.published("memberUnreachable"), 0);
}

#[cfg(feature = "open-findings")]
#[test]
fn a_node_that_leaves_hands_over_and_is_no_longer_a_member() {
    let mut sim = Sim::with_seed(5).nodes(5).settled();
    let web = sim.load(bundle("web").scale(3));
    let leave = sim.ask(4, web, Wish::Leave);
    sim.wait_for(leave);
    sim.run(secs(10));
    assert_eq!(sim.executions_on(&[0, 1, 2, 3], web), 3);
    assert!((0..4).all(|host| sim.opinion(host).voters.keys.len() == 4));
}
