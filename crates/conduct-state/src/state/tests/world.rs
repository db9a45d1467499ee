//! A few nodes with disks, wires that lose, and an author who remembers every write that was ever
//! told: what a node must know is computed from its vector and that memory alone.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use conduct_model::{BundleId, Digest as Sha, NodeKey, RequestId, SystemName, Wall};

use crate::event::Event;
use crate::lattice::Lattice;
use crate::state::touch::Writes;
use crate::{Dot, Reading, RecordKey, State, StateError, Vector, WriterId, Written};

pub(super) const BUNDLES: u8 = 3;

pub(super) struct World {
    pub(super) nodes: Vec<State>,
    disks: Vec<BTreeMap<Vec<u8>, Vec<u8>>>,
    /// Writes on their way to each disk, with the own version that they store.
    queues: Vec<VecDeque<(u64, Writes)>>,
    history: BTreeMap<Dot, Arc<Event>>,
    drawn: u64,
    clock: u64,
}

/// One step of a script: what happens, to whom, and with what.
pub(super) type Step = (u8, u8, u8, u8);

pub(super) fn node_key(number: u8) -> NodeKey {
    NodeKey::from_digest(Sha::of(&[number]))
}

pub(super) fn bundle(number: u8) -> BundleId {
    BundleId::plain(Sha::of(&[100, number % BUNDLES]))
}

impl World {
    pub(super) fn of(nodes: u8) -> World {
        let mut world = World {
            nodes: Vec::new(),
            disks: Vec::new(),
            queues: Vec::new(),
            history: BTreeMap::new(),
            drawn: 0,
            clock: 1_000_000,
        };
        for number in 0..nodes {
            let writer = world.draw();
            let state = State::new(node_key(number), writer);
            let snapshot = state.snapshot();
            world.nodes.push(state);
            world.disks.push(BTreeMap::new());
            world.queues.push(VecDeque::new());
            world.write(usize::from(number), snapshot);
        }
        world
    }

