//! The node itself.

use conduct_model::{BundleId, NodeKey, Now, Uid};
use conduct_state::{Pool, State};

use crate::brain::Brain;
use crate::config::Config;
use crate::effect::Effect;
use crate::event::Event;
use crate::input::Input;
use crate::payload::Decision;
use crate::restored::{Fingerprint, Restored};
use crate::view::{Counts, View, Why};

/// One node of the cluster, without hands: inputs and time go in, effects come out.
pub struct Node(Stage);

enum Stage {
    /// Made, and not started: nothing has been decided.
    New(Box<Birth>),
    Alive(Box<Brain>),
    /// Its first step did not return.
    Stillborn,
}

struct Birth {
    config: Config,
    seed: u64,
    restored: Restored,
    pool: Option<Pool>,
}

impl Node {
    /// A node as it is before its first step, which is to be [`Input::Start`].
    ///
    /// `seed` is the only randomness that it ever gets: drawn anew for every life in production,
    /// chosen in a simulation.
    pub fn new(config: Config, seed: u64, restored: Restored) -> Node {
        Node(Stage::New(Box::new(Birth {
            config,
            seed,
            restored,
            pool: None,
        })))
    }

    /// Lets the node share equal records with the others of its process. Only for many nodes in
    /// one process, and before the first step.
    #[must_use]
    pub fn sharing(mut self, pool: Pool) -> Node {
        if let Stage::New(birth) = &mut self.0 {
            birth.pool = Some(pool);
        }
        self
    }

    /// Takes one input and appends what is to be done to `effects`. Never waits; the same node,
    /// times and inputs give the same effects, byte for byte.
    ///
    /// # Panics
    /// When anything else than [`Input::Start`] comes first: the driver is wrong then.
    pub fn step(&mut self, now: Now, input: Input, effects: &mut Vec<Effect>) {
        if matches!(self.0, Stage::New(_)) {
            assert!(
                input == Input::Start,
                "a node begins with `Start`, not with {input:?}"
            );
            self.be_born(now);
        }
        if let Stage::Alive(brain) = &mut self.0 {
            brain.step(now, input, effects);
        }
    }

    fn be_born(&mut self, now: Now) {
        if let Stage::New(birth) = std::mem::replace(&mut self.0, Stage::Stillborn) {
            let Birth {
                config,
                seed,
                restored,
                pool,
            } = *birth;
            let brain = Brain::begin(now, config, seed, restored, pool);
            self.0 = Stage::Alive(Box::new(brain));
        }
    }

    /// What the node is busy with: after a step that panicked, what to note beside the time for
    /// the [`Restored::crashes`] of the next life. `None` for inputs that do not come back.
    pub fn handling(&self) -> Option<Fingerprint> {
        self.alive().and_then(Brain::handling)
    }

    /// All that it knows at `now`, for the API.
    ///
    /// # Panics
    /// Before its first step.
    pub fn view(&self, now: Now) -> View {
        self.alive()
            .expect("a node is looked at after its first step")
            .view(now)
    }

    /// As [`View::routing_version`], for a proxy that needs nothing else; 0 before its first step.
    pub fn routing_version(&self) -> u64 {
        self.alive().map_or(0, Brain::routing_version)
    }

    /// Its life; none before its first step.
    pub fn uid(&self) -> Option<Uid> {
        self.alive().map(Brain::uid)
    }

    /// Why the wish for a bundle is not met; `None` when it is, or when nobody wishes.
    pub fn why(&self, now: Now, bundle: BundleId) -> Option<Why> {
        self.alive()?.why(now, bundle)
    }

    /// What it decided and met lately, the oldest first: about one bundle, or all.
    pub fn events(&self, bundle: Option<BundleId>) -> Vec<&Event> {
        self.alive()
            .map(|brain| brain.events(bundle).collect())
            .unwrap_or_default()
    }

    /// What the members decided lately and told the others, by node: about one bundle, or all.
    pub fn decisions(&self, bundle: Option<BundleId>) -> Vec<(NodeKey, Decision)> {
        self.alive()
            .map(|brain| brain.decisions(bundle))
            .unwrap_or_default()
    }

    /// What it agrees on with the others, to look at; none before its first step.
    pub fn state(&self) -> Option<&State> {
        self.alive().map(Brain::state)
    }

    /// Numbers for those who watch; none before its first step.
    pub fn counts(&self) -> Option<Counts> {
        self.alive().map(Brain::counts_now)
    }

    fn alive(&self) -> Option<&Brain> {
        match &self.0 {
            Stage::Alive(brain) => Some(brain),
            Stage::New(_) | Stage::Stillborn => None,
        }
    }
}
