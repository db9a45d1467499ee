//! Who holds a system, from when, and until when.

use super::*;

#[test]
fn the_voter_that_hashing_names_owns_a_new_system_at_once() {
    for count in 1..=5 {
        let mut room = Room::of(count);
        room.want();
        assert_eq!(room.holders(), [ranked(count)[0]], "{count} voters");
        assert_eq!(room.won[0].1.number, 1);
    }
}

#[test]
fn a_living_holder_is_displaced_by_nobody() {
    let mut room = Room::of(3);
    let first = ranked(3)[0];
    room.voters.keys.remove(&first);
    room.nodes.remove(&first);
    for node in room.voters.keys.clone() {
        room.boot(node);
    }
    room.want();
    let holder = room.holders()[0];
    room.voters = Voters {
        epoch: 2,
        keys: (0..3).map(key).collect(),
    };
    let voters = room.voters.clone();
    for node in [ranked(3)[1], ranked(3)[2]] {
        let voters = voters.clone();
        room.act(node, |o, now, fx| o.take_voters(now, voters, fx));
    }
    room.boot(first);
    room.pass(Span::secs(1));
    room.want();
    room.pass(Span::secs(10));
    assert_eq!(room.holders(), [holder]);
    assert!(room.lost.is_empty());
}

#[test]
fn a_holder_that_falls_silent_is_replaced_after_three_seconds_and_not_before() {
    let mut room = Room::of(3);
    room.want();
    let order = ranked(3);
    room.pass(Span::secs(5));
    room.crash(order[0]);
    room.judge(order[0], false);
    room.pass(Span::millis(2_900));
    assert_eq!(room.holders(), []);
    room.pass(Span::millis(400));
    assert_eq!(room.holders(), [order[1]]);
    assert_eq!(room.won.last().map(|(_, epoch)| epoch.number), Some(2));
}

#[test]
fn a_holder_that_restarts_takes_back_what_it_held_at_once() {
    let mut room = Room::of(3);
    room.want();
    let holder = ranked(3)[0];
    room.pass(Span::secs(5));
    room.crash(holder);
    room.boot(holder);
    room.act(holder, |o, now, fx| {
        o.take_need(now, &system(), (true, false), fx);
    });
    assert_eq!(room.holders(), [holder]);
    assert_eq!(room.won.last().map(|(_, epoch)| epoch.number), Some(2));
}

#[test]
fn who_leaves_releases_and_another_owns_at_once() {
    let mut room = Room::of(3);
    room.want();
    let order = ranked(3);
    room.pass(Span::secs(5));
    room.act(order[0], |o, now, fx| o.take_part(now, Part::Retired, fx));
    room.pass(Span::millis(100));
    assert_eq!(room.lost, [order[0]]);
    // Hashing still names the one that left, for it answers: the next waits for its turn.
    room.pass(Ownership::STAGGER);
    assert_eq!(room.holders(), [order[1]]);
}

#[test]
fn without_a_quorum_nobody_owns_and_when_it_is_back_one_does() {
    let mut room = Room::of(3);
    let order = ranked(3);
    for node in &order[1..] {
        room.crash(*node);
        room.judge(*node, false);
    }
    room.want();
    room.pass(Span::secs(30));
    assert_eq!(room.holders(), []);
    room.boot(order[2]);
    room.judge(order[2], true);
    room.want();
    room.pass(Span::secs(10));
    assert_eq!(room.holders().len(), 1);
}

#[test]
fn a_node_that_cannot_read_a_system_leaves_it_to_the_next() {
    let mut room = Room::of(3);
    let order = ranked(3);
    room.act(order[0], |o, now, fx| {
        o.take_need(now, &system(), (true, true), fx);
    });
    for node in &order[1..] {
        room.act(*node, |o, now, fx| {
            o.take_need(now, &system(), (true, false), fx);
        });
    }
    room.pass(Span::secs(5));
    assert_eq!(room.holders(), [order[1]]);
}

/// Three voters of which none may decide, and many systems.
fn suspended(systems: &[System]) -> Room {
    let mut room = Room::of(3);
    for node in room.voters.keys.clone() {
        room.act(node, |o, now, fx| o.take_part(now, Part::Suspended, fx));
        for system in systems {
            room.act(node, |o, now, fx| {
                o.take_need(now, system, (true, false), fx);
            });
        }
    }
    room
}

fn many() -> Vec<System> {
    (0..500)
        .map(|n| Sample::of("x", &format!("system-{n}")).system)
        .collect()
}

/// All voters may decide again, at moments that are as far apart as verdicts usually are.
fn resume(room: &mut Room, apart: Span) {
    for node in room.voters.keys.clone() {
        room.act(node, |o, now, fx| o.take_part(now, Part::Full, fx));
        room.pass(apart);
    }
}

#[test]
fn claims_of_one_change_of_membership_go_out_together() {
    for apart in [Span::ZERO, Span::millis(300), Span::secs(1)] {
        let systems = many();
        let mut room = suspended(&systems);
        room.letters = 0;
        resume(&mut room, apart);
        room.pass(Span::secs(20));
        assert_eq!(room.won.len(), 500, "{apart} apart");
        assert!(room.letters < 100, "{} messages", room.letters);
    }
}

