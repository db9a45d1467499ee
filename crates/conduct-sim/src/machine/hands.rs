//! The hands of a machine: the instances on it with their shims, whether or not a daemon is
//! there to watch.

use std::collections::BTreeMap;
use std::sync::Arc;

use conduct_model::{BundleId, InstanceId, Time};
use conduct_node::descriptor::Descriptor;
use conduct_node::runtime::{Adopted, Exit, Ports};

use super::Pid;
use crate::engine::Moment;

/// Every instance that a machine holds.
#[derive(Debug, Default)]
pub struct Hands {
    instances: BTreeMap<InstanceId, Hand>,
    next_port: u16,
}

/// One instance on a machine.
#[derive(Clone, Debug)]
pub struct Hand {
    /// What it runs.
    pub bundle: BundleId,
    /// How.
    pub descriptor: Arc<Descriptor>,
    /// How far it is.
    pub phase: Phase,
    /// The stamp that its shim counts from; `None` for what has no lease.
    pub lease: Option<Time>,
    /// Whether its shim saw the start signal.
    pub started: bool,
    /// Whether SIGTERM was sent.
    pub terminated: bool,
    /// The ports that it was given.
    pub ports: BTreeMap<String, Ports>,
    /// The pid that it had or has.
    pub last_pid: Option<Pid>,
    /// The daemon that ordered its preparation; what was not finished dies with it.
    pub ordered_by: u32,
    /// What it was unpacked from was damaged.
    pub rotten: bool,
}

/// How far an instance is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Its directory is being made.
    Preparing,
    /// Its directory is ready.
    Prepared,
    /// It is ordered to start and not forked yet.
    Launching,
    /// It has processes.
    Alive {
        /// Its own.
        pid: Pid,
        /// Its shim's, while that lives.
        shim: Option<Pid>,
        /// When it was forked.
        since: Moment,
    },
    /// No process of it is left; its shim's last word is on disk.
    Ended(Exit),
}

impl Hands {
    /// The instance.
    pub fn get(&self, instance: InstanceId) -> Option<&Hand> {
        self.instances.get(&instance)
    }

    /// The instance, to change.
    pub fn get_mut(&mut self, instance: InstanceId) -> Option<&mut Hand> {
        self.instances.get_mut(&instance)
    }

    /// Takes an instance in hand.
    pub fn put(&mut self, instance: InstanceId, hand: Hand) {
        self.instances.insert(instance, hand);
    }

    /// Lets go of an instance.
    pub fn drop(&mut self, instance: InstanceId) -> Option<Hand> {
        self.instances.remove(&instance)
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (InstanceId, &Hand)> {
        self.instances
            .iter()
            .map(|(instance, hand)| (*instance, hand))
    }

    /// Those that have processes.
    pub fn alive(&self) -> impl Iterator<Item = (InstanceId, &Hand)> {
        self.iter().filter(|(_, hand)| hand.is_alive())
    }

    /// A stamp of majority contact reaches every shim whose instance has a lease.
    pub fn renew(&mut self, stamp: Time) {
        for hand in self.instances.values_mut() {
            if let Some(lease) = &mut hand.lease {
                *lease = stamp.max(*lease);
            }
        }
    }

    /// The daemon is gone: what it had begun and not finished is gone with it.
    pub fn orphan(&mut self) {
        self.instances
            .retain(|_, hand| !matches!(hand.phase, Phase::Preparing));
        for hand in self.instances.values_mut() {
            if hand.phase == Phase::Launching {
                hand.phase = Phase::Prepared;
            }
        }
    }

    /// The machine is gone: no process is left, nor anybody who saw how they ended.
    pub fn lose_all(&mut self) -> Vec<InstanceId> {
        let alive = self.alive().map(|(instance, _)| instance).collect();
        self.instances.clear();
        alive
    }

    /// What a daemon finds when it has asked all shims.
    pub fn adopt(&self) -> BTreeMap<InstanceId, Adopted> {
        self.iter()
            .filter_map(|(instance, hand)| Some((instance, hand.adopted()?)))
            .collect()
    }

    /// The next free port.
    pub fn port(&mut self) -> u16 {
        self.next_port = (self.next_port + 1) % 1_000;
        10_000 + self.next_port
    }
}

impl Hand {
    /// Whether it has processes.
    pub const fn is_alive(&self) -> bool {
        matches!(self.phase, Phase::Alive { .. })
    }

    fn adopted(&self) -> Option<Adopted> {
        match self.phase {
            Phase::Preparing => None,
            Phase::Prepared | Phase::Launching => Some(Adopted::Prepared),
            Phase::Alive { pid, .. } => Some(Adopted::Alive {
                pid: pid.0,
                ports: self.ports.clone(),
                started: self.started,
            }),
            Phase::Ended(exit) => Some(Adopted::Ended(exit)),
        }
    }
}
