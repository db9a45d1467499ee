//! The hands that run instances, without any processes.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use conduct_model::{BundleId, InstanceId, Span, Time};

use crate::execution::{Cause, Seed};
use crate::host::Found;

/// How the instances of a bundle behave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Conduct {
    /// They signal after this time, and run until they are ended.
    Good(Span),
    /// They end with this code after that time, without a signal.
    FailsToStart(i32, Span),
    /// They neither signal nor end.
    Silent,
    /// They signal at once, and end with this code after that time.
    Ends(i32, Span),
    /// Their archive cannot be unpacked.
    Broken,
}

/// A fake instance.
#[derive(Clone, Debug)]
pub(super) struct Process {
    pub(super) bundle: BundleId,
    pub(super) phase: Phase,
    /// It has got its SIGTERM.
    pub(super) doomed: bool,
}

/// How far a fake instance is.
#[derive(Clone, Debug)]
pub(super) enum Phase {
    Prepared,
    Starting,
    Signalled,
    /// The daemon was away when it ended, or has not forgotten it yet.
    Ended(Cause),
}

/// The instances of one node. They outlive its daemon.
#[derive(Clone, Debug, Default)]
pub(super) struct Hands {
    pub(super) processes: BTreeMap<InstanceId, Process>,
    /// When the shims end whatever runs.
    pub(super) lease: Time,
}

impl Hands {
    pub(super) fn living(&self) -> impl Iterator<Item = (InstanceId, &Process)> {
        let lives =
            |process: &&Process| matches!(process.phase, Phase::Starting | Phase::Signalled);
        self.processes
            .iter()
            .map(|(id, process)| (*id, process))
            .filter(move |(_, p)| lives(p))
    }

    /// What a daemon finds that comes back.
    pub(super) fn found(&self, node: usize) -> BTreeMap<InstanceId, Found> {
        let found = |process: &Process| match &process.phase {
            Phase::Prepared => Found::Prepared,
            Phase::Starting => Found::Alive {
                found_at: place(node),
                signalled: false,
            },
            Phase::Signalled => Found::Alive {
                found_at: place(node),
                signalled: true,
            },
            Phase::Ended(cause) => Found::Ended {
                cause: cause.clone(),
            },
        };
        self.processes
            .iter()
            .map(|(id, process)| (*id, found(process)))
            .collect()
    }
}

/// Where the instances of a fake node are found.
pub(crate) fn place(node: usize) -> Arc<Seed> {
    let last = u8::try_from(node % 250).unwrap_or(0) + 1;
    Arc::new(Seed {
        host: Ipv4Addr::new(10, 0, 0, last).into(),
        endpoints: BTreeMap::new(),
    })
}
