//! Cuts of every shape: who goes on, who stands back, and how all find together again.

use conduct_gossip::{Command, Status, Verdict};

use crate::net::{Net, No, Told, key, percentile, secs};

fn all(count: usize) -> Vec<No> {
    (0..count).collect()
}

fn quarantined(told: &Told) -> bool {
    matches!(told, Told::Quarantined(_))
}

fn any_down(told: &Told) -> bool {
    matches!(told, Told::Verdict(Verdict::Down { .. }))
}

/// The nodes by their keys: the lowest decides ties.
fn by_key(count: usize) -> Vec<No> {
    let mut nodes = all(count);
    nodes.sort_by_key(|no| key(*no));
    nodes
}

/// Cuts a settled cluster; gives back when the last of `minority` was quarantined, and how long
/// after the heal all were one again.
fn cut_and_heal(seed: u64, count: usize, minority: &[No], span: u64) -> (u64, u64) {
    let mut net = Net::settled(seed, count);
    let settle = 3_000 + net.random(1_000);
    net.run(settle);
    let since = net.now;
    let majority: Vec<No> = all(count)
        .into_iter()
        .filter(|no| !minority.contains(no))
        .collect();
    net.cut(minority, &majority);
    net.run_checked(span);
    let late = net
        .all_told(since, minority, quarantined)
        .expect("the minority stands back");
    for no in &majority {
        assert!(net.is_free(*no), "{}", net.timeline(since));
        let stood_back = net
            .told
            .iter()
            .any(|(at, by, told)| *at >= since && by == no && quarantined(told));
        assert!(
            !stood_back,
            "the majority goes on: {no}\n{}",
            net.timeline(since)
        );
    }
    net.heal();
    let healed = net.until("all are one again", 20_000, Net::is_whole);
    net.run_checked(2_000);
    (late, healed)
}

#[test]
fn a_minority_stands_back_within_four_seconds_and_is_back_five_after_the_heal() {
    for (count, minority) in [(3, 1), (5, 2), (7, 3), (10, 1), (10, 4)] {
        for span in [6_000, 30_000] {
            let (mut late, mut healed) = (Vec::new(), Vec::new());
            for seed in 0..40 {
                let cut: Vec<No> = by_key(count).into_iter().rev().take(minority).collect();
                let (one, two) = cut_and_heal(seed, count, &cut, span);
                late.push(one);
                healed.push(two);
            }
            let (late, healed) = (percentile(&mut late, 99), percentile(&mut healed, 99));
            println!("{minority} of {count} for {span} ms: {late} ms, healed {healed} ms");
            assert!(late <= 4_000 && healed <= 5_000, "{late} {healed}");
        }
    }
}

#[test]
fn of_two_halves_the_one_with_the_lowest_key_goes_on() {
    for count in [2, 4, 6] {
        for seed in 0..20 {
            let nodes = by_key(count);
            let (late, healed) = cut_and_heal(seed, count, &nodes[count / 2..], 12_000);
            assert!(late <= 4_000 && healed <= 5_000, "{count}: {late} {healed}");
        }
    }
}

#[test]
fn of_three_single_nodes_none_goes_on_and_all_return_by_themselves() {
    for seed in 0..40 {
        let mut net = Net::settled(seed, 3);
        net.run(3_000);
        let since = net.now;
        net.cut(&[0], &[1, 2]);
        net.cut(&[1], &[2]);
        net.run_checked(20_000);
        assert!(
            net.all_told(since, &all(3), quarantined)
                .expect("all stand back")
                <= 4_000
        );
        assert_eq!(net.count_told(since, any_down), 0, "nobody could judge");
        net.heal();
        assert!(net.until("all are back", 10_000, Net::is_whole) <= 5_000);
        let lives = net.count_told(since, |told| matches!(told, Told::Life(_)));
        assert_eq!(
            lives, 0,
            "nobody was voted down, so nobody begins another life"
        );
    }
}