    fn draw(&mut self) -> WriterId {
        self.drawn += 1;
        WriterId::from_u64(self.drawn.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn write(&mut self, node: usize, writes: Writes) {
        for (key, value) in writes {
            match value {
                Some(value) => self.disks[node].insert(key, value),
                None => self.disks[node].remove(&key),
            };
        }
    }

    pub(super) fn step(&mut self, (what, who, whom, how): Step) {
        let node = usize::from(who) % self.nodes.len();
        let other = usize::from(whom) % self.nodes.len();
        match what % 20 {
            0 | 1 => self.written(node, |s, clock| s.load(clock, bundle(whom), vec![how])),
            2 | 3 => self.written(node, |s, _| s.unload(bundle(whom))),
            4 | 5 => self.written(node, |s, clock| {
                s.set_scale(clock, bundle(whom), u32::from(how % 8), Vec::new())
            }),
            6 => self.written(node, |s, clock| {
                s.set_policy(clock, bundle(whom), vec![how])
            }),
            7 | 8 => self.offset(node, whom, how),
            9 => self.written(node, |s, _| {
                let version = s.version() + 1;
                s.report(1, version, vec![how])
            }),
            10 => self.assign_or_remove(node, how),
            11..=13 => self.flush(node),
            14 => {
                let applied = self.nodes[node].abandon();
                self.undone(node);
                self.queues[node].retain(|queued| queued.0 == 0);
                self.queue(node, 0, applied.writes);
            }
            15 | 16 => self.gossip(node, other, how),
            17 | 18 => self.exchange(node, other, 40 + usize::from(how) * 16),
            _ => match how % 8 {
                0 => self.restart(node),
                1 => self.renew(node),
                _ => self.exchange(node, other, 40 + usize::from(how) * 4),
            },
        }
    }

    fn written(
        &mut self,
        node: usize,
        write: impl FnOnce(&mut State, Reading) -> Result<Written, StateError>,
    ) {
        self.clock += 1;
        let clock = Reading::Own(Wall::from_millis(self.clock));
        if let Ok(written) = write(&mut self.nodes[node], clock) {
            self.remember(node, written);
        }
    }

    fn remember(&mut self, node: usize, written: Written) {
        let event = self.nodes[node]
            .pending
            .back()
            .cloned()
            .expect("a write is pending");
        assert_eq!(event.dot, written.dot);
        assert!(
            self.history.insert(written.dot, event).is_none(),
            "a version given twice"
        );
        self.queue(node, written.dot.version, written.applied.writes);
    }

    fn offset(&mut self, node: usize, whom: u8, how: u8) {
        self.clock += 1;
        let clock = Reading::Own(Wall::from_millis(self.clock));
        let request = RequestId::from_u128(u128::from(how));
        let delta = i32::from(how % 5) - 2;
        if let Ok(Some(written)) = self.nodes[node].offset(clock, bundle(whom), request, delta) {
            self.remember(node, written);
        }
    }

    fn assign_or_remove(&mut self, node: usize, how: u8) {
        let name: SystemName = ["a", "b"][usize::from(how % 2)].parse().expect("a name");
        let system = conduct_model::System {
            name: name.clone(),
            version: name,
        };
        let key = RecordKey::Assignment(system.clone());
        if how < 64 {
            if let Ok(Some(written)) = self.nodes[node].remove(&key) {
                self.remember(node, written);
            }
        } else {
            let epoch = u64::from(how / 2);
            self.written(node, |s, _| s.assign(system, epoch, 0, vec![how]));
        }
    }

    fn queue(&mut self, node: usize, version: u64, writes: Writes) {
        self.queues[node].push_back((version, writes));
    }

    pub(super) fn flush(&mut self, node: usize) {
        while let Some((version, writes)) = self.queues[node].pop_front() {
            self.write(node, writes);
            if version > 0 {
                let applied = self.nodes[node].stored(version);
                self.write(node, applied.writes);
                return;
            }
        }
    }

    fn undone(&mut self, node: usize) {
        let state = &self.nodes[node];
        let (own, version) = (state.writer(), state.version());
        self.history
            .retain(|dot, _| dot.writer != own || dot.version <= version);
    }

    /// News from one to the other, of which every third message is lost.
    fn gossip(&mut self, from: usize, to: usize, how: u8) {
        if let Some(news) = self.nodes[from].fresh(60 + usize::from(how) * 4, 3)
            && !how.is_multiple_of(3)
            && from != to
        {
            self.take(to, &news);
        }
    }

    /// One part of what the one lacks and the other has.
    pub(super) fn exchange(&mut self, from: usize, to: usize, budget: usize) {
        if from == to {
            return;
        }
        let digest = self.nodes[to].digest();
        let digest = crate::Digest::decode(&digest.encode()).expect("a digest reads back");
        if let Some(delta) = self.nodes[from]
            .delta(&digest, budget)
            .expect("nobody is outdated")
        {
            self.take(to, &delta);
        }
    }

    fn take(&mut self, to: usize, delta: &crate::Delta) {
        let applied = self.nodes[to].apply(delta).expect("an honest peer's words");
        self.queue(to, 0, applied.writes);
    }

    fn restart(&mut self, node: usize) {
        self.queues[node].clear();
        let drawn = self.draw();
        let me = self.nodes[node].node();
        let restored = State::restore(me, drawn, &self.disks[node]);
        assert_eq!(restored.damage, []);
        self.nodes[node] = restored.state;
        self.undone(node);
    }

    fn renew(&mut self, node: usize) {
        let drawn = self.draw();
        if let Ok(writes) = self.nodes[node].renew_writer(drawn) {
            self.queue(node, 0, writes);
        }
    }

    /// What whoever covers `vector` must know.
    fn known_under(&self, vector: Vector) -> Lattice {
        let mut known = Lattice {
            covered: vector,
            live: BTreeMap::new(),
        };
        let told: Vec<&Arc<Event>> = self
            .history
            .values()
            .filter(|event| known.covered.covers(event.dot))
            .collect();
        for event in &told {
            if let Some(record) = &event.record {
                known.live.insert(event.dot, Arc::clone(record));
            }
        }
        for kill in told.iter().flat_map(|event| event.kills.iter()) {
            known.live.remove(kill);
        }
        known.without_void_wishes()
    }

    pub(super) fn check(&self) {
        for state in &self.nodes {
            state.audit();
            let told = state.lattice();
            assert_eq!(told, self.known_under(told.covered.clone()), "what is told");
            let seen = self.known_under(state.vector.clone());
            let visible: Vec<Dot> = seen.live.keys().copied().collect();
            let mut sees: Vec<Dot> = state.records().map(|record| record.dot()).collect();
            sees.sort_unstable();
            assert_eq!(sees, visible, "what is seen");
        }
        for (one, other) in self.nodes.iter().zip(self.nodes.iter().skip(1)) {
            if one.summary().vector == other.summary().vector {
                assert_eq!(
                    one.summary(),
                    other.summary(),
                    "equal vectors, other records"
                );
            }
        }
    }

    /// Lets everyone hear everything.
    pub(super) fn settle(&mut self) {
        for node in 0..self.nodes.len() {
            while !self.queues[node].is_empty() {
                self.flush(node);
            }
        }
        for _ in 0..2 {
            for from in 0..self.nodes.len() {
                for to in 0..self.nodes.len() {
                    for _ in 0..100 {
                        self.exchange(from, to, 100_000);
                    }
                }
            }
        }
    }
}
