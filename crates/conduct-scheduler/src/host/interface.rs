//! What a host is told, what it does, and what it keeps on disk.

use std::collections::BTreeMap;
use std::sync::Arc;

use conduct_model::{BundleId, InstanceId, NodeKey, Resources, Roles, Span, System, Time};
use serde::{Deserialize, Serialize};

use crate::assignment::Assignment;
use crate::epoch::Version;
use crate::event::Event;
use crate::execution::{Cause, Execution, Seed};
use crate::fleet::Closed;
use crate::message::{News, Order};
use crate::terms::{Kinds, Terms};
use crate::token::Token;

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
    /// system of [`Host::systems`](crate::Host::systems) when this node has synced after a start or a quarantine.
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
    /// What [`Host::report`](crate::Host::report) says has changed.
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