#[test]
fn one_of_a_hundred_notices_that_it_is_alone() {
    let mut late = Vec::new();
    for seed in 0..6 {
        for victim in [2, 50] {
            let (one, healed) = cut_and_heal(seed, 100, &[victim], 12_000);
            late.push(one);
            assert!(healed <= 8_000, "{healed}");
        }
    }
    println!("one of 100: {late:?}");
    assert!(percentile(&mut late, 99) <= 4_000);
}

#[test]
fn who_is_heard_but_does_not_hear_is_reached_by_another_way() {
    let mut net = Net::settled(2, 5);
    net.run(3_000);
    let since = net.now;
    net.cut_way(0, 1);
    net.run_checked(secs(120));
    let away = |told: &Told| matches!(told, Told::Verdict(Verdict::Unreachable(_)));
    assert!(
        net.count_told(since, away) <= 5,
        "one flap at most\n{}",
        net.timeline(since)
    );
    assert_eq!(net.count_told(since, any_down), 0);
    assert!(net.is_whole());
}

#[test]
fn two_that_only_a_third_can_reach_stay_members() {
    for count in [3, 5] {
        let mut net = Net::settled(3, count);
        net.run(3_000);
        let since = net.now;
        net.cut(&[1], &[2]);
        net.run_checked(secs(600));
        assert_eq!(
            net.count_told(since, any_down),
            0,
            "{}",
            net.timeline(since)
        );
        assert_eq!(
            net.count_told(since, quarantined),
            0,
            "{}",
            net.timeline(since)
        );
        assert!(net.is_whole());
    }
}

#[test]
fn in_a_ring_of_overlapping_majorities_nobody_is_lost() {
    let mut net = Net::settled(4, 5);
    net.run(3_000);
    let since = net.now;
    for no in 0..5 {
        net.cut(&[no], &[(no + 2) % 5]);
    }
    net.run_checked(secs(120));
    assert_eq!(
        net.count_told(since, any_down),
        0,
        "{}",
        net.timeline(since)
    );
    assert_eq!(
        net.count_told(since, quarantined),
        0,
        "{}",
        net.timeline(since)
    );
    assert!(net.is_whole());
}

#[test]
fn a_member_that_comes_and_goes_every_second_moves_nothing() {
    for seed in 0..10 {
        let mut net = Net::settled(seed, 5);
        net.run(3_000);
        let since = net.now;
        for _ in 0..60 {
            net.cut(&[4], &[0, 1, 2, 3]);
            net.run_checked(1_000);
            net.heal();
            net.run_checked(1_000);
        }
        assert_eq!(
            net.count_told(since, any_down),
            0,
            "{}",
            net.timeline(since)
        );
        let told = net
            .told
            .iter()
            .filter(|(at, no, told)| *at >= since && *no == 0 && matches!(told, Told::Verdict(_)));
        let told = told.count();
        assert!(told <= 30, "{told} verdicts");
        net.until("all are one again", 12_000, Net::is_whole);
    }
}

#[test]
fn a_member_that_comes_and_goes_every_ten_seconds_goes_down_once_a_cycle_at_most() {
    let mut net = Net::settled(1, 5);
    net.run(3_000);
    let since = net.now;
    for _ in 0..30 {
        net.cut(&[4], &[0, 1, 2, 3]);
        net.run_checked(10_000);
        net.heal();
        net.run_checked(10_000);
    }
    let downs = net
        .told
        .iter()
        .filter(|(at, no, told)| *at >= since && *no == 0 && any_down(told));
    assert!(downs.count() <= 30);
    net.until("all are one again", 12_000, Net::is_whole);
}

