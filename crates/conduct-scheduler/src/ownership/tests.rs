//! Voters and candidates, with every message and write in the tester's hand.

use std::collections::{BTreeMap, BTreeSet};

use conduct_model::Digest;

use super::*;
use crate::assignment::{Content, Slot, SlotId};
use crate::epoch::Version;
use crate::fuzz::Sample;
use crate::hash;

/// A few voters, and the wires between them.
struct Room {
    now: Time,
    voters: Voters,
    nodes: BTreeMap<NodeKey, Ownership>,
    disks: BTreeMap<NodeKey, BTreeMap<System, Promise>>,
    down: BTreeSet<NodeKey>,
    won: Vec<(NodeKey, Epoch)>,
    lost: Vec<NodeKey>,
    assignments: Vec<Option<Arc<Assignment>>>,
    letters: usize,
}

fn key(n: u8) -> NodeKey {
    NodeKey::from_digest(Digest::of(&[n]))
}

fn system() -> System {
    Sample::of("web", "shop").system
}

impl Room {
    fn of(count: u8) -> Room {
        let voters = Voters {
            epoch: 1,
            keys: (0..count).map(key).collect(),
        };
        let mut room = Room {
            now: Time::ZERO,
            nodes: BTreeMap::new(),
            disks: BTreeMap::new(),
            down: BTreeSet::new(),
            won: Vec::new(),
            lost: Vec::new(),
            assignments: Vec::new(),
            letters: 0,
            voters,
        };
        for node in room.voters.keys.clone() {
            room.boot(node);
        }
        room
    }

    /// Starts a node with what is on its disk.
    fn boot(&mut self, node: NodeKey) {
        self.down.remove(&node);
        let disk = self.disks.entry(node).or_default().clone();
        let ownership = Ownership::new(self.now, node, disk.into_iter().collect());
        self.nodes.insert(node, ownership);
        let voters = self.voters.clone();
        self.act(node, |o, now, effects| o.take_voters(now, voters, effects));
        self.act(node, |o, now, effects| {
            o.take_part(now, Part::Full, effects);
        });
    }

    fn want(&mut self) {
        for node in self.voters.keys.clone() {
            self.act(node, |o, now, fx| {
                o.take_need(now, &system(), (true, false), fx);
            });
        }
    }

    /// One node does something, and everything that follows happens at once.
    fn act(
        &mut self,
        node: NodeKey,
        act: impl FnOnce(&mut Ownership, Time, &mut Vec<OwnershipEffect>),
    ) {
        let mut effects = Vec::new();
        let Some(ownership) = self.nodes.get_mut(&node) else {
            return;
        };
        act(ownership, self.now, &mut effects);
        for effect in effects {
            self.carry_out(node, effect);
        }
    }

    fn carry_out(&mut self, node: NodeKey, effect: OwnershipEffect) {
        match effect {
            OwnershipEffect::Send { to, message } => {
                assert_ne!(to, node);
                self.letters += 1;
                if !self.down.contains(&to) && !self.down.contains(&node) {
                    self.act(to, |o, now, fx| o.receive(now, node, message, fx));
                }
            }
            OwnershipEffect::Persist { token, promises } => {
                for (system, promise) in promises {
                    let disk = self.disks.entry(node).or_default();
                    match promise {
                        Some(promise) => disk.insert(system, promise),
                        None => disk.remove(&system),
                    };
                }
                self.act(node, |o, now, fx| o.stored(now, token, fx));
            }
            OwnershipEffect::Won {
                epoch, assignment, ..
            } => {
                self.won.push((node, epoch));
                self.assignments.push(assignment);
            }
            OwnershipEffect::Lost { .. } => self.lost.push(node),
        }
    }

    /// Time passes; those that are up hear from each other.
    fn pass(&mut self, span: Span) {
        let end = self.now + span;
        while self.now < end {
            self.now += Span::millis(100);
            let up: Vec<NodeKey> = self
                .voters
                .keys
                .iter()
                .filter(|n| !self.down.contains(n))
                .copied()
                .collect();
            for node in &up {
                for other in up.iter().filter(|other| *other != node) {
                    let (now, other) = (self.now, *other);
                    if let Some(ownership) = self.nodes.get_mut(node) {
                        ownership.heard(now, other);
                    }
                }
            }
            for node in up {
                self.act(node, Ownership::tick);
            }
        }
    }

    fn crash(&mut self, node: NodeKey) {
        self.down.insert(node);
        self.nodes.remove(&node);
    }

    /// Everybody else notices that a node is silent, or that it is not.
    fn judge(&mut self, judged: NodeKey, answers: bool) {
        for node in self.voters.keys.clone() {
            if node != judged {
                self.act(node, |o, now, fx| {
                    o.take_verdict(now, (judged, answers), fx);
                });
            }
        }
    }

    fn holders(&self) -> Vec<NodeKey> {
        let holds = |o: &Ownership| {
            o.seats
                .get(&system())
                .is_some_and(|seat| matches!(seat.stance, Stance::Holding(_)))
        };
        self.nodes
            .iter()
            .filter(|(_, o)| holds(o))
            .map(|(node, _)| *node)
            .collect()
    }
}

/// The voters in the order in which hashing lets them try.
fn ranked(count: u8) -> Vec<NodeKey> {
    let mut nodes: Vec<NodeKey> = (0..count).map(key).collect();
    let system = hash::system(&system());
    nodes.sort_unstable_by_key(|node| std::cmp::Reverse(hash::mix(system ^ hash::node(node))));
    nodes
}

fn assignment(version: Version, numbers: &[u32]) -> Arc<Assignment> {
    let mut assignment = Assignment::empty(version);
    let bundle = Sample::of("web", "shop").bundle;
    for number in numbers {
        let content = Content::Vacant { last: key(0) };
        let slot = Slot {
            version,
            content,
            quick_ends: 0,
        };
        assignment.slots.insert(
            SlotId {
                bundle,
                number: *number,
            },
            slot,
        );
    }
    Arc::new(assignment)
}

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

// After a suspension of all, some systems are won more than once before they have settled.
#[cfg(feature = "open-findings")]
#[test]
fn claims_of_one_change_of_membership_go_out_together() {
    let mut room = Room::of(3);
    let systems: Vec<System> = (0..500)
        .map(|n| Sample::of("x", &format!("system-{n}")).system)
        .collect();
    for node in room.voters.keys.clone() {
        room.act(node, |o, now, fx| o.take_part(now, Part::Suspended, fx));
        for system in &systems {
            room.act(node, |o, now, fx| {
                o.take_need(now, system, (true, false), fx);
            });
        }
    }
    room.letters = 0;
    for node in room.voters.keys.clone() {
        room.act(node, |o, now, fx| o.take_part(now, Part::Full, fx));
    }
    room.pass(Span::secs(10));
    assert_eq!(room.won.len(), 500);
    assert!(room.letters < 100, "{} messages", room.letters);
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
