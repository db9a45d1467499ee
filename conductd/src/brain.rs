//! The node itself, and what is noted when a step of it panics.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use conduct_model::BundleId;
use conduct_node::Node;
use conduct_node::effect::Effect;
use conduct_node::input::Input;
use conduct_node::restored::Crash;
use conduct_node::view::{View, Why};

use crate::clock;
use crate::crashes::Crashes;

/// A step panicked. What it was busy with is noted; the next life knows better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Panicked;

/// The brain, on this machine's clocks.
pub(crate) struct Brain {
    node: Node,
    crashes: Crashes,
}

impl Brain {
    pub(crate) fn new(node: Node, crashes: Crashes) -> Brain {
        Brain { node, crashes }
    }

    /// Hands over one input; answers what is to be done.
    pub(crate) fn step(&mut self, input: Input) -> Result<Vec<Effect>, Panicked> {
        let mut effects = Vec::new();
        let now = clock::now();
        let node = &mut self.node;
        let stepped = catch_unwind(AssertUnwindSafe(|| node.step(now, input, &mut effects)));
        stepped.map(|()| effects).map_err(|_| {
            self.note_crash();
            Panicked
        })
    }

    /// What the node knows; there is something to know after its first step.
    pub(crate) fn view(&self) -> Arc<View> {
        Arc::new(self.node.view(clock::now()))
    }

    pub(crate) fn why(&self, bundle: BundleId) -> Option<Why> {
        self.node.why(clock::now(), bundle)
    }

    fn note_crash(&self) {
        let Some(handling) = self.node.handling() else {
            return;
        };
        let at = clock::wall();
        if let Err(error) = self.crashes.note(Crash { handling, at }) {
            tracing::error!(%error, "a crash could not be noted");
        }
    }
}