#[test]
fn when_most_crash_the_rest_stands_back_until_enough_return_or_an_operator_decides() {
    let mut net = Net::settled(7, 5);
    net.run(3_000);
    let since = net.now;
    for no in [2, 3, 4] {
        net.kill(no, true);
    }
    net.run_checked(20_000);
    assert!(
        net.all_told(since, &[0, 1], quarantined)
            .expect("they stand back")
            <= 4_000
    );
    net.start(2, &[]);
    net.until("three of five are enough", 5_000, |net| {
        [0, 1, 2].iter().all(|no| net.is_free(*no))
    });
    net.kill(2, true);
    net.run_checked(10_000);
    assert!(!net.is_free(0));
    net.command(0, Command::ForceMajority(vec![key(0), key(1)]));
    net.until("the declared ones go on", 5_000, |net| {
        net.is_free(0) && net.is_free(1)
    });
    for no in [2, 3, 4] {
        net.start(no, &[]);
    }
    net.until("who returns follows them", 15_000, Net::is_whole);
    net.until("and votes again", 30_000, |net| {
        net.machine(0).voters().unwrap().keys().len() == 5
    });
}

/// What happens to the membership around a cut.
#[derive(Clone, Copy, Debug)]
enum Change {
    Join { near: No },
    Leave(No),
    Kill(No),
}

/// Every cut in two of up to five nodes, with every change of membership on either side, before,
/// during and well into the cut.
#[test]
fn changes_of_membership_during_a_cut_never_make_two_majorities() {
    let mut runs = 0;
    for count in 2..=5 {
        for side in 1..1_usize << (count - 1) {
            let mut changes: Vec<Change> = (0..count).map(Change::Kill).collect();
            changes.extend((0..count).map(Change::Leave));
            changes.extend([0, count - 1].map(|near| Change::Join { near }));
            for change in changes {
                for when in [0, 1_500, 9_000] {
                    change_during_cut(count, side, change, when);
                    runs += 1;
                }
            }
        }
    }
    println!("{runs} cuts");
}

fn change_during_cut(count: usize, side: usize, change: Change, when: u64) {
    let mut net = Net::settled((side * 7 + count) as u64, count);
    net.add(count);
    net.run(1_500);
    let (one, two): (Vec<No>, Vec<No>) = all(count).into_iter().partition(|no| side & 1 << no != 0);
    let newcomer_with = |near: No| {
        if one.contains(&near) {
            two.clone()
        } else {
            one.clone()
        }
    };
    if when > 0 {
        net.cut(&one, &two);
    }
    net.run_checked(when);
    match change {
        Change::Join { near } => {
            if when > 0 {
                net.cut(&[count], &newcomer_with(near));
            }
            net.start(count, &[near]);
        }
        Change::Leave(no) => net.command(no, Command::Leave),
        Change::Kill(no) => net.kill(no, true),
    }
    if when == 0 {
        net.run_checked(200);
        net.cut(&one, &two);
        if let Change::Join { near } = change {
            net.cut(&[count], &newcomer_with(near));
        }
    }
    net.run_checked(16_000);
    net.heal();
    net.run_checked(4_000);
}

#[test]
fn a_cut_of_sixty_from_two_hundred_heals_within_eight_seconds() {
    let count = 200;
    let mut net = Net::settled(1, count);
    net.run(12_000);
    let since = net.now;
    let minority: Vec<No> = (140..count).collect();
    net.cut(&minority, &all(140));
    net.run(12_000);
    let late = net
        .all_told(since, &minority, quarantined)
        .expect("the minority stands back");
    assert!(late <= 4_000, "{late}");
    assert!(
        all(140).into_iter().all(|no| net.is_free(no)),
        "the majority goes on"
    );
    net.heal();
    let healed = net.until("all are one again", 60_000, |net| {
        net.now.is_multiple_of(250) && net.is_whole()
    });
    println!("60 of 200: stood back after {late} ms, healed after {healed} ms");
    assert!(healed <= 8_000, "{healed}");
    assert_eq!(net.status(0, count - 1), Some(Status::Reachable));
}
