//! Voters and candidates, with every message and write in the tester's hand.

mod holding;
mod numbers;
mod promises;

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
                system,
                epoch,
                assignment,
            } => {
                self.won.push((node, epoch));
                self.assignments.push(assignment);
                self.write(&system, epoch);
            }
            OwnershipEffect::Lost { .. } => self.lost.push(node),
        }
    }

    /// An owner writes what it decided first, and everybody who is up learns of it.
    fn write(&mut self, system: &System, epoch: Epoch) {
        let written = assignment(Version { epoch, sequence: 1 }, &[]);
        for node in self.voters.keys.clone() {
            let written = written.clone();
            self.act(node, |o, now, fx| o.observe(now, system, written, fx));
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
