//! One node of the world: the real scheduler and host, a disk, and what it was told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use conduct_model::{BundleId, InstanceId, NodeKey, Resources, System, Time};

use crate::assignment::Assignment;
use crate::epoch::{Epoch, Version};
use crate::execution::{Cause, Turn};
use crate::fleet::{HostReport, RoleRule, Standing};
use crate::fuzz::hands::Hands;
use crate::host::{ExecutionRecord, Host, HostDuty, HostRestored, HostSettings, HostWrite};
use crate::message::Message;
use crate::ownership::Promise;
use crate::scheduler::Scheduler;
use crate::terms::Kinds;
use crate::token::Token;

/// What is on a fake disk.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk {
    pub(super) start: u64,
    pub(super) promises: BTreeMap<System, Promise>,
    pub(super) assignments: BTreeMap<System, Arc<Assignment>>,
    executions: BTreeMap<InstanceId, ExecutionRecord>,
    fences: BTreeMap<System, Version>,
}

/// A fake node.
#[derive(Clone, Debug)]
pub(super) struct Fake {
    pub(super) key: NodeKey,
    pub(super) up: bool,
    /// Counts its lives, so that what was meant for an earlier one is dropped.
    pub(super) life: u64,
    pub(super) capacity: Resources,
    pub(super) kinds: Kinds,
    pub(super) draining: bool,
    pub(super) scheduler: Scheduler,
    pub(super) host: Host,
    pub(super) disk: Disk,
    pub(super) hands: Hands,
    /// Merged, and not all on disk yet.
    pub(super) assignments: BTreeMap<System, Arc<Assignment>>,
    pub(super) proposals: BTreeMap<System, (Version, BTreeSet<NodeKey>)>,
    /// When it last reached a majority.
    pub(super) contact: Time,
    pub(super) quarantined: bool,
    /// What it was told of the others.
    pub(super) verdicts: BTreeMap<NodeKey, Standing>,
    pub(super) reports: BTreeMap<NodeKey, Turn>,
    /// The last report that went out.
    pub(super) reported: Arc<HostReport>,
}

/// What happens in the world.
#[derive(Clone, Debug)]
pub(super) enum Happens {
    Tick,
    Deliver {
        from: usize,
        to: usize,
        life: u64,
        letter: Letter,
    },
    Stored {
        node: usize,
        life: u64,
        write: Write,
    },
    SchedulerTimer {
        node: usize,
        life: u64,
    },
    HostTimer {
        node: usize,
        life: u64,
    },
    Report {
        node: usize,
        life: u64,
    },
    Adopt {
        node: usize,
        life: u64,
    },
    Prepared {
        node: usize,
        instance: InstanceId,
        life: u64,
    },
    Signals {
        node: usize,
        instance: InstanceId,
    },
    Ends {
        node: usize,
        instance: InstanceId,
        cause: Cause,
    },
    Withdrawn {
        node: usize,
        instance: InstanceId,
        life: u64,
    },
}

/// What fake nodes send each other.
#[derive(Clone, Debug)]
pub(super) enum Letter {
    Scheduling(Message),
    Report(Arc<HostReport>),
    /// Gossip of an assignment; with a voter's vote asked for if the owner proposes it.
    Assignment {
        system: System,
        assignment: Arc<Assignment>,
        proposed: bool,
    },
    Confirm {
        system: System,
        version: Version,
    },
    Outvoted {
        system: System,
        epoch: Epoch,
    },
}

/// What was written.
#[derive(Clone, Debug)]
pub(super) enum Write {
    Promises(Token, Vec<(System, Option<Promise>)>),
    Host(Token, Vec<HostWrite>),
    /// An assignment, and who is to be told that it is on disk.
    Assignment(System, Arc<Assignment>, Option<usize>),
}

impl Fake {
    pub(super) fn new(now: Time, key: NodeKey, capacity: Resources, kinds: Kinds) -> Fake {
        let disk = Disk {
            start: 1,
            ..Disk::default()
        };
        let (scheduler, host) = machines(now, key, kinds, &disk);
        let (proposals, assignments) = (BTreeMap::new(), BTreeMap::new());
        Fake {
            key,
            up: true,
            life: 1,
            capacity,
            kinds,
            draining: false,
            scheduler,
            host,
            disk,
            hands: Hands::default(),
            assignments,
            proposals,
            contact: now,
            quarantined: true,
            verdicts: BTreeMap::new(),
            reports: BTreeMap::new(),
            reported: Arc::new(HostReport::default()),
        }
    }

    /// Comes back with what is on its disk.
    pub(super) fn revive(&mut self, now: Time) {
        self.life += 1;
        self.disk.start += 1;
        (self.scheduler, self.host) = machines(now, self.key, self.kinds, &self.disk);
        self.assignments = self.disk.assignments.clone();
        self.proposals.clear();
        self.verdicts.clear();
        self.reports.clear();
        self.quarantined = true;
        self.draining = false;
        self.up = true;
    }

    pub(super) fn write(&mut self, write: &HostWrite) {
        match write {
            HostWrite::Execution(instance, Some(record)) => {
                self.disk.executions.insert(*instance, (**record).clone());
            }
            HostWrite::Execution(instance, None) => {
                self.disk.executions.remove(instance);
            }
            HostWrite::Fence(system, Some(version)) => {
                self.disk.fences.insert(system.clone(), *version);
            }
            HostWrite::Fence(system, None) => {
                self.disk.fences.remove(system);
            }
        }
    }

    /// How many instances of a bundle live here that nobody has told to end.
    pub(super) fn running(&self, bundle: BundleId) -> usize {
        let living = self.hands.living();
        living
            .filter(|(_, process)| process.bundle == bundle && !process.doomed)
            .count()
    }
}

fn machines(now: Time, me: NodeKey, kinds: Kinds, disk: &Disk) -> (Scheduler, Host) {
    let promises = disk.promises.iter().map(|(s, p)| (s.clone(), *p)).collect();
    let scheduler = Scheduler::new(now, (me, disk.start), RoleRule::All, promises);
    let restored = HostRestored {
        executions: disk.executions.values().cloned().collect(),
        fences: disk.fences.iter().map(|(s, v)| (s.clone(), *v)).collect(),
    };
    let (start, duty) = (disk.start, HostDuty::Runs);
    let roles = ["web".parse().expect("a role")].into();
    (
        scheduler,
        Host::new(
            HostSettings {
                me,
                start,
                roles,
                kinds,
                duty,
            },
            restored,
        ),
    )
}
