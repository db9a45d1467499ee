//! Voters that name the highest numbers there are.

use super::*;
use crate::message::{Answer, Claim, Claims, Vote, Votes};

fn epoch(number: u64, owner: NodeKey) -> Epoch {
    Epoch { number, owner }
}

fn claim(epoch: Epoch) -> Message {
    let claims = vec![Claim {
        system: system(),
        epoch,
        known: None,
    }];
    Message::Claims(Claims { voters: 1, claims })
}

fn vote(epoch: Epoch, answer: Answer) -> Message {
    let votes = vec![Vote {
        system: system(),
        epoch,
        answer,
    }];
    Message::Votes(Votes { voters: 1, votes })
}

#[test]
fn a_claim_that_leaves_no_number_for_later_is_refused_and_counted() {
    let mut room = Room::of(3);
    room.want();
    let order = ranked(3);
    let held = room.won[0].1;
    for number in [
        u64::MAX,
        Epoch::NUMBER_MAX,
        held.number + Epoch::JUMP_MAX + 1,
    ] {
        let before = room.nodes[&order[1]].refused();
        room.act(order[1], |o, now, fx| {
            o.receive(now, order[2], claim(epoch(number, order[2])), fx);
        });
        assert_eq!(room.nodes[&order[1]].refused(), before + 1, "{number}");
        assert_eq!(room.nodes[&order[1]].highest(&system()), Some(held));
    }
}

/// One voter has believed lies, and without its word nobody can own.
#[test]
fn a_number_that_one_voter_believed_keeps_nobody_from_owning() {
    for lies in [1, 2, 5] {
        for step in [Epoch::FOLLOW_MAX, Epoch::FOLLOW_MAX + 1, Epoch::JUMP_MAX] {
            let mut room = Room::of(3);
            let order = ranked(3);
            let liar = order[1];
            for lie in 1..=lies {
                room.act(order[2], |o, now, fx| {
                    o.receive(now, liar, claim(epoch(lie * step, liar)), fx);
                });
            }
            room.crash(liar);
            room.judge(liar, false);
            room.want();
            room.pass(Span::secs(60));
            assert_eq!(room.holders().len(), 1, "{lies} lies of {step}");
        }
    }
}

#[test]
fn a_refusal_cannot_send_a_candidate_away_for_ever() {
    let mut room = Room::of(3);
    let order = ranked(3);
    for node in &order[1..] {
        room.crash(*node);
    }
    room.want();
    let answer = Answer::Refused {
        highest: epoch(u64::MAX, order[1]),
        wait: Span::millis(u64::MAX),
    };
    for node in &order[1..] {
        let claimed = epoch(1, order[0]);
        room.act(order[0], |o, now, fx| {
            o.receive(now, *node, vote(claimed, answer.clone()), fx);
        });
    }
    assert_eq!(room.nodes[&order[0]].refused(), 2);
    let highest = room.nodes[&order[0]].highest(&system()).unwrap();
    assert!(highest.number <= 2 * Epoch::FOLLOW_MAX);
    for node in &order[1..] {
        room.boot(*node);
    }
    room.pass(Ownership::HOLDER_SPAN + Span::secs(2));
    assert_eq!(room.holders(), [order[0]]);
}

#[test]
fn a_promise_with_an_assignment_from_the_future_is_no_promise() {
    let mut room = Room::of(3);
    let order = ranked(3);
    for node in &order[1..] {
        room.crash(*node);
    }
    room.want();
    let claimed = epoch(1, order[0]);
    for version in [
        Version {
            epoch: epoch(u64::MAX, order[1]),
            sequence: 1,
        },
        Version {
            epoch: claimed,
            sequence: u64::MAX,
        },
    ] {
        let latest = Some(assignment(version, &[0]));
        let answer = Answer::Promised { latest };
        room.act(order[0], |o, now, fx| {
            o.receive(now, order[1], vote(claimed, answer), fx);
        });
    }
    assert_eq!(room.nodes[&order[0]].refused(), 2);
    assert_eq!(room.holders(), []);
}

/// A host may have believed a lie. Its owner gets above that in a few steps.
#[test]
fn what_a_host_says_of_a_later_owner_takes_the_present_one_only_so_far() {
    let mut room = Room::of(3);
    room.want();
    let order = ranked(3);
    let mut before = room.won[0].1.number;
    for lie in [u64::MAX, 3 * Epoch::JUMP_MAX] {
        room.act(order[0], |o, now, fx| {
            o.outvoted(now, &system(), epoch(lie, order[2]), fx);
        });
        room.pass(Span::secs(5));
        assert_eq!(room.holders(), [order[0]], "{lie}");
        let after = room.won.last().unwrap().1.number;
        assert!(after > before && after - before <= Epoch::FOLLOW_MAX + 1);
        before = after;
    }
    assert_eq!(room.nodes[&order[0]].refused(), 2);
}
