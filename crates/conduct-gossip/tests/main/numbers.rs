//! Peers that name the highest numbers there are.

use conduct_gossip::{
    Ballot, Body, Command, Header, Message, Notice, Record, Refusal, Register, Short, Standing,
    Update,
};
use conduct_model::Incarnation;

use crate::net::{Net, No, Told, card, key};

/// What a member says with its own header.
fn said_by(net: &Net, no: No, body: Body) -> Message {
    let machine = net.machine(no);
    let own = machine.incarnation();
    let tag = own.nonce.to_be_bytes();
    let header = Header {
        start: own.start,
        tag: [tag[0], tag[1]],
        refutation: machine.refutation(),
        standing: Standing::Alive,
        epoch: machine.voters().map_or(0, |voters| voters.epoch),
        view: machine.view(),
    };
    Message { header, body }
}

fn record(no: No, start: u64) -> Record {
    Record {
        key: key(no),
        incarnation: Incarnation { start, nonce: 1 },
        refutation: 0,
        standing: Standing::Alive,
        seat: 3,
        card: card(no),
    }
}

fn full(record: Record) -> Body {
    let updates = vec![Update::Full(Box::new(record))];
    Body::Gossip { updates }
}

fn ballot(round: u32, proposer: No) -> Ballot {
    let proposer = key(proposer);
    Ballot { round, proposer }
}

/// Everything with a number in it that node 4 could say to node 0 about itself or node 2.
fn lies() -> Vec<(&'static str, Body)> {
    let voters = |epoch| Register::new(7, epoch, (0..5).map(key).collect());
    let worn = Record {
        refutation: u32::MAX,
        ..record(2, 1)
    };
    let seated = Record {
        seat: u32::MAX,
        ..record(2, 1)
    };
    let brief = Update::Brief {
        member: Short::of(&key(2)),
        start: 1,
        refutation: u32::MAX,
        standing: Standing::Unreachable,
    };
    let hello = Body::Hello {
        cluster: 7,
        record: Box::new(record(4, u64::MAX)),
        wants_members: false,
    };
    vec![
        ("a start", full(record(2, u64::MAX))),
        ("a start far ahead", full(record(2, 1 << 30))),
        ("a start of a stranger", full(record(60, 1 << 30))),
        ("a refutation", full(worn)),
        ("a seat", full(seated)),
        (
            "a refutation in brief",
            Body::Gossip {
                updates: vec![brief],
            },
        ),
        (
            "records",
            Body::Records {
                records: vec![record(2, u64::MAX - 1)],
                groups: 0,
            },
        ),
        ("an own start", hello),
        (
            "an epoch",
            Body::Voters {
                register: voters(u64::MAX),
                previous: None,
            },
        ),
        (
            "an epoch before the last",
            Body::Voters {
                register: voters(u64::MAX - 1),
                previous: Some(voters(u64::MAX)),
            },
        ),
        (
            "an epoch far ahead",
            Body::Voters {
                register: voters(1 << 40),
                previous: None,
            },
        ),
        (
            "a round to promise",
            Body::Prepare {
                epoch: 2,
                ballot: ballot(u32::MAX, 4),
            },
        ),
        (
            "a round to accept",
            Body::Accept {
                ballot: ballot(u32::MAX, 4),
                register: voters(2),
            },
        ),
        (
            "a round that was promised",
            Body::Declined {
                epoch: 2,
                ballot: ballot(1, 0),
                promised: Some(ballot(u32::MAX, 4)),
            },
        ),
        (
            "a refutation of the listener",
            Body::Accused {
                refutation: u32::MAX,
            },
        ),
    ]
}

#[test]
fn a_number_beyond_its_bound_is_refused_and_counted_and_changes_nothing() {
    for (what, body) in lies() {
        let mut net = Net::settled(11, 5);
        net.run(2_000);
        let (since, before) = (net.now, net.machine(0).members().collect::<Vec<_>>());
        let voters = net.machine(0).voters().cloned();
        let message = said_by(&net, 4, body);
        net.say(0, 4, message);
        assert_eq!(net.machine(0).refused_claims(), 1, "{what}");
        let forged =
            |told: &Told| matches!(told, Told::Notice(Notice::Forged(by)) if *by == key(4));
        assert_eq!(net.count_told(since, forged), 1, "{what}");
        assert_eq!(net.machine(0).voters().cloned(), voters, "{what}");
        assert!(net.machine(0).members().eq(before), "{what}");
        assert_eq!(net.machine(0).refutation(), 0, "{what}");
    }
}

#[test]
fn an_epoch_in_a_header_is_refused_and_does_not_count_as_stored() {
    let mut net = Net::settled(12, 5);
    net.run(2_000);
    let mut message = said_by(&net, 4, Body::Alarm);
    message.header.epoch = u64::MAX;
    net.say(0, 4, message);
    assert_eq!(net.machine(0).refused_claims(), 1);
    net.run_checked(2_000);
    assert!(net.is_whole());
}

/// Whatever one member says to all the others, they go on counting: a life begins after the last
/// one, another takes the place of a voter that is lost.
#[test]
fn a_cluster_counts_on_after_a_peer_named_the_highest_numbers() {
    let mut net = Net::settled(13, 6);
    net.run(2_000);
    for round in 0..20 {
        for to in (0..6).filter(|to| *to != 4) {
            for (_, body) in lies() {
                let message = said_by(&net, 4, body);
                net.say(to, 4, message);
            }
        }
        net.run_checked(100 + round);
    }
    net.kill(2, false);
    net.start(2, &[0]);
    net.until("the one that was lied about is back", 10_000, Net::is_whole);
    assert_eq!(net.machine(0).member(&key(2)).unwrap().incarnation.start, 2);
    net.kill(5, true);
    net.until("the lost one votes no more", 30_000, |net| {
        let voters = net.machine(0).voters().unwrap();
        !voters.contains(&key(5)) && net.machine(0).previous_voters().is_none()
    });
    assert_eq!(net.machine(0).voters().unwrap().epoch, 2);
}

/// A node whose disk is new learns from others how often it lived. One of them names a number
/// that would leave none for later.
#[test]
fn a_newcomer_gets_in_though_one_says_that_all_its_lives_are_over() {
    let mut net = Net::settled(14, 4);
    net.add(4);
    net.run(2_000);
    net.start(4, &[0]);
    for _ in 0..60 {
        net.run(1);
        let own = net.machine(4).incarnation();
        let tag = own.nonce.to_be_bytes();
        let why = Refusal::Superseded { start: u64::MAX };
        let body = Body::Refused {
            start: own.start,
            tag: [tag[0], tag[1]],
            why,
        };
        let message = said_by(&net, 3, body);
        net.say(4, 3, message);
    }
    let refused = net.machine(4).refused_claims();
    assert!(
        refused > 0,
        "it was lied to while it greeted or as a member"
    );
    net.until("it is in", 10_000, Net::is_whole);
    assert!(net.machine(4).incarnation().start <= (refused + 1) << 20);
    net.kill(4, false);
    net.start(4, &[1]);
    net.until("and again", 10_000, Net::is_whole);
    net.command(4, Command::Leave);
    net.run_checked(6_000);
}
