//! Who notices what, how soon, and what is never noticed because it did not happen.

use conduct_gossip::{Notice, Status, Verdict};

use crate::net::{Net, No, Told, key, percentile, secs};

fn is_unreachable(of: No) -> impl Fn(&Told) -> bool {
    move |told| matches!(told, Told::Verdict(Verdict::Unreachable(who)) if *who == key(of))
}

fn is_down(of: No) -> impl Fn(&Told) -> bool {
    move |told| matches!(told, Told::Verdict(Verdict::Down { key: who, .. }) if *who == key(of))
}

fn any_unreachable(told: &Told) -> bool {
    matches!(told, Told::Verdict(Verdict::Unreachable(_)))
}

fn any_down(told: &Told) -> bool {
    matches!(told, Told::Verdict(Verdict::Down { .. }))
}

/// How long it takes until all others say *unreachable* and *down*: ninety-nine of a hundred.
fn silent_death(count: usize, seeds: std::ops::Range<u64>, loss: u64) -> (u64, u64) {
    let (mut unreachable, mut down) = (Vec::new(), Vec::new());
    for seed in seeds {
        let mut net = Net::settled(seed, count);
        net.loss = loss;
        let victim = net.random(count as u64 - 1) as No + 1;
        // The lowest of two must live, or nobody is left to judge.
        let victim = if count == 2 {
            usize::from(key(0) < key(1))
        } else {
            victim
        };
        // Whoever is probed back by its neighbours must have probed them first.
        let settle = if count > 20 { 12_000 } else { 3_000 } + net.random(1_000);
        net.run(settle);
        let since = net.now;
        net.kill(victim, true);
        net.run(secs(14));
        let rest = net.up();
        let first = |is_it: &dyn Fn(&Told) -> bool| {
            net.all_told(since, &rest, is_it).unwrap_or_else(|| {
                panic!("seed {seed}: not noticed by all\n{}", net.timeline(since))
            })
        };
        unreachable.push(first(&is_unreachable(victim)));
        down.push(first(&is_down(victim)));
    }
    (percentile(&mut unreachable, 99), percentile(&mut down, 99))
}

#[test]
fn a_silent_death_is_noticed_within_three_seconds_and_final_within_eight() {
    for count in 2..=10 {
        let (unreachable, down) = silent_death(count, 0..200, 0);
        println!("{count} nodes: unreachable {unreachable} ms, down {down} ms");
        assert!(unreachable <= 3_000, "{count} nodes: {unreachable}");
        assert!(down <= 8_000, "{count} nodes: {down}");
    }
}

#[test]
fn in_larger_clusters_it_takes_a_little_longer() {
    let (unreachable, down) = silent_death(100, 0..20, 0);
    println!("100 nodes: unreachable {unreachable} ms, down {down} ms");
    assert!(
        unreachable <= 4_500 && down <= 10_000,
        "{unreachable} {down}"
    );
}

#[test]
fn a_fifth_of_all_packets_lost_hides_no_death() {
    for count in [3, 5, 10] {
        let (unreachable, down) = silent_death(count, 0..60, 200);
        println!("{count} nodes, 20 % loss: unreachable {unreachable} ms, down {down} ms");
        assert!(unreachable <= 4_000, "{count} nodes: {unreachable}");
    }
}

/// False verdicts in so many node-hours: unreachable, down, quarantines.
fn false_verdicts(count: usize, hours: u64, loss: u64) -> (usize, usize, usize) {
    let mut net = Net::settled(hours ^ loss, count);
    net.loss = loss;
    net.run(secs(hours * 3_600 / count as u64));
    let quarantines = net.count_told(1, |told| matches!(told, Told::Quarantined(_)));
    (
        net.count_told(1, any_unreachable),
        net.count_told(1, any_down),
        quarantines,
    )
}

#[test]
fn lost_packets_are_not_taken_for_lost_nodes() {
    for count in [3, 5, 10] {
        let (unreachable, down, quarantines) = false_verdicts(count, 10, 50);
        println!("{count} nodes, 5 % loss: {unreachable} {down} {quarantines}");
        assert_eq!((unreachable, down, quarantines), (0, 0, 0), "{count} nodes");
        let (unreachable, down, quarantines) = false_verdicts(count, 5, 200);
        println!("{count} nodes, 20 % loss: {unreachable} {down} {quarantines}");
        assert_eq!(down, 0, "{count} nodes");
    }
}

#[test]
fn a_slow_network_is_no_dead_one() {
    let mut net = Net::settled(1, 5);
    net.delay = (30, 70);
    net.run(secs(600));
    assert_eq!(net.count_told(1, any_unreachable), 0);
    let mut net = Net::settled(1, 5);
    net.delay = (450, 550);
    net.run(secs(60));
    assert_eq!(net.count_told(1, any_down), 0);
    let slow = |told: &Told| matches!(told, Told::Notice(Notice::SlowNetwork));
    assert!(
        net.count_told(1, slow) > 0,
        "the profile does not fit, and that is said"
    );
}

