//! Who votes, and how that changes.

use conduct_gossip::{Card, Command, Status};
use conduct_model::NodeKey;

use crate::net::{Net, No, card, key, secs};

fn voters(net: &Net, at: No) -> Vec<NodeKey> {
    net.machine(at)
        .voters()
        .map_or(Vec::new(), |voters| voters.keys().to_vec())
}

/// Whether all daemons that run know the same voters, in force.
fn agree(net: &Net) -> bool {
    let up = net.up();
    let first = voters(net, up[0]);
    up.iter()
        .all(|no| voters(net, *no) == first && net.machine(*no).previous_voters().is_none())
}

#[test]
fn voters_are_replaced_one_by_one_until_all_are_others() {
    for seed in 0..3 {
        let mut net = Net::settled(seed, 14);
        net.run(3_000);
        for gone in 0..5 {
            net.kill(gone, true);
            net.until("another votes in its place", 60_000, |net| {
                agree(net) && {
                    let now = voters(net, net.up()[0]);
                    !now.contains(&key(gone)) && now.len() == 9
                }
            });
            net.run_checked(2_000);
        }
        assert!(net.up().iter().all(|no| net.is_free(*no)));
    }
    let mut net = Net::settled(7, 6);
    net.run(3_000);
    for no in 0..3 {
        net.command(no, Command::Leave);
        net.run_checked(secs(6));
        net.kill(no, true);
    }
    for no in 6..9 {
        net.add(no);
        net.start(no, &[5]);
    }
    net.until("the new ones vote", 30_000, |net| {
        agree(net) && voters(net, 5).len() == 6
    });
    assert!((0..3).all(|no| !voters(&net, 5).contains(&key(no))));
}

#[test]
fn nodes_that_only_run_instances_never_vote() {
    let mut net = Net::settled(2, 3);
    net.add(3);
    net.run(1_000);
    net.start(3, &[0]);
    net.command(
        3,
        Command::Change(Card {
            core: false,
            ..card(3)
        }),
    );
    net.until("it is in", 10_000, Net::is_whole);
    net.run_checked(secs(10));
    assert_eq!(voters(&net, 0).len(), 3);
}

#[test]
fn ballots_come_to_an_end_under_loss_crashes_and_slow_disks() {
    for seed in 0..15 {
        let mut net = Net::settled(seed, 7);
        net.loss = 100;
        net.disk_delay = (5, 200);
        net.run(3_000);
        for _ in 0..4 {
            let victim = net.random(7) as No;
            if net.is_up(victim) {
                net.kill(victim, true);
                net.run_checked(secs(9));
                let wait = net.random(3_000) / 100 * 100;
                net.run_checked(wait);
                net.start(victim, &[]);
            }
            net.run_checked(secs(4));
        }
        net.loss = 0;
        net.until("all vote", 40_000, |net| {
            agree(net) && voters(net, 0).len() == 7
        });
        assert!(net.up().iter().all(|no| net.is_free(*no)));
    }
}

#[test]
fn a_voter_that_is_heard_is_not_removed() {
    let mut net = Net::settled(2, 5);
    net.run(3_000);
    let epoch = net.machine(0).voters().map(|voters| voters.epoch);
    // Node 4 cannot be reached by one of the others; the rest hear it.
    net.cut(&[4], &[0]);
    net.run_checked(secs(60));
    assert_eq!(net.machine(0).voters().map(|voters| voters.epoch), epoch);
    assert_eq!(net.status(0, 4), Some(Status::Reachable));
}

#[test]
fn a_crash_in_the_middle_of_any_ballot_leaves_it_to_the_others() {
    for after in (0..400).step_by(10) {
        let mut net = Net::settled(after, 5);
        net.disk_delay = (5, 40);
        net.run(3_000);
        net.kill(4, true);
        net.until("the ballot begins", 12_000, |net| {
            net.status(net.up()[0], 4) == Some(Status::Down)
        });
        net.run(after);
        let proposer = (0..4).min_by_key(|no| key(*no)).unwrap();
        net.kill(proposer, true);
        net.run_checked(secs(20));
        net.start(proposer, &[]);
        net.start(4, &[]);
        net.until("all vote again", 60_000, |net| {
            agree(net) && voters(net, 0).len() == 5
        });
    }
}
