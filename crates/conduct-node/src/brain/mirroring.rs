//! Events about what runs and lies where: the difference between two views.
//!
//! Whether an instance is seen depends on three things: the report of its node, how that node
//! stands, and whether its bundle is known here. Each may change alone, and whichever does, what
//! was seen before is compared with what is seen now. So a listener who adds the events up has the
//! view, whatever happened and in whichever order news of it came.

use std::collections::{BTreeMap, BTreeSet};

use conduct_model::{BundleId, InstanceId, NodeKey};
use conduct_scheduler::State;

use super::Brain;
use crate::book::Running;
use crate::event::EventKind;
use crate::payload::Holdings;

/// What a node's standing means for what it runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Reach {
    /// It is no member, or was declared gone: nothing of it counts.
    #[default]
    Gone,
    /// It does not answer: its instances count, and get no calls.
    Silent,
    /// Callers are sent to it.
    Serving,
}

/// How each node stood when this was last told.
pub(super) type Reaches = BTreeMap<NodeKey, Reach>;

/// An instance, as far as listeners are told of it.
#[derive(PartialEq, Eq)]
struct Seen {
    bundle: BundleId,
    state: State,
    doubtful: bool,
    active: bool,
}

type Sight = BTreeMap<InstanceId, Seen>;

fn sight(running: Option<&Running>, reach: Reach, knows: impl Fn(&BundleId) -> bool) -> Sight {
    let executions = running
        .filter(|_| reach != Reach::Gone)
        .into_iter()
        .flat_map(|running| &running.executions);
    executions
        .filter(|(_, held)| held.execution.state.takes_room() && knows(&held.execution.bundle))
        .map(|(instance, held)| {
            let seen = Seen {
                bundle: held.execution.bundle,
                state: held.execution.state.clone(),
                doubtful: held.doubtful,
                active: held.takes_calls() && reach == Reach::Serving,
            };
            (*instance, seen)
        })
        .collect()
}

impl Brain {
    /// How every member stands at the start of a life, which nobody is told.
    pub(super) fn note_reaches(&mut self) {
        let members: Vec<NodeKey> = self.membership.members().map(|member| member.key).collect();
        for node in members {
            let reach = self.reach_now(&node);
            self.reaches.insert(node, reach);
        }
    }

    fn reach_now(&self, node: &NodeKey) -> Reach {
        match (self.serves(node), self.counts(node)) {
            (true, _) => Reach::Serving,
            (false, true) => Reach::Silent,
            (false, false) => Reach::Gone,
        }
    }

    fn reach_told(&self, node: &NodeKey) -> Reach {
        match *node == self.me {
            true => Reach::Serving,
            false => self.reaches.get(node).copied().unwrap_or_default(),
        }
    }

    /// A node reports other instances than before.
    pub(super) fn mirror_report(&mut self, node: NodeKey, before: &Running) {
        let reach = self.reach_told(&node);
        let knows = |bundle: &BundleId| self.book.knows(bundle);
        let was = sight(Some(before), reach, knows);
        let is = sight(self.book.running.get(&node), reach, knows);
        self.mirror_sight(node, &was, &is);
        self.note_drained(node);
    }

    /// A node stands otherwise: the instances of one that answers no more get no calls, and get
    /// them again when it does; of one that is gone nothing counts.
    pub(super) fn mirror_standing(&mut self, node: NodeKey) {
        let (told, reach) = (self.reach_told(&node), self.reach_now(&node));
        if told == reach {
            return;
        }
        self.reaches.insert(node, reach);
        let knows = |bundle: &BundleId| self.book.knows(bundle);
        let running = self.book.running.get(&node);
        let (was, is) = (sight(running, told, knows), sight(running, reach, knows));
        let kind = match (told, reach) {
            (Reach::Gone, _) => Some(EventKind::InstallationAdded { on: node }),
            (_, Reach::Gone) => Some(EventKind::InstallationRemoved { on: node }),
            _ => None,
        };
        let held = match (&kind, self.book.holdings.get(&node)) {
            (Some(_), Some(holdings)) => self.book.known_of(holdings),
            _ => Vec::new(),
        };
        self.mirror_sight(node, &was, &is);
        for (bundle, kind) in held.into_iter().zip(std::iter::repeat(kind)) {
            if let Some(kind) = kind {
                self.mirror(bundle, None, kind);
            }
        }
    }

    /// A bundle is known from now on; what runs of it and where it lies may have been known
    /// before.
    pub(super) fn mirror_known(&mut self, bundle: BundleId) {
        let of_it = |other: &BundleId| *other == bundle;
        let nodes: Vec<NodeKey> = self.book.running.keys().copied().collect();
        for node in nodes {
            let running = self.book.running.get(&node);
            let is = sight(running, self.reach_told(&node), of_it);
            self.mirror_sight(node, &Sight::new(), &is);
        }
        let holders: Vec<NodeKey> = self.book.holders(&bundle).collect();
        for on in holders {
            if self.reach_told(&on) != Reach::Gone {
                self.mirror(bundle, None, EventKind::InstallationAdded { on });
            }
        }
    }

    /// A bundle is known no more, and nothing is seen of it. To be said before
    /// [`EventKind::BundleRemoved`].
    pub(super) fn mirror_unknown(&mut self, bundle: BundleId) {
        let of_it = |other: &BundleId| *other == bundle;
        let nodes: Vec<NodeKey> = self.book.running.keys().copied().collect();
        for node in nodes {
            let was = sight(self.book.running.get(&node), self.reach_told(&node), of_it);
            self.mirror_sight(node, &was, &Sight::new());
        }
    }

    /// A node has other archives than before.
    pub(super) fn mirror_holdings(&mut self, node: NodeKey, before: &Holdings) {
        let nothing = Holdings::default();
        let now = self.book.holdings.get(&node).unwrap_or(&nothing);
        let changed = now.difference(before);
        let touched: BTreeSet<BundleId> = changed
            .iter()
            .flat_map(|archive| self.book.naming(archive))
            .collect();
        let mut told = Vec::new();
        for bundle in touched {
            match (before.has_all(&bundle), now.has_all(&bundle)) {
                (false, true) => told.push((bundle, EventKind::InstallationAdded { on: node })),
                (true, false) => told.push((bundle, EventKind::InstallationRemoved { on: node })),
                _ => {}
            }
        }
        let counts = self.reach_told(&node) != Reach::Gone;
        for (bundle, kind) in told {
            if counts {
                self.mirror(bundle, None, kind);
            }
            self.copies.touch(bundle);
        }
    }

    fn mirror_sight(&mut self, on: NodeKey, was: &Sight, is: &Sight) {
        let gone = was.iter().filter(|(id, _)| !is.contains_key(id));
        let mut told: Vec<_> = gone
            .map(|(id, seen)| (seen.bundle, *id, EventKind::ExecutionRemoved { on }))
            .collect();
        for (id, seen) in is {
            let changed = EventKind::ExecutionChanged {
                on,
                active: seen.active,
            };
            match was.get(id) {
                None => {
                    told.push((seen.bundle, *id, EventKind::ExecutionAdded { on }));
                    if seen.active {
                        told.push((seen.bundle, *id, changed));
                    }
                }
                Some(before) if before != seen => told.push((seen.bundle, *id, changed)),
                Some(_) => {}
            }
        }
        if !told.is_empty() {
            self.journal.routing_version += 1;
        }
        for (bundle, instance, kind) in told {
            self.mirror(bundle, Some(instance), kind);
        }
    }
}
