//! What the runtime is told about its node.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use conduct_model::Digest;

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
}

/// A service that instances are told of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Service {
    /// Its address.
    pub ip: IpAddr,
    /// Its port.
    pub port: u16,
}
