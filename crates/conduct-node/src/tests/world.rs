//! What surrounds a node in these tests: its disk, its hands, its archives.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use conduct_model::{BundleId, Digest, InstanceId, NodeKey, Now, RequestId, Time, Wall};

use crate::Node;
use crate::command::{ClientHandle, Reply};
use crate::config::Config;
use crate::event::Event;
use crate::runtime::{Adopted, Ports};

/// Keys and values of one write.
type Writes = Vec<(Bytes, Option<Bytes>)>;

/// One machine, with or without a daemon on it.
pub(super) struct Machine {
    pub(super) config: Config,
    pub(super) node: Option<Node>,
    pub(super) lives: u64,
    pub(super) disk: BTreeMap<Bytes, Bytes>,
    /// A disk that takes its time for ever.
    pub(super) stalled: bool,
    /// A disk that refuses.
    pub(super) failing: bool,
    /// Writes that are not synced.
    pub(super) unsynced: Vec<(u64, Writes)>,
    pub(super) hands: BTreeMap<InstanceId, Hand>,
    pub(super) archives: BTreeMap<Digest, u64>,
    pub(super) links: BTreeSet<NodeKey>,
    pub(super) kept: BTreeSet<NodeKey>,
    pub(super) armed: Option<Time>,
    pub(super) replies: BTreeMap<ClientHandle, (RequestId, Reply)>,
    pub(super) events: Vec<Event>,
    pub(super) ended: Option<crate::effect::End>,
    /// How many orders it was given, by kind.
    pub(super) fetched: u32,
    pub(super) deleted: Vec<Digest>,
}

/// An instance on a machine.
pub(super) struct Hand {
    pub(super) bundle: BundleId,
    pub(super) stage: HandStage,
    pub(super) seeds: usize,
    pub(super) ports: BTreeMap<String, Ports>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum HandStage {
    Prepared,
    Starting,
    Running,
}

impl Machine {
    pub(super) fn new(config: Config) -> Machine {
        Machine {
            config,
            node: None,
            lives: 0,
            disk: BTreeMap::new(),
            stalled: false,
            failing: false,
            unsynced: Vec::new(),
            hands: BTreeMap::new(),
            archives: BTreeMap::new(),
            links: BTreeSet::new(),
            kept: BTreeSet::new(),
            armed: None,
            replies: BTreeMap::new(),
            events: Vec::new(),
            ended: None,
            fetched: 0,
            deleted: Vec::new(),
        }
    }

    /// What a daemon that starts now finds on the disk.
    pub(super) fn records(&self) -> Vec<(Bytes, Bytes)> {
        self.disk
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }

    /// Everything up to `n` reaches the disk.
    pub(super) fn sync(&mut self, n: u64) {
        let synced: Vec<_> = self
            .unsynced
            .extract_if(.., |(number, _)| *number <= n)
            .collect();
        for (key, value) in synced.into_iter().flat_map(|(_, writes)| writes) {
            match value {
                Some(value) => self.disk.insert(key, value),
                None => self.disk.remove(&key),
            };
        }
    }

    /// What its shims tell a daemon that has started.
    pub(super) fn adopted(&self) -> BTreeMap<InstanceId, Adopted> {
        let adopted = |hand: &Hand| match hand.stage {
            HandStage::Prepared => Adopted::Prepared,
            stage => Adopted::Alive {
                pid: 7,
                ports: hand.ports.clone(),
                started: stage == HandStage::Running,
            },
        };
        self.hands
            .iter()
            .map(|(instance, hand)| (*instance, adopted(hand)))
            .collect()
    }

    pub(super) fn processes(&self, bundle: BundleId) -> usize {
        let runs = |hand: &&Hand| hand.bundle == bundle && hand.stage != HandStage::Prepared;
        self.hands.values().filter(runs).count()
    }
}

/// The time of all machines: their clocks agree.
pub(super) fn now(time: Time) -> Now {
    Now {
        time,
        wall: Wall::from_millis(1_790_000_000_000 + time.as_millis()),
    }
}
