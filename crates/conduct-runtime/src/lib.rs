//! Runs instances and watches over them.
//!
//! Every instance has a *shim*: a tiny process of the daemon's own binary that owns its output, its
//! log files, its lease and its exit status. The daemon can be killed or replaced while instances go
//! on; the next one asks the shims and adopts what lives. Nothing is ever recognised by its pid
//! alone.
//!
//! [`Runtime::order`] takes the brain's orders and never waits; what comes of them is told as
//! [`RuntimeEvent`](conduct_node::runtime::RuntimeEvent)s.

mod actor;
mod adopt;
mod cgroup;
mod check;
mod clear;
mod config;
mod contained;
mod container;
mod docker;
mod environment;
mod error;
mod folder;
mod house;
mod launch;
mod logs;
mod modes;
mod ports;
mod prepare;
mod processes;
mod protocol;
mod record;
mod runtime;
mod script;
mod shim;
mod socket;
mod speaker;

pub use clear::clear;
pub use config::{LimitPolicy, MemoryLimit, RuntimeConfig, Service};
pub use container::{
    Abilities, Account, ContainerRoot, Ids, ImageFailure, ImageRequest, Images, Owner, abilities,
};
pub use error::RuntimeError;
pub use logs::{LogLine, LogStream, instances_of, read_logs};
pub use modes::mode_main;
pub use runtime::Runtime;
pub use speaker::{Speaker, speaker};
