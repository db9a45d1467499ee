//! One node of a fleet.

use std::collections::BTreeMap;

use conduct_model::{InstanceId, NodeKey, Resources, Roles, Span, Time};

use crate::execution::{Execution, Turn};
use crate::fleet::{Closed, HostReport, Standing};
use crate::hash;
use crate::terms::Kinds;

/// What is known of a node.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) key: NodeKey,
    /// Breaks ties.
    pub(super) hash: u64,
    pub(super) standing: Standing,
    /// When it was given up the last time.
    given_up: Option<Time>,
    /// When it counts as back, if it came and went.
    pub(super) settles: Option<Time>,
    /// Whether it ever reported.
    pub(super) reported: bool,
    pub(super) turn: Turn,
    pub(super) closed: Option<Closed>,
    pub(super) roles: Roles,
    pub(super) kinds: Kinds,
    pub(super) capacity: Resources,
    /// By its own numbers.
    pub(super) free: Resources,
    /// Not in its numbers yet.
    pub(super) promised: Resources,
    pub(super) executions: BTreeMap<InstanceId, Execution>,
    /// As it stands in the order by load.
    pub(super) load: u32,
}

/// A node that is given up twice within this time comes and goes.
const FLAPPING: Span = Span::secs(60);

/// How long a node that comes and goes has to stay before it is given anything.
pub(super) const QUIET: Span = Span::secs(10);

/// A node that has nothing left of something, in the unit of loads.
const FULL_LOAD: u64 = 10_000;

impl Member {
    /// A node of which nothing is known but that it answers.
    pub(super) fn new(key: NodeKey) -> Member {
        Member {
            key,
            hash: hash::node(&key),
            standing: Standing::Reachable,
            given_up: None,
            settles: None,
            reported: false,
            turn: Turn::default(),
            closed: None,
            roles: Roles::new(),
            kinds: Kinds::NONE,
            capacity: Resources::default(),
            free: Resources::default(),
            promised: Resources::default(),
            executions: BTreeMap::new(),
            load: 0,
        }
    }

    /// Takes a verdict. Learning a second time that it is gone does not begin its absence anew.
    pub(super) fn judge(&mut self, now: Time, standing: Standing) {
        let was_gone = matches!(self.standing, Standing::Gone { .. });
        if let Standing::Gone { since } = standing {
            if was_gone {
                return;
            }
            let flapping = self
                .given_up
                .is_some_and(|before| since.since(before) < FLAPPING);
            self.settles = flapping.then_some(Time::NEVER);
            self.given_up = Some(since);
        } else if was_gone && self.settles.is_some() {
            self.settles = Some(now + QUIET);
        }
        self.standing = standing;
    }

    /// It has stayed: it counts as back.
    pub(super) fn settle(&mut self, now: Time) {
        self.settles = self.settles.filter(|at| *at > now);
    }

    /// Takes what a report says beside the instances.
    pub(super) fn take(&mut self, report: &HostReport) {
        self.reported = true;
        self.turn = report.turn;
        self.closed = report
            .closed
            .or_else(|| report.adopting.then_some(Closed::Adopting));
        self.kinds = report.kinds;
        self.capacity = report.capacity;
        self.free = report.free;
        if self.roles != report.roles {
            self.roles.clone_from(&report.roles);
        }
    }

    /// What can still be given away.
    pub(super) fn free(&self) -> Resources {
        self.free.minus(&self.promised)
    }

    /// Whether it takes instances at all.
    pub(super) fn is_open(&self) -> bool {
        self.reported
            && self.closed.is_none()
            && self.settles.is_none()
            && self.standing == Standing::Reachable
    }

    /// How much of its scarcest resource is gone, in ten thousandths.
    pub(super) fn load_now(&self) -> u32 {
        let free = self.free();
        let gone = |capacity: u64, free: u64| {
            let unit = (capacity / FULL_LOAD).max(1);
            (capacity.saturating_sub(free) / unit).min(FULL_LOAD)
        };
        let cpu = gone(self.capacity.cpu_millis, free.cpu_millis);
        let memory = gone(self.capacity.memory_bytes, free.memory_bytes);
        let disk = gone(self.capacity.disk_bytes, free.disk_bytes);
        cpu.max(memory).max(disk) as u32
    }
}
