//! Coming, going, coming back, and not being let in.

use conduct_gossip::{
    Body, Command, DiskRecord, Header, Message, Notice, Record, Refusal, Slot, Standing, Status,
    Verdict,
};
use conduct_model::Incarnation;

use crate::net::{Net, No, Told, card, key, secs};

fn any_down(told: &Told) -> bool {
    matches!(told, Told::Verdict(Verdict::Down { .. }))
}

/// A cluster that grew from one node, all having joined by the first.
fn grown(seed: u64, count: usize) -> Net {
    let mut net = Net::new(seed);
    for no in 0..count {
        net.add(no);
    }
    net.start(0, &[]);
    net.run(100);
    net.command(0, Command::Bootstrap);
    for no in 1..count {
        net.start(no, &[0]);
    }
    net
}

fn voters(net: &Net, at: No) -> usize {
    net.machine(at)
        .voters()
        .map_or(0, |voters| voters.keys().len())
}

#[test]
fn a_cluster_grows_from_one_node_and_all_core_members_get_to_vote() {
    for seed in 0..20 {
        let mut net = grown(seed, 5);
        net.until("all see each other", 5_000, Net::is_whole);
        net.until("all vote", 20_000, |net| {
            (0..5).all(|no| voters(net, no) == 5)
        });
        net.run_checked(3_000);
        assert_eq!(net.count_told(0, any_down), 0);
    }
}

#[test]
fn fifty_nodes_join_at_once_within_fifteen_seconds() {
    let mut net = Net::settled(3, 10);
    for no in 10..60 {
        net.add(no);
    }
    net.run(3_000);
    let since = net.now;
    for no in 10..60 {
        net.start(no, &[no % 10]);
    }
    let took = net.until("all are in", 15_000, Net::is_whole);
    println!("50 joined 10 within {took} ms");
    let gone = |told: &Told| matches!(told, Told::Verdict(Verdict::Unreachable(_)));
    assert_eq!(net.count_told(since, gone), 0);
    assert_eq!(voters(&net, 0), 9);
}

#[test]
fn a_node_without_a_cluster_never_makes_one_by_itself() {
    let mut net = Net::new(1);
    for no in 0..3 {
        net.add(no);
        net.start(no, &[(no + 1) % 3]);
    }
    net.run(secs(60));
    assert!((0..3).all(|no| !net.is_free(no) && !net.machine(no).is_member()));
    net.command(1, Command::Bootstrap);
    net.until("then all join it", 10_000, Net::is_whole);
}

#[test]
fn a_cluster_that_was_stopped_altogether_forms_again_in_any_order() {
    for first in 0..5 {
        let mut net = Net::settled(first as u64, 5);
        net.run(3_000);
        let since = net.now;
        for no in 0..5 {
            net.kill(no, true);
        }
        net.run(secs(30));
        for step in 0..5 {
            net.start((first + 2 * step) % 5, &[]);
            net.run_checked(2_000);
            let free = net.up().iter().filter(|no| net.is_free(**no)).count();
            assert!(step >= 2 || free == 0, "two of five are no majority");
        }
        net.until("all are one again", 10_000, Net::is_whole);
        net.run_checked(5_000);
        assert_eq!(
            net.count_told(since, any_down),
            0,
            "{}",
            net.timeline(since)
        );
    }
}

#[test]
fn a_mass_restart_leaves_nobody_dead() {
    for seed in 0..20 {
        let mut net = Net::settled(seed, 10);
        net.run(3_000);
        for no in 0..10 {
            net.kill(no, false);
        }
        net.run(300);
        for no in 0..10 {
            let wait = net.random(400);
            net.run(wait);
            net.start(no, &[]);
        }
        let took = net.until("all are back", 10_000, Net::is_whole);
        assert!(took <= 10_000);
    }
}

