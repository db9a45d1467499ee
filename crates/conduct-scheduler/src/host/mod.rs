//! The node's side of scheduling: what it admitted, how far that is, and what it answers.
//!
//! A host does what owners order, as far as it has room, and never what an owner orders that has
//! been replaced since. It notes on disk what it admits before it says so, and what it forks
//! before it does so; so whatever happens to the daemon, an order that comes again finds the same
//! instance. What the synced assignment does not name, it ends on its own.

mod admission;
mod adopt;
mod held;
mod interface;
mod life;
mod orders;
mod surplus;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use conduct_model::{InstanceId, NodeKey, Resources, Span, System, Time};

use crate::assignment::Assignment;
use crate::epoch::{Epoch, Version};
use crate::execution::{Execution, Seed, Turn};
use crate::fleet::{Closed, HostReport};
use crate::message::{Item, News};
use crate::terms::Terms;
use crate::token::Token;
use held::Held;

pub use interface::{
    ExecutionRecord, Found, HostDuty, HostEffect, HostInput, HostRestored, HostSettings, HostWrite,
    RuntimeNews,
};

/// The instances of one node.
#[derive(Clone, Debug)]
pub struct Host {
    settings: HostSettings,
    turn: Turn,
    capacity: Resources,
    closed: BTreeSet<Closed>,
    adopting: bool,
    systems: BTreeMap<System, Charge>,
    executions: BTreeMap<InstanceId, Held>,
    due: BTreeSet<(Time, InstanceId)>,
    /// What waits for a write.
    waiting: BTreeMap<Token, Vec<After>>,
    last_token: Token,
    /// What this step tells, by owner.
    outbox: BTreeMap<NodeKey, Outgoing>,
    /// What this step writes.
    writes: Vec<HostWrite>,
    changed: bool,
    armed: Option<Time>,
    /// Orders whose numbers cannot be.
    refused: u64,
}

/// What a host holds of a system.
#[derive(Clone, Debug, Default)]
struct Charge {
    /// No order behind this one is obeyed.
    fence: Option<Version>,
    assignment: Seen,
}

/// What a host has seen of the assignment of a system.
#[derive(Clone, Debug, Default)]
enum Seen {
    /// Nothing in this life.
    #[default]
    NotYet,
    /// There is none, and nothing is loaded.
    Nothing,
    /// This.
    Assigned(Arc<Assignment>),
}

/// What one owner is told at the end of a step.
#[derive(Clone, Debug, Default)]
struct Outgoing {
    /// How these are then.
    instances: BTreeSet<InstanceId>,
    answers: Vec<Item>,
}

/// What waits for a write.
#[derive(Clone, Debug)]
enum After {
    /// An instance was admitted: make it ready.
    Prepare(InstanceId),
    /// An instance may be forked.
    Start(InstanceId, Vec<Seed>),
    /// An owner gets this answer.
    Tell(Box<(NodeKey, Item)>),
}

impl Host {
    /// How long a drain waits for the proxies.
    pub const DRAIN_SPAN_MAX: Span = Span::secs(2);

    /// How long fetching and unpacking may take.
    pub const PREPARE_SPAN_MAX: Span = Span::secs(300);

    /// The oldest word of being ready that a start may repeat: bounds how long after an owner's
    /// last look a process may begin to start.
    pub const READY_SPAN_MAX: Span = Span::secs(1);

    /// How long the end of an instance is told after its assignment has dropped it. The owner
    /// that dropped it may be replaced before its decision counts, and its successor asks again.
    pub const ENDED_SPAN: Span = Span::secs(30);

    /// So many instances a node can watch over.
    pub const EXECUTIONS_MAX: usize = 1_024;

    /// A host with what its earlier lives left on disk. It is adopting until
    /// [`HostInput::Adopted`] comes, and quarantined until it is told otherwise.
    pub fn new(settings: HostSettings, restored: HostRestored) -> Host {
        let mut closed = BTreeSet::from([Closed::Quarantined]);
        if settings.duty == HostDuty::RunsNothing {
            closed.insert(Closed::CoreOnly);
        }
        let mut systems: BTreeMap<System, Charge> = BTreeMap::new();
        for (system, version) in restored.fences {
            systems.insert(
                system,
                Charge {
                    fence: Some(version),
                    assignment: Seen::NotYet,
                },
            );
        }
        let held = restored.executions.into_iter();
        let executions: BTreeMap<InstanceId, Held> = held
            .map(|record| (record.execution.instance, Held::restored(record)))
            .collect();
        for held in executions.values() {
            systems
                .entry(held.system.clone())
                .or_default()
                .raise(held.version);
        }
        Host {
            turn: Turn {
                start: settings.start,
                change: 0,
            },
            settings,
            capacity: Resources::default(),
            closed,
            adopting: true,
            systems,
            executions,
            due: BTreeSet::new(),
            waiting: BTreeMap::new(),
            last_token: Token::default(),
            outbox: BTreeMap::new(),
            writes: Vec::new(),
            changed: true,
            armed: None,
            refused: 0,
        }
    }

