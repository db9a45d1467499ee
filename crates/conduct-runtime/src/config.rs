//! What the runtime is told about its node.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use conduct_model::Digest;

use crate::container::Images;

/// The settings of a node's runtime.
pub struct RuntimeConfig {
    /// Where run directories are made.
    pub runs: PathBuf,
    /// The program whose `shim` and `check` modes are used: the daemon's own.
    pub program: PathBuf,
    /// The address by which callers reach instances.
    pub host_ip: IpAddr,
    /// The ports that instances may be given.
    pub ports: RangeInclusive<u16>,
    /// The control API, for instances that ask it.
    pub control: Service,
    /// Where instances signal that they are healthy.
    pub status: Service,
    /// The service locator.
    pub locator: Service,
    /// Finds an archive on the disk.
    pub archive: Box<dyn Fn(Digest) -> Option<PathBuf> + Send + Sync>,
    /// Sets this node's control groups apart from those of other nodes on the machine.
    pub name: String,
    /// Where the volumes of containers are, by bundle, compatibility version and name.
    pub volumes: PathBuf,
    /// The program that runs containers, by its path or its name.
    pub runc: PathBuf,
    /// The program that asks an engine to run what a `Dockerfile` makes, by its path or its name.
    pub docker: PathBuf,
    /// What unpacks images; without it no component of type `oci-image` runs.
    pub images: Option<Box<dyn Images>>,
    /// What instances are held to.
    pub limits: LimitPolicy,
}

/// What instances are held to, on machines that let the daemon do so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LimitPolicy {
    /// Whether an instance that uses more memory than its bundle asked for is killed.
    pub memory: MemoryLimit,
    /// Processes and threads that an instance may have at once.
    pub processes: u64,
}

impl Default for LimitPolicy {
    fn default() -> LimitPolicy {
        LimitPolicy {
            memory: MemoryLimit::AsAsked,
            processes: 1024,
        }
    }
}

/// What becomes of an instance that uses more memory than its bundle asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MemoryLimit {
    /// The kernel kills it.
    AsAsked,
    /// Nothing, until the machine has none left.
    None,
}

impl MemoryLimit {
    /// Less than this no program of any kind can live on: who asks for less does not know.
    pub const BYTES_MIN: u64 = 32 << 20;

    /// The limit for an instance whose bundle asks for so much.
    pub(crate) fn of(self, asked_bytes: u64) -> Option<u64> {
        match self {
            MemoryLimit::AsAsked => Some(asked_bytes.max(MemoryLimit::BYTES_MIN)),
            MemoryLimit::None => None,
        }
    }
}

/// A service that instances are told of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Service {
    /// Its address.
    pub ip: IpAddr,
    /// Its port.
    pub port: u16,
}