#[test]
fn who_lost_its_disk_or_got_an_old_one_back_begins_a_higher_life() {
    for old in [None, Some(1)] {
        let mut net = Net::settled(4, 5);
        for _ in 0..3 {
            net.run(2_000);
            net.kill(2, false);
            net.run(500);
            net.start(2, &[]);
            net.until("it is back", 10_000, Net::is_whole);
        }
        assert_eq!(net.machine(2).incarnation().start, 4);
        net.kill(2, false);
        net.wipe(2);
        if let Some(start) = old {
            net.nodes[2]
                .disk
                .insert(Slot::Start, DiskRecord::Start(start));
        }
        net.run(4_000);
        net.start(2, &[0]);
        net.until("it is let in", 10_000, Net::is_whole);
        assert_eq!(net.machine(2).incarnation().start, 5);
    }
}

#[test]
fn a_member_that_went_down_returns_with_a_new_life_only() {
    let mut net = Net::settled(6, 5);
    net.run(3_000);
    let since = net.now;
    net.cut(&[4], &[0, 1, 2, 3]);
    net.run(secs(30));
    assert_eq!(net.status(0, 4), Some(Status::Down));
    assert_eq!(net.machine(4).incarnation().start, 1);
    net.heal();
    net.until("it is back", 5_000, Net::is_whole);
    assert_eq!(net.machine(4).incarnation().start, 2);
    let lives = net.count_told(since, |told| matches!(told, Told::Life(_)));
    assert_eq!(lives, 1, "nobody else took a new one");
    net.until("it votes again", 20_000, |net| {
        (0..5).all(|no| voters(net, no) == 5)
    });
}

#[test]
fn who_was_away_too_briefly_to_be_voted_down_keeps_its_life() {
    let mut net = Net::settled(6, 5);
    net.run(3_000);
    let since = net.now;
    net.cut(&[3, 4], &[0, 1, 2]);
    net.run(6_000);
    assert!(!net.is_free(3));
    net.heal();
    net.until("they are back", 5_000, Net::is_whole);
    net.run(secs(20));
    assert_eq!(
        net.count_told(since, |told| matches!(told, Told::Life(_))),
        0
    );
    assert_eq!(net.count_told(since, any_down), 0);
}

#[test]
fn who_leaves_gives_up_its_vote_and_is_never_missed() {
    let mut net = Net::settled(9, 5);
    net.run(3_000);
    let since = net.now;
    net.command(4, Command::Leave);
    net.until("it is gone", 10_000, |net| {
        net.told
            .iter()
            .any(|(_, no, told)| *no == 4 && matches!(told, Told::Gone))
    });
    net.run(500);
    net.kill(4, true);
    for no in 0..4 {
        assert_eq!(
            net.status(no, 4),
            Some(Status::Left),
            "{}",
            net.timeline(since)
        );
        assert_eq!(voters(&net, no), 4);
    }
    net.run_checked(secs(20));
    let missed =
        |told: &Told| any_down(told) || matches!(told, Told::Verdict(Verdict::Unreachable(_)));
    assert_eq!(net.count_told(since, missed), 0);
}

fn refused(answers: &[Body], for_this: Refusal) -> bool {
    answers
        .iter()
        .any(|body| matches!(body, Body::Refused { why, .. } if *why == for_this))
}

/// A copy of node 2's disk that starts with the given life, seen through what members answer.
fn hello_of_copy(net: &mut Net, address_of: No, life: Incarnation) -> Vec<Body> {
    let record = Record {
        key: key(2),
        incarnation: life,
        refutation: 0,
        standing: Standing::Joining,
        seat: 3,
        card: card(address_of),
    };
    let header = Header {
        start: life.start,
        tag: [0, 0],
        refutation: 0,
        standing: Standing::Joining,
        epoch: 1,
        view: [0; 4],
    };
    let body = Body::Hello {
        cluster: 7,
        record: Box::new(record),
        wants_members: true,
    };
    net.say(0, 2, Message { header, body })
}

