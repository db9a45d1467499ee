//! The node itself.

use conduct_model::{BundleId, Now};

use crate::config::Config;
use crate::effect::Effect;
use crate::input::Input;
use crate::restored::{Fingerprint, Restored};
use crate::view::{View, Why};

/// One node of the cluster, without hands: inputs and time go in, effects come out.
pub struct Node {
    config: Config,
    restored: Restored,
    seed: u64,
}

impl Node {
    /// A node as it is before its first step, which is to be [`Input::Start`].
    ///
    /// `seed` is the only randomness that it ever gets: drawn anew for every life in production,
    /// chosen in a simulation.
    pub fn new(config: Config, seed: u64, restored: Restored) -> Node {
        Node {
            config,
            seed,
            restored,
        }
    }

    /// Takes one input and appends what is to be done to `effects`. Never waits; the same node,
    /// times and inputs give the same effects, byte for byte.
    pub fn step(&mut self, now: Now, input: Input, effects: &mut Vec<Effect>) {
        let _ = (now, input, effects, &self.config, self.seed, &self.restored);
    }

    /// What the node is busy with: after a step that panicked, what to note beside the time for
    /// the [`Restored::crashes`] of the next life. `None` for inputs that do not come back.
    pub fn handling(&self) -> Option<Fingerprint> {
        None
    }

    /// All that it knows, for the API.
    pub fn view(&self, now: Now) -> View {
        let _ = now;
        unimplemented_view(&self.config)
    }

    /// Why the wish for a bundle is not met; `None` when it is, or when nobody wishes.
    pub fn why(&self, now: Now, bundle: BundleId) -> Option<Why> {
        let _ = (now, bundle);
        None
    }
}

fn unimplemented_view(config: &Config) -> View {
    View {
        node: config.key,
        uid: config.key.uid(conduct_model::Incarnation::default()),
        quarantine: None,
        members: std::collections::BTreeMap::new(),
        voters: Vec::new(),
        voters_epoch: 0,
        bundles: std::collections::BTreeMap::new(),
        routing_version: 0,
    }
}
