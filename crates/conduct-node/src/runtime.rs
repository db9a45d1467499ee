//! What the brain asks of the hands that run instances, and what they tell it.

use std::collections::BTreeMap;
use std::sync::Arc;

use conduct_model::{BundleId, InstanceId, Resources, Span, Time, Wall};
use serde::{Deserialize, Serialize};

use crate::descriptor::Descriptor;

pub use conduct_scheduler::{Seed, SeedEndpoint};

/// An order to the runtime. Each may come twice (after a restart, or because an answer got lost)
/// and must then do nothing that it has done already; all are answered by [`RuntimeEvent`]s.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RuntimeOrder {
    /// Make a fresh run directory: unpack the archives, both of which are on this disk and
    /// verified, and whatever else can be done before a process exists.
    /// Answered by `Prepared` or `Failed`.
    Prepare {
        /// The instance that will run in it.
        instance: InstanceId,
        /// What is unpacked.
        bundle: BundleId,
        /// How it is run.
        descriptor: Arc<Descriptor>,
    },
    /// Allocate ports, record the instance on disk, fork its shim with its lease, start its
    /// components. Answered by `Launched` or `Failed`, later by `Started` and at the end by
    /// `Ended`.
    Start(Box<StartInstance>),
    /// Send SIGTERM and, after the grace, SIGKILL to the whole cgroup. Also for an instance that
    /// is only prepared. Answered by `Stopping` whenever a signal was sent, and by `Ended`; at
    /// once with an unknown exit where nothing of the instance is left.
    Stop {
        /// The instance.
        instance: InstanceId,
        /// From SIGTERM to SIGKILL.
        grace: Span,
    },
    /// Hand this stamp of majority contact to the shims of all instances that have a lease:
    /// SIGTERM at 12 s after it, SIGKILL at 15 s. Stamps only rise. Not answered.
    Lease {
        /// On the node's own steady clock.
        stamp: Time,
    },
    /// The instance's end is known to whoever ordered it: its record may go, its run directory is
    /// left to housekeeping. Not answered.
    Forget {
        /// The instance.
        instance: InstanceId,
    },
}

/// All that an instance needs to start.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StartInstance {
    /// Its name, for ever.
    pub instance: InstanceId,
    /// What it runs.
    pub bundle: BundleId,
    /// How it is run.
    pub descriptor: Arc<Descriptor>,
    /// The healthy instances of its system that it may join, oldest first: what the `_OTHER_`
    /// variables list. Empty means: you are the first, and alone until you signal.
    pub seeds: Vec<Seed>,
    /// When to take it for failed; the runtime need not watch this, the brain does.
    pub start_timeout: Span,
    /// The newest stamp of majority contact that its lease counts from; `None` for bundles that
    /// keep running in quarantine.
    pub lease: Option<Time>,
}

/// The ports of one endpoint of a running instance.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Ports {
    /// What the program binds.
    pub bind: u16,
    /// What callers on other hosts use.
    pub host: u16,
}

/// What the runtime tells the brain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RuntimeEvent {
    /// After a start of the daemon: all shims were asked, these instances live, were recorded as
    /// prepared, or ended while nobody watched. Until this comes the node is *adopting*: it
    /// reports its earlier executions unchanged and stops none of them.
    Adopted {
        /// Everything that the runtime knows, by instance.
        instances: BTreeMap<InstanceId, Adopted>,
    },
    /// The run directory is ready.
    Prepared {
        /// The instance.
        instance: InstanceId,
    },
    /// Processes exist.
    Launched {
        /// The instance.
        instance: InstanceId,
        /// Its main process.
        pid: u32,
        /// The ports it was given, by endpoint.
        ports: BTreeMap<String, Ports>,
    },
    /// It could not be prepared or launched: no process of it is left.
    Failed {
        /// The instance.
        instance: InstanceId,
        /// What went wrong, as people will read it: the file, the errno, the controller's name.
        why: String,
    },
    /// The instance signalled that it is healthy. A signal that a client sends comes as
    /// [`Command::SignalStarted`](crate::command::Command::SignalStarted), which can be answered;
    /// this is for checks that the runtime makes itself, and for signals kept by a shim.
    Started {
        /// The instance.
        instance: InstanceId,
    },
    /// A continuing check failed or works again.
    Health {
        /// The instance.
        instance: InstanceId,
        /// What the check says now.
        health: Health,
    },
    /// A signal was sent to it on the way to its end.
    Stopping {
        /// The instance.
        instance: InstanceId,
        /// Which.
        stage: StopStage,
    },
    /// No process of it is left; its ports are free.
    Ended {
        /// The instance.
        instance: InstanceId,
        /// How.
        exit: Exit,
    },
    /// A child was killed for memory while the instance lives on.
    ChildOutOfMemory {
        /// The instance.
        instance: InstanceId,
    },
    /// The machine's resources were sampled: what instances could use in all, whatever runs now.
    Capacity(Resources),
}

/// What became of an instance while the daemon was away.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Adopted {
    /// Its run directory is there, no process was ever started.
    Prepared,
    /// Its shim answered, or took over anew.
    Alive {
        /// Its main process.
        pid: u32,
        /// The ports it was given, by endpoint.
        ports: BTreeMap<String, Ports>,
        /// Whether its shim saw the start signal.
        started: bool,
    },
    /// It ended. An instance that the node knew and this map lacks ended as well, nobody knows
    /// how.
    Ended(Exit),
}

/// What a continuing check says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Health {
    /// It answers.
    Good,
    /// It failed, not yet as often as would end the instance.
    Doubtful,
    /// It failed as often as its bundle allows: restart it.
    Bad,
}

/// How far the end of an instance has come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum StopStage {
    /// SIGTERM was sent.
    Terminating,
    /// SIGKILL was sent to the whole cgroup.
    Killing,
}

/// How an instance ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Exit {
    /// What the kernel said of its main process.
    pub status: ExitStatus,
    /// The kernel's counter says that memory ran out.
    pub out_of_memory: bool,
    /// When.
    pub at: Wall,
    /// The daemon was not there to see it.
    pub while_away: bool,
    /// Its lease ended it.
    pub by_lease: bool,
}

/// What the kernel said of a process that ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum ExitStatus {
    /// It returned this.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
    /// Nobody is left who knows.
    Unknown,
}

impl Exit {
    /// A plain end, seen by the daemon at `at`.
    pub const fn seen(status: ExitStatus, at: Wall) -> Exit {
        Exit {
            status,
            out_of_memory: false,
            at,
            while_away: false,
            by_lease: false,
        }
    }

    /// Whether the program ended of its own will and content: code 0, or 143 or SIGTERM.
    pub const fn is_clean(&self) -> bool {
        !self.out_of_memory
            && matches!(
                self.status,
                ExitStatus::Code(0 | 143) | ExitStatus::Signal(15)
            )
    }
}