#[test]
fn the_kernels_hint_makes_a_restart_of_a_death_and_the_wait_longer() {
    let mut net = Net::settled(5, 5);
    net.run(3_000);
    let since = net.now;
    net.kill(3, false);
    let restarting = |told: &Told| matches!(told, Told::Verdict(Verdict::Restarting(_)));
    net.run(secs(14));
    let rest = net.up();
    let noticed = net.all_told(since, &rest, restarting).expect("all noticed");
    assert!(noticed <= 1_500, "{noticed}");
    assert_eq!(net.count_told(since, any_down), 0);
    net.run(secs(4));
    let down = net
        .all_told(since, &rest, is_down(3))
        .expect("all know by now");
    assert!((15_000..17_000).contains(&down), "{down}");
}

#[test]
fn a_daemon_that_is_back_in_time_was_never_gone() {
    let mut net = Net::settled(6, 5);
    net.run(3_000);
    let since = net.now;
    net.kill(3, false);
    net.run(secs(7));
    net.start(3, &[]);
    net.until("all see it again", 3_000, Net::is_whole);
    net.run(secs(20));
    assert_eq!(net.count_told(since, any_down), 0);
    let adopted = |told: &Told| {
        matches!(
            told,
            Told::Verdict(Verdict::Joined {
                replaces: Some(_),
                ..
            })
        )
    };
    assert_eq!(net.count_told(since, adopted), 4);
}

#[test]
fn a_daemon_that_stops_says_so_and_is_waited_for() {
    let mut net = Net::settled(8, 5);
    net.run(3_000);
    let since = net.now;
    net.command(2, conduct_gossip::Command::Stop);
    net.run(500);
    net.kill(2, true);
    net.run(secs(12));
    assert_eq!(net.count_told(since, any_down), 0);
    assert_eq!(net.status(0, 2), Some(Status::Restarting));
    net.run(secs(5));
    assert_eq!(net.status(0, 2), Some(Status::Down));
}

#[test]
fn a_pause_of_a_second_every_minute_is_not_noticed() {
    let mut net = Net::settled(9, 5);
    for minute in 0..60 {
        net.run(secs(59));
        let pause = 500 + net.random(500);
        net.pause(minute % 5, pause);
        net.run(secs(1));
    }
    assert_eq!(net.count_told(1, any_unreachable), 0, "{}", net.timeline(1));
}

#[test]
fn a_pause_of_three_seconds_takes_nobody_down() {
    for seed in 0..30 {
        let mut net = Net::settled(seed, 5);
        net.run(3_000);
        net.pause(2, 3_000);
        net.run(3_000);
        let back = net.until("all are back", 2_000, Net::is_whole);
        assert!(back <= 2_000);
        net.run(secs(20));
        assert_eq!(net.count_told(1, any_down), 0);
    }
}

#[test]
fn a_node_that_slept_half_a_minute_quarantines_itself_before_anything_else() {
    let mut net = Net::settled(4, 5);
    net.run(3_000);
    let since = net.now;
    net.pause(1, 30_000);
    net.run(30_000);
    assert_eq!(net.status(0, 1), Some(Status::Down));
    let woken = net.now;
    net.until("it has begun another life", 5_000, Net::is_whole);
    let first = net
        .told
        .iter()
        .find(|(at, no, _)| *at >= woken && *no == 1)
        .expect("it spoke");
    assert!(
        matches!(first.2, Told::Notice(Notice::Paused(_))),
        "{first:?}"
    );
    let judged = |told: &Told| any_down(told) || any_unreachable(told);
    assert_eq!(
        net.told
            .iter()
            .filter(|(_, no, told)| *no == 1 && judged(told))
            .count(),
        0
    );
    let lives = net
        .told
        .iter()
        .filter(|(at, no, told)| *at >= since && *no == 1 && matches!(told, Told::Life(_)));
    assert_eq!(
        lives.count(),
        1,
        "one new life, since a quorum voted the old one down"
    );
}

#[test]
fn when_all_sleep_together_nobody_is_judged() {
    for seed in 0..20 {
        let mut net = Net::settled(seed, 5);
        net.run(3_000);
        for no in 0..5 {
            let pause = 60_000 + net.random(300);
            net.pause(no, pause);
        }
        net.run(60_300);
        net.until("all are back", 5_000, Net::is_whole);
        net.run(secs(10));
        assert_eq!(net.count_told(1, any_down), 0, "{}", net.timeline(1));
    }
}

#[test]
fn a_thousand_nodes_notice_within_six_seconds() {
    let (unreachable, down) = silent_death(1_000, 0..1, 10);
    println!("1000 nodes: unreachable {unreachable} ms, down {down} ms");
    assert!(
        unreachable <= 6_000 && down <= 12_000,
        "{unreachable} {down}"
    );
}
