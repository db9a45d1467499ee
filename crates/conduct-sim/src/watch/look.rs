//! What watchers see: everything.

use std::collections::BTreeMap;

use conduct_model::{BundleId, NodeKey};
use conduct_node::Node;
use conduct_node::view::View;

use crate::clients::Clients;
use crate::engine::Moment;
use crate::machine::{Machine, Program, index_of};
use crate::network::{Conditions, Links, Sides};
use crate::world::Truth;

/// The whole world at one moment, to look at.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    /// The moment.
    pub now: Moment,
    /// The seed of the simulation.
    pub seed: u64,
    /// The machines.
    pub machines: &'a [Machine],
    /// What really is.
    pub truth: &'a Truth,
    /// What was asked.
    pub clients: &'a Clients,
    /// What the instances of each bundle do.
    pub programs: &'a BTreeMap<BundleId, Program>,
    /// The connections.
    pub links: &'a Links,
    /// How the network is.
    pub conditions: &'a Conditions,
}

impl<'a> Look<'a> {
    /// The node on this machine, while its daemon runs.
    pub fn node(&self, host: usize) -> Option<&'a Node> {
        Some(&self.machines[host].daemon.as_ref()?.node)
    }

    /// The node on this machine, while its daemon runs and is not paused.
    pub fn awake(&self, host: usize) -> Option<&'a Node> {
        self.node(host)
            .filter(|_| self.machines[host].pause.is_none())
    }

    /// Every node that makes progress.
    pub fn all_awake(&self) -> impl Iterator<Item = (usize, &'a Node)> + '_ {
        (0..self.machines.len()).filter_map(|host| Some((host, self.awake(host)?)))
    }

    /// What a node says that it knows.
    pub fn view(&self, host: usize) -> Option<View> {
        let now = self.machines[host].read_clock(self.now);
        Some(self.node(host)?.view(now))
    }

    /// Who can talk to whom.
    pub fn sides(&self) -> &'a Sides {
        self.truth
            .sides
            .now()
            .expect("the sides were noted at the beginning")
    }

    /// How a key is called in the timeline.
    pub fn name(&self, key: NodeKey) -> String {
        format!("n{}", index_of(key))
    }

    /// How a bundle is called.
    pub fn bundle_name(&self, bundle: BundleId) -> String {
        match self.clients.bundles().get(&bundle) {
            Some(descriptor) => crate::machine::name_in(descriptor),
            None => bundle.short(),
        }
    }
}
