//! What a daemon and a shim say to each other: one JSON document a line, over the shim's socket.
//!
//! A shim may be older or younger than the daemon that asks it, so fields are only ever added, and
//! what is not understood is passed over.

use std::collections::BTreeMap;
use std::path::PathBuf;

use conduct_node::runtime::{ExitStatus, StopStage};
use serde::{Deserialize, Serialize};

use crate::container::Runc;
use crate::docker::remove;
use crate::error::story;

/// A line is never longer.
pub(crate) const LINE_BYTES_MAX: usize = 64 * 1024;

/// What a shim is started with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct ShimSpec {
    pub(crate) components: Vec<ComponentSpec>,
    pub(crate) environment: BTreeMap<String, String>,
    /// Where every component begins.
    pub(crate) root: PathBuf,
    /// Control groups that hold all components.
    pub(crate) cgroups: Vec<PathBuf>,
    /// Groups that runc makes beside them, in trees that we have no use for.
    #[serde(default)]
    pub(crate) cgroups_aside: Vec<PathBuf>,
    /// How the machine counts what the instance uses at most, for messages.
    #[serde(default)]
    pub(crate) memory_limit_bytes: Option<u64>,
    /// When the majority was last heard of, on the boot-time clock; without one there is no lease.
    pub(crate) lease_millis: Option<u64>,
    /// How long the rest has to end once a main component has ended by itself.
    pub(crate) grace_millis: u64,
}

/// A component to start.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct ComponentSpec {
    pub(crate) name: String,
    pub(crate) script: PathBuf,
    /// Its end is the instance's end. Not so for checks.
    pub(crate) main: bool,
    /// The container that it runs in, if it does.
    #[serde(default)]
    pub(crate) container: Option<ContainerSpec>,
}

/// A container as its shim sees it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct ContainerSpec {
    pub(crate) id: String,
    pub(crate) engine: Engine,
}

/// What runs a container.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Engine {
    /// The component's script ends once the container runs, whose first process is then the shim's.
    Runc(Runc),
    /// The component's script becomes this program, which stands for the container.
    Docker(PathBuf),
}

impl ContainerSpec {
    /// Removes it in whatever state it is.
    pub(crate) fn delete(&self) {
        let deleted = match &self.engine {
            Engine::Runc(runc) => runc.delete(&self.id).map_err(|why| story(&why)),
            Engine::Docker(docker) => remove(docker, &self.id).map_err(|why| why.story()),
        };
        if let Err(why) = deleted {
            tracing::warn!(container = self.id, why, "a container stays behind");
        }
    }
}

/// What a daemon says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ToShim {
    /// The majority was heard of at this moment of the boot-time clock.
    Lease(u64),
    /// End within so many milliseconds, by SIGTERM and then SIGKILL.
    Stop(u64),
    /// The instance signalled that it is healthy: remember it for the next daemon.
    Started,
}

/// What a shim says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FromShim {
    /// The first line on every connection.
    Status {
        pid: u32,
        started: bool,
    },
    Stopping(StopStage),
    ChildOutOfMemory,
}

/// The only line that a shim writes to its standard output.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ShimStart {
    Ready { pid: u32 },
    Failed(String),
}

/// How an instance ended, as its shim leaves it on the disk.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct ExitRecord {
    pub(crate) status: ExitStatus,
    pub(crate) out_of_memory: bool,
    pub(crate) at_millis: u64,
    pub(crate) by_lease: bool,
    /// Bytes of output that came too fast to be kept.
    pub(crate) output_dropped_bytes: u64,
}
