//! What a promise binds, and what it tells.

use super::*;

#[test]
fn a_new_owner_begins_with_the_latest_that_a_quorum_knew() {
    let mut room = Room::of(3);
    let order = ranked(3);
    room.want();
    let epoch = room.won[0].1;
    let old = assignment(Version { epoch, sequence: 1 }, &[0]);
    let new = assignment(Version { epoch, sequence: 2 }, &[0, 1]);
    room.act(order[1], |o, now, fx| o.observe(now, &system(), old, fx));
    room.act(order[2], |o, now, fx| {
        o.observe(now, &system(), new.clone(), fx);
    });
    room.pass(Span::secs(5));
    room.crash(order[0]);
    room.judge(order[0], false);
    room.pass(Span::secs(4));
    assert_eq!(room.holders(), [order[1]]);
    assert_eq!(room.assignments.last().unwrap().as_ref(), Some(&new));
}

#[test]
fn nothing_of_an_earlier_epoch_is_confirmed_after_a_promise() {
    let mut room = Room::of(3);
    room.want();
    let (first, order) = (room.won[0].1, ranked(3));
    room.pass(Span::secs(5));
    room.crash(order[0]);
    room.judge(order[0], false);
    room.pass(Span::secs(4));
    let second = room.won[1].1;
    for node in &order[1..] {
        assert!(!room.nodes[node].may_confirm(&system(), first));
        assert!(room.nodes[node].may_confirm(&system(), second));
    }
    // Nor after a restart of the voter.
    room.crash(order[2]);
    room.boot(order[2]);
    assert!(!room.nodes[&order[2]].may_confirm(&system(), first));
}

#[test]
fn a_promise_is_told_only_when_it_is_on_disk() {
    let (me, other) = (key(0), key(1));
    let mut voter = Ownership::new(Time::ZERO, me, Vec::new());
    let mut effects = Vec::new();
    let voters = Voters {
        epoch: 1,
        keys: [me, other].into(),
    };
    voter.take_voters(Time::ZERO, voters, &mut effects);
    let epoch = Epoch {
        number: 1,
        owner: other,
    };
    let claim = crate::message::Claim {
        system: system(),
        epoch,
        known: None,
    };
    let claims = crate::message::Claims {
        voters: 1,
        claims: vec![claim],
    };
    voter.receive(Time::ZERO, other, Message::Claims(claims), &mut effects);
    let [OwnershipEffect::Persist { token, promises }] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    assert_eq!(
        promises,
        &[(
            system(),
            Some(Promise {
                epoch,
                released: false
            })
        )]
    );
    let token = *token;
    effects.clear();
    voter.stored(Time::ZERO, token, &mut effects);
    assert!(matches!(
        effects.as_slice(),
        [OwnershipEffect::Send {
            message: Message::Votes(_),
            ..
        }]
    ));
}

#[test]
fn nobody_claims_or_releases_in_another_name() {
    let mut room = Room::of(3);
    room.want();
    let order = ranked(3);
    let epoch = Epoch {
        number: 9,
        owner: order[1],
    };
    let claim = crate::message::Claim {
        system: system(),
        epoch,
        known: None,
    };
    let claims = crate::message::Claims {
        voters: 1,
        claims: vec![claim],
    };
    let held = room.won[0].1;
    room.act(order[0], |o, now, fx| {
        o.receive(now, order[2], Message::Claims(claims), fx);
    });
    room.act(order[1], |o, now, fx| {
        o.receive(now, order[2], Message::Releases(vec![(system(), held)]), fx);
    });
    assert_eq!(room.nodes[&order[1]].holder(&system()), Some(order[0]));
    assert_eq!(room.holders(), [order[0]]);
}
