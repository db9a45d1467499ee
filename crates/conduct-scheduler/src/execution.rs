//! What a node tells of an instance that it has: how far it is, and how it ended.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use conduct_model::{BundleId, InstanceId, Span};
use serde::{Deserialize, Serialize};

/// An instance as its node knows it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Execution {
    /// Its name.
    pub instance: InstanceId,
    /// What it runs.
    pub bundle: BundleId,
    /// How far it is.
    pub state: State,
    /// Orders what its node tells of it: the later is true.
    pub turn: Turn,
    /// Where others find it, once it was forked.
    pub found_at: Option<Arc<Seed>>,
}

/// Orders what one node tells: later life, then later change. One number for all of a node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub struct Turn {
    /// The life of the node, as in its incarnation.
    pub start: u64,
    /// Counts the changes of this life.
    pub change: u64,
}

/// How far an instance is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum State {
    /// Its archives are fetched and unpacked. No process exists.
    Preparing,
    /// It waits for the gate. No process exists.
    Ready,
    /// It was forked and has not signalled.
    Starting,
    /// It signalled that it is healthy.
    Active,
    /// It had signalled, and its checks failed as often as its bundle allows.
    Unhealthy,
    /// It is kept from callers, and then told to end.
    Stopping,
    /// No process of it is left.
    Ended(Ending),
}

/// How an instance ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Ending {
    /// What ended it.
    pub cause: Cause,
    /// Whether it had signalled that it is healthy.
    pub signalled: bool,
    /// Whether its daemon was away for a part of its start, so that a signal may have been lost.
    pub daemon_away: bool,
    /// From its fork to its end.
    pub lasted: Span,
}

/// What ended an instance.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Cause {
    /// It returned this.
    Exited(i32),
    /// A signal from outside ended it.
    Killed(i32),
    /// The kernel ended it for its memory.
    OutOfMemory,
    /// It did not signal in time, and was ended for that.
    StartTimedOut,
    /// It could not be fetched, unpacked or launched.
    NotLaunched(Arc<str>),
    /// It was ordered to end.
    Stopped,
    /// Its lease ended it: its node had lost the majority.
    LeaseEnded,
    /// It is gone and nobody knows how, as after a reboot.
    Lost,
}

/// What follows from an ending.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Meaning {
    /// It did its work: it is left alone.
    Completed,
    /// A start failed: a try.
    FailedStart,
    /// It failed after it had been healthy.
    Failed,
    /// It is not to blame: it is started again, and nothing is counted.
    Blameless,
}

/// Where an instance is found by others of its system.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Seed {
    /// Its node.
    pub host: IpAddr,
    /// Its endpoints, by name.
    pub endpoints: BTreeMap<String, SeedEndpoint>,
}

/// An endpoint of a [`Seed`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct SeedEndpoint {
    /// `http`, `tcp` or `udp`.
    pub protocol: String,
    /// The port on its host.
    pub port: u16,
}

impl State {
    /// Whether processes of it may exist.
    pub const fn may_run(&self) -> bool {
        matches!(
            self,
            State::Starting | State::Active | State::Unhealthy | State::Stopping
        )
    }

    /// Whether it takes room on its node.
    pub const fn takes_room(&self) -> bool {
        !matches!(self, State::Ended(_))
    }
}

impl Cause {
    /// Reasons are for people, and travel in every report and every assignment.
    pub const WHY_BYTES_MAX: usize = 200;

    /// The same with a reason that is not longer than reasons may be.
    #[must_use]
    pub fn shortened(self) -> Cause {
        const CUT: &str = " …";
        match self {
            Cause::NotLaunched(why) if why.len() > Cause::WHY_BYTES_MAX => {
                let end = why.floor_char_boundary(Cause::WHY_BYTES_MAX - CUT.len());
                Cause::NotLaunched(format!("{}{CUT}", &why[..end]).into())
            }
            cause => cause,
        }
    }
}

impl Ending {
    /// What follows from it.
    pub const fn meaning(&self) -> Meaning {
        match self.cause {
            Cause::Stopped | Cause::LeaseEnded | Cause::Lost => Meaning::Blameless,
            _ if self.daemon_away && !self.signalled => Meaning::Blameless,
            Cause::Exited(0 | 143) | Cause::Killed(15) if self.signalled => Meaning::Completed,
            _ if self.signalled => Meaning::Failed,
            _ => Meaning::FailedStart,
        }
    }
}

/// As people read it: `exited with 1 after 0.2 s`.
impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lasted = self.lasted;
        match &self.cause {
            Cause::Exited(code) => write!(f, "exited with {code} after {lasted}"),
            Cause::Killed(signal) => write!(f, "killed by signal {signal} after {lasted}"),
            Cause::OutOfMemory => write!(f, "ran out of memory after {lasted}"),
            Cause::StartTimedOut => write!(f, "did not signal within {lasted}"),
            Cause::NotLaunched(why) => write!(f, "could not be launched: {why}"),
            Cause::Stopped => write!(f, "stopped as ordered after {lasted}"),
            Cause::LeaseEnded => write!(f, "ended by its lease, as its node was cut off"),
            Cause::Lost => write!(f, "gone, nobody saw how"),
        }
    }
}