#[test]
fn after_all_were_suspended_every_holder_takes_back_what_it_held_and_nothing_else() {
    for apart in [Span::ZERO, Span::millis(300), Span::secs(1)] {
        let systems = many();
        let mut room = suspended(&systems);
        resume(&mut room, Span::ZERO);
        room.pass(Span::secs(20));
        let held: BTreeSet<(NodeKey, u64)> = holdings(&room);
        assert_eq!(held.len(), 500);
        for node in room.voters.keys.clone() {
            room.act(node, |o, now, fx| o.take_part(now, Part::Suspended, fx));
        }
        assert!(holdings(&room).is_empty());
        room.pass(Span::secs(10));
        room.won.clear();
        resume(&mut room, apart);
        room.pass(Span::secs(20));
        assert_eq!(room.won.len(), 500, "{apart} apart");
        assert_eq!(holdings(&room), held, "{apart} apart");
    }
}

/// Who holds what, by the hash of the system.
fn holdings(room: &Room) -> BTreeSet<(NodeKey, u64)> {
    let held = |(node, o): (&NodeKey, &Ownership)| {
        let held = o.seats.values();
        let held = held.filter(|seat| matches!(seat.stance, Stance::Holding(_)));
        held.map(|seat| (*node, seat.hash)).collect::<Vec<_>>()
    };
    room.nodes.iter().flat_map(held).collect()
}

/// Its claimant gave up, and its release got lost: nobody may wait for it for ever.
#[test]
fn a_promise_of_which_nothing_ever_came_is_doubted_after_a_while() {
    let mut room = Room::of(3);
    let order = ranked(3);
    let promised = Epoch {
        number: 1,
        owner: order[1],
    };
    for node in [order[0], order[2]] {
        let claims = crate::message::Claims {
            voters: 1,
            claims: vec![crate::message::Claim {
                system: system(),
                epoch: promised,
                known: None,
            }],
        };
        room.act(node, |o, now, fx| {
            o.receive(now, order[1], Message::Claims(claims), fx);
            o.take_need(now, &system(), (true, false), fx);
        });
    }
    room.pass(Ownership::PROOF_SPAN_MAX.less(Span::millis(200)));
    assert_eq!(room.holders(), []);
    room.pass(Span::secs(5));
    assert_eq!(room.holders(), [order[0]]);
}

#[test]
fn quarantine_gives_nothing_up_but_decides_nothing() {
    let mut room = Room::of(3);
    room.want();
    let holder = ranked(3)[0];
    room.act(holder, |o, now, fx| o.take_part(now, Part::Suspended, fx));
    assert_eq!(
        (room.holders(), room.lost.as_slice()),
        (vec![], &[holder][..])
    );
    room.pass(Span::secs(1));
    room.act(holder, |o, now, fx| o.take_part(now, Part::Full, fx));
    assert_eq!(room.holders(), [holder]);
}

#[test]
fn a_forgotten_system_leaves_nothing_in_memory_or_on_disk() {
    let mut room = Room::of(3);
    room.want();
    for node in room.voters.keys.clone() {
        room.act(node, |o, now, fx| {
            o.take_need(now, &system(), (false, false), fx);
        });
        room.act(node, |o, _, fx| o.forget(&system(), fx));
    }
    room.pass(Span::secs(5));
    assert!(
        room.nodes
            .values()
            .all(|o| o.seats.is_empty() && o.due.is_empty())
    );
    assert!(
        room.disks.values().all(BTreeMap::is_empty),
        "{:?}",
        room.disks
    );
    room.want();
    room.pass(Span::secs(5));
    assert_eq!(room.holders().len(), 1);
}

/// What is given up is noted on no disk but that of whoever promised it, so voters that restart
/// may take the last holder for the present one, and refuse everybody else.
#[test]
fn a_system_that_was_given_up_is_owned_again_although_most_voters_forgot_that_it_was() {
    let mut room = Room::of(5);
    // It is not the one that comes first when all want it.
    let order = ranked(5);
    let holder = order[4];
    room.act(holder, |o, now, fx| {
        o.take_need(now, &system(), (true, false), fx);
    });
    room.pass(Span::secs(10));
    assert_eq!(room.holders(), [holder]);
    room.act(holder, |o, now, fx| {
        o.take_need(now, &system(), (false, false), fx);
    });
    room.pass(Span::secs(5));
    assert_eq!(room.holders(), []);
    let written = assignment(
        Version {
            epoch: room.won[0].1,
            sequence: 2,
        },
        &[],
    );
    for node in &order[1..4] {
        room.crash(*node);
        room.disks.entry(*node).or_default().clear();
        room.boot(*node);
        let written = written.clone();
        room.act(*node, |o, now, fx| o.observe(now, &system(), written, fx));
    }
    room.pass(Span::secs(5));
    room.want();
    room.pass(Span::secs(30));
    assert_eq!(room.holders().len(), 1);
}