    /// Takes one input and appends what follows from it.
    pub fn step(&mut self, now: Time, input: HostInput, effects: &mut Vec<HostEffect>) {
        match input {
            HostInput::Timer => self.armed = None,
            HostInput::Orders { from, orders } => {
                for order in orders {
                    self.order(now, from, order, effects);
                }
            }
            HostInput::Assignment { system, assignment } => {
                self.take_assignment(now, &system, assignment, effects);
            }
            HostInput::Runtime { instance, news } => self.runtime(now, instance, news, effects),
            HostInput::Adopted(found) => self.adopt(now, found, effects),
            HostInput::Capacity(capacity) => {
                self.changed |= capacity != self.capacity;
                self.capacity = capacity;
            }
            HostInput::Withdrawn(instance) => self.withdrawn(instance, effects),
            HostInput::Close { why, closed } => self.close(why, closed),
            HostInput::Stored(token) => self.stored(now, token, effects),
        }
        self.expire(now, effects);
        self.flush(effects);
    }

    /// What the node's report says of its instances and its room.
    pub fn report(&self) -> HostReport {
        HostReport {
            turn: self.turn,
            closed: self.closed.first().copied(),
            adopting: self.adopting,
            roles: self.settings.roles.clone(),
            kinds: self.settings.kinds,
            capacity: self.capacity,
            free: self.free(),
            executions: self
                .executions
                .values()
                .map(|held| held.execution.clone())
                .collect(),
        }
    }

    /// What is known of an instance.
    pub fn execution(&self, instance: InstanceId) -> Option<&Execution> {
        self.executions.get(&instance).map(|held| &held.execution)
    }

    /// What an instance was promised.
    pub fn terms(&self, instance: InstanceId) -> Option<&Arc<Terms>> {
        self.executions.get(&instance).map(|held| &held.terms)
    }

    /// The systems of which it has or had something.
    pub fn systems(&self) -> impl Iterator<Item = &System> {
        self.systems.keys()
    }

    /// How many orders were refused because their numbers cannot be.
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    /// Whether it is still asking its shims.
    pub const fn is_adopting(&self) -> bool {
        self.adopting
    }

    fn close(&mut self, why: Closed, closed: bool) {
        self.changed |= match closed {
            true => self.closed.insert(why),
            false => self.closed.remove(&why),
        };
    }

    /// Carries out what waited for a write.
    fn stored(&mut self, now: Time, token: Token, effects: &mut Vec<HostEffect>) {
        for after in self.waiting.remove(&token).unwrap_or_default() {
            match after {
                After::Prepare(instance) => self.prepare(now, instance, effects),
                After::Start(instance, seeds) => self.launch(now, instance, seeds, effects),
                After::Tell(answer) => self.answer(answer.0, answer.1),
            }
        }
    }

    /// Writes what this step noted, and does `after` once it is on disk.
    fn persist(&mut self, after: Option<After>, effects: &mut Vec<HostEffect>) {
        let token = self.last_token.next();
        self.last_token = token;
        let writes = std::mem::take(&mut self.writes);
        self.waiting.insert(token, after.into_iter().collect());
        effects.push(HostEffect::Persist { token, writes });
    }

    /// Sends what this step has to say, with the numbers as they are at its end.
    fn flush(&mut self, effects: &mut Vec<HostEffect>) {
        if !self.writes.is_empty() {
            self.persist(None, effects);
        }
        if std::mem::take(&mut self.changed) {
            self.turn.change += 1;
            effects.push(HostEffect::Report);
        }
        let (turn, free) = (self.turn, self.free());
        for (to, outgoing) in std::mem::take(&mut self.outbox) {
            let held = outgoing
                .instances
                .iter()
                .filter_map(|id| self.executions.get(id));
            let items = outgoing
                .answers
                .into_iter()
                .chain(held.map(Held::item))
                .collect();
            effects.push(HostEffect::Tell {
                to,
                news: News { turn, free, items },
            });
        }
        let next = self.due.first().map(|(at, _)| *at);
        if let Some(at) = next.filter(|_| next != self.armed) {
            effects.push(HostEffect::Arm(at));
        }
        self.armed = next;
    }

    /// Tells the present owner of its system how an instance is.
    fn tell(&mut self, instance: InstanceId) {
        let Some(held) = self.executions.get(&instance) else {
            return;
        };
        let Some(fence) = self
            .systems
            .get(&held.system)
            .and_then(|charge| charge.fence)
        else {
            return;
        };
        self.outbox
            .entry(fence.epoch.owner)
            .or_default()
            .instances
            .insert(instance);
    }

    fn answer(&mut self, to: NodeKey, item: Item) {
        self.outbox.entry(to).or_default().answers.push(item);
    }
}

impl Charge {
    fn raise(&mut self, version: Version) -> bool {
        let higher = self.fence.is_none_or(|fence| fence < version);
        if higher {
            self.fence = Some(version);
        }
        higher
    }

    fn raise_epoch(&mut self, epoch: Epoch) {
        if self.fence.is_none_or(|fence| fence.epoch < epoch) {
            self.fence = Some(Version { epoch, sequence: 0 });
        }
    }
}

#[cfg(test)]
mod tests;
