//! What this node has told: numbered, and the latest of it remembered.

use std::collections::VecDeque;

use conduct_model::{BundleId, NodeKey};

use crate::event::Event;

/// So many of this node's own decisions are remembered.
pub const EVENTS_MAX: usize = 4_096;

/// The node's diary.
#[derive(Debug)]
pub(crate) struct Journal {
    pub(crate) node: NodeKey,
    sequence: u64,
    history: VecDeque<Event>,
    /// Rises whenever what callers are sent to changes.
    pub(crate) routing_version: u64,
}

impl Journal {
    pub(crate) fn new(node: NodeKey) -> Journal {
        Journal {
            node,
            sequence: 0,
            history: VecDeque::new(),
            routing_version: 0,
        }
    }

    /// The number of the next event.
    pub(crate) fn next(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// Remembers an event.
    pub(crate) fn keep(&mut self, event: &Event) {
        if self.history.len() == EVENTS_MAX {
            self.history.pop_front();
        }
        self.history.push_back(event.clone());
    }

    /// What is remembered, the oldest first; of one bundle, or all.
    pub(crate) fn events(&self, bundle: Option<BundleId>) -> impl Iterator<Item = &Event> {
        self.history
            .iter()
            .filter(move |event| bundle.is_none() || event.bundle == bundle)
    }
}
