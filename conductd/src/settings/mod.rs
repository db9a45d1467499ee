//! The daemon's settings: defaults, then a file, then the environment, then the command line.

mod ingress;
mod read;
mod table;

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;

use conduct_model::{Resources, Roles, Span};
use conduct_node::config::{Duty, Profile, RoleMatching};
use conduct_runtime::LimitPolicy;

pub(crate) use ingress::IngressSettings;
pub(crate) use read::Sources;
pub(crate) use table::{SETTINGS, variable};

/// What the daemon goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) ip: IpAddr,
    pub(crate) state_dir: PathBuf,
    pub(crate) seeds: Vec<SocketAddr>,
    pub(crate) duty: Duty,
    pub(crate) roles: Roles,
    pub(crate) role_matching: RoleMatching,
    pub(crate) profile: Profile,
    pub(crate) cluster_port: u16,
    pub(crate) control_ip: IpAddr,
    pub(crate) control_port: u16,
    pub(crate) status_port: u16,
    pub(crate) locator_port: u16,
    /// None where this node takes no callers in.
    pub(crate) ingress: Option<IngressSettings>,
    pub(crate) capacity: Capacity,
    pub(crate) endpoint_ports: RangeInclusive<u16>,
    pub(crate) replicas: u32,
    pub(crate) archive_bytes_max: u64,
    pub(crate) retain: Span,
    pub(crate) start_timeout: Span,
    pub(crate) stop_grace: Span,
    pub(crate) runc: String,
    pub(crate) docker: String,
    pub(crate) limits: LimitPolicy,
    /// For tests of split networks.
    pub(crate) cut_file: Option<PathBuf>,
    pub(crate) log_level: String,
    pub(crate) log_format: LogFormat,
}

/// What instances may use in all; what is not said is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Capacity {
    pub(crate) cpu_millis: Option<u64>,
    pub(crate) memory_bytes: Option<u64>,
    pub(crate) disk_bytes: Option<u64>,
}

/// How the daemon's log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// Human on a terminal, JSON elsewhere.
    Auto,
    Human,
    Json,
}

impl Capacity {
    /// Fills what was not said from what the machine has.
    pub(crate) fn over(self, machine: Resources) -> Resources {
        Resources {
            cpu_millis: self.cpu_millis.unwrap_or(machine.cpu_millis),
            memory_bytes: self.memory_bytes.unwrap_or(machine.memory_bytes),
            disk_bytes: self.disk_bytes.unwrap_or(machine.disk_bytes),
        }
    }
}
