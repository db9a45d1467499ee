//! The node's side of scheduling: what it admitted, how far that is, and what it answers.
//!
//! A host does what owners order, as far as it has room, and never what an owner orders that has
//! been replaced since. It notes on disk what it admits before it says so, and what it forks
//! before it does so; so whatever happens to the daemon, an order that comes again finds the same
//! instance. What the synced assignment does not name, it ends on its own.

mod admission;
mod adopt;
mod held;
mod life;
mod orders;
mod surplus;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use conduct_model::{BundleId, InstanceId, NodeKey, Resources, Roles, Span, System, Time};
use serde::{Deserialize, Serialize};

use crate::assignment::Assignment;
use crate::epoch::{Epoch, Version};
use crate::event::Event;
use crate::execution::{Cause, Execution, Seed, Turn};
use crate::fleet::{Closed, HostReport};
use crate::message::{Item, News, Order};
use crate::terms::{Kinds, Terms};
use crate::token::Token;
use held::Held;

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
}

/// What a host is told about its node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HostSettings {
    /// Its node.
    pub me: NodeKey,
    /// The life of the node: later lives tell later things.
    pub start: u64,
    /// The roles that it offers.
    pub roles: Roles,
    /// The kinds of components that it can run.
    pub kinds: Kinds,
    /// Whether it runs instances at all.
    pub duty: HostDuty,
}

/// Whether a node runs instances.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HostDuty {
    /// It does.
    Runs,
    /// It is a core node without an agent.
    RunsNothing,
}

/// What can happen to a host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HostInput {
    /// The moment of the last [`HostEffect::Arm`] has come.
    Timer,
    /// An owner wants something.
    Orders {
        /// Who wrote them; proven by the transport.
        from: NodeKey,
        /// What is wanted.
        orders: Vec<Order>,
    },
    /// The assignment of a system, as this node holds it now, synced; `None` when there is none
    /// and nothing of the system is loaded. Hand it over whenever it changes, and once for every
    /// system of [`Host::systems`] when this node has synced after a start or a quarantine.
    Assignment {
        /// Of which system.
        system: System,
        /// The assignment.
        assignment: Option<Arc<Assignment>>,
    },
    /// News of an instance from the hands that run it.
    Runtime {
        /// Which.
        instance: InstanceId,
        /// What is new.
        news: RuntimeNews,
    },
    /// After a start of the daemon: all shims were asked. What is not named here does not live.
    Adopted(BTreeMap<InstanceId, Found>),
    /// The machine's resources were sampled: what instances could use in all, whatever runs now.
    Capacity(Resources),
    /// Every proxy on a reachable node has applied a routing without this draining instance.
    Withdrawn(InstanceId),
    /// Something begins or ends to keep this node from taking instances.
    Close {
        /// What.
        why: Closed,
        /// Whether it does.
        closed: bool,
    },
    /// A write is on disk.
    Stored(Token),
}

/// News of an instance from the hands that run it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RuntimeNews {
    /// Its run directory is ready.
    Prepared,
    /// Its processes exist.
    Launched {
        /// Where others find it.
        found_at: Arc<Seed>,
    },
    /// It could not be fetched, unpacked or launched; no process is left.
    Failed {
        /// Why, for people.
        why: Arc<str>,
    },
    /// It signalled that it is healthy.
    Signalled,
    /// Its checks failed as often as its bundle allows.
    Unhealthy,
    /// Its checks succeed again.
    Healthy,
    /// No process of it is left.
    Ended {
        /// What the kernel or the shim says. What this host itself ordered is known here.
        cause: Cause,
        /// Whether the daemon was not there to see it.
        while_away: bool,
    },
}

/// What became of an instance while the daemon was away.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Found {
    /// Its run directory is there, no process was ever started.
    Prepared,
    /// It lives.
    Alive {
        /// Where others find it.
        found_at: Arc<Seed>,
        /// Whether its shim saw the start signal.
        signalled: bool,
    },
    /// It ended.
    Ended {
        /// What the shim says.
        cause: Cause,
    },
}

/// What a host does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HostEffect {
    /// Write to disk, all of it or nothing; [`HostInput::Stored`] answers.
    Persist {
        /// The write.
        token: Token,
        /// What is written.
        writes: Vec<HostWrite>,
    },
    /// Tell an owner. It may be this node.
    Tell {
        /// Whom.
        to: NodeKey,
        /// What.
        news: News,
    },
    /// Fetch the archives of a bundle and unpack them into a fresh run directory. May come again.
    Prepare {
        /// For which instance.
        instance: InstanceId,
        /// What it runs.
        bundle: BundleId,
    },
    /// Fork it.
    Start {
        /// Which.
        instance: InstanceId,
        /// What it runs.
        bundle: BundleId,
        /// The healthy instances of its system, oldest first.
        seeds: Vec<Seed>,
    },
    /// Send SIGTERM and, after the grace, SIGKILL; undo what was prepared. May come again.
    Stop {
        /// Which.
        instance: InstanceId,
        /// From SIGTERM to SIGKILL; nothing means SIGKILL at once.
        grace: Span,
    },
    /// Nobody needs to know of it any more.
    Forget {
        /// Which.
        instance: InstanceId,
    },
    /// What [`Host::report`] says has changed.
    Report,
    /// Tell whoever listens on this node.
    Event(Box<Event>),
    /// Hand over [`HostInput::Timer`] at this moment; replaces the one armed before.
    Arm(Time),
}

/// One write of a host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HostWrite {
    /// What is known of an instance; `None` removes it.
    Execution(InstanceId, Option<Box<ExecutionRecord>>),
    /// The latest decision that was obeyed for a system; `None` removes it.
    Fence(System, Option<Version>),
}

/// What a host has on disk of an instance.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ExecutionRecord {
    /// Its system.
    pub system: System,
    /// The decision that brought it here.
    pub version: Version,
    /// What it needs.
    pub terms: Arc<Terms>,
    /// What was known of it.
    pub execution: Execution,
}

/// What a host finds on disk when its node starts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HostRestored {
    /// The instances.
    pub executions: Vec<ExecutionRecord>,
    /// The latest decisions that were obeyed.
    pub fences: Vec<(System, Version)>,
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