#[test]
fn a_copy_of_a_disk_is_not_let_in_and_the_first_lives_on() {
    let mut net = Net::settled(5, 5);
    net.run(3_000);
    let since = net.now;
    let same = net.machine(2).incarnation().start;
    for (start, why) in [(same, Refusal::Clone), (same + 1, Refusal::Lingering)] {
        let answers = hello_of_copy(
            &mut net,
            77,
            Incarnation {
                start,
                nonce: 99 << 48,
            },
        );
        assert!(refused(&answers, why), "{answers:?}");
    }
    net.run(secs(5));
    let noticed = |no: No| {
        net.told.iter().any(|(at, by, told)| {
            let who = key(2);
            *at >= since
                && *by == no
                && match told {
                    Told::Notice(Notice::Clone(of)) => *of == who,
                    Told::Notice(Notice::NotAdmitted { key, .. }) => *key == who,
                    _ => false,
                }
        })
    };
    assert!(
        noticed(0) && noticed(2),
        "both know: {}",
        net.timeline(since)
    );
    assert!(net.is_whole());
    assert_eq!(net.machine(2).incarnation().start, same);
}

#[test]
fn a_restarted_daemon_is_let_in_at_once_and_a_moved_one_once_the_old_is_missed() {
    let mut net = Net::settled(5, 5);
    net.run(3_000);
    let next = net.machine(2).incarnation().start + 1;
    net.kill(2, true);
    let moved = Incarnation {
        start: next,
        nonce: 5 << 48,
    };
    let answers = hello_of_copy(&mut net, 77, moved);
    assert!(refused(&answers, Refusal::Lingering));
    net.run(4_000);
    let answers = hello_of_copy(&mut net, 77, moved);
    assert!(
        answers
            .iter()
            .any(|body| matches!(body, Body::Welcome { .. })),
        "{answers:?}"
    );
    let restarted = Incarnation {
        start: next + 1,
        nonce: 6 << 48,
    };
    let answers = hello_of_copy(&mut net, 77, restarted);
    assert!(
        answers
            .iter()
            .any(|body| matches!(body, Body::Welcome { .. })),
        "{answers:?}"
    );
}

#[test]
fn a_node_of_another_cluster_is_refused() {
    let mut net = Net::settled(5, 3);
    net.run(1_000);
    let record = Record {
        key: key(50),
        incarnation: Incarnation { start: 1, nonce: 1 },
        refutation: 0,
        standing: Standing::Joining,
        seat: 0,
        card: card(50),
    };
    let header = Header {
        start: 1,
        tag: [0, 0],
        refutation: 0,
        standing: Standing::Joining,
        epoch: 1,
        view: [0; 4],
    };
    let body = Body::Hello {
        cluster: 8,
        record: Box::new(record),
        wants_members: true,
    };
    let answers = net.say(0, 50, Message { header, body });
    assert!(refused(&answers, Refusal::OtherCluster), "{answers:?}");
    assert_eq!(net.machine(0).members_known(), 3);
}

#[test]
fn lies_about_others_are_refuted_or_never_believed() {
    let mut net = Net::settled(5, 5);
    net.run(3_000);
    let since = net.now;
    for round in 0..100 {
        for standing in [
            Standing::Suspect,
            Standing::Unreachable,
            Standing::Down,
            Standing::Left,
        ] {
            net.lie(4, 0, 2, standing, round);
        }
        net.run(200);
    }
    net.run(3_000);
    assert_eq!(
        net.count_told(since, any_down),
        0,
        "{}",
        net.timeline(since)
    );
    let left = |told: &Told| matches!(told, Told::Verdict(Verdict::Left { .. }));
    assert_eq!(net.count_told(since, left), 0);
    let life = net
        .machine(0)
        .member(&key(2))
        .map(|member| member.incarnation.start);
    assert_eq!(life, Some(1));
    net.until(
        "what was believed for a moment is refuted",
        15_000,
        Net::is_whole,
    );
}
