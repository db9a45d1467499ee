//! The routing table as a configuration of HAProxy (2.6 and later).
//!
//! The text is for people too: stable order, a comment at each route, names that say whose they
//! are. Everything in it that came from a descriptor is of a type without syntax and is quoted
//! besides, so no bundle can write a line of its own.
//!
//! [`change`] says what to do about a new text: nothing, tell the running process of some servers,
//! or load the file anew.

mod auth;
pub mod change;
mod config;
mod names;
mod quote;
pub mod template;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU16;

pub use auth::{Credentials, CredentialsError};
pub use config::render;
pub use quote::{Setting, SettingError};

use crate::table::Claimant;

/// What the operator says about the proxy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Where it listens.
    pub bind_host: IpAddr,
    /// For HTTP.
    pub http_port: NonZeroU16,
    /// For HTTPS, with the file that holds the certificate and its key.
    pub tls: Option<Tls>,
    /// Connections begin with a header of the PROXY protocol.
    pub accept_proxy: bool,
    /// Ports whose back ends are told of the caller with the PROXY protocol.
    pub send_proxy: BTreeSet<NonZeroU16>,
    /// What callers say about whom they speak for is passed on.
    pub trust_forwarded: bool,
    /// Endpoints that ask for a name and a password.
    pub protected: BTreeMap<Claimant, Vec<Credentials>>,
    /// Where the statistics page is.
    pub stats: Option<SocketAddr>,
    /// The socket for commands to the running process.
    pub admin_socket: Setting,
    /// Files and connections that HAProxy may have open; how many callers there may be follows
    /// from it and from what the system allows.
    pub descriptors_max: u32,
}

/// HTTPS at the proxy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tls {
    /// The port.
    pub port: NonZeroU16,
    /// The certificate with its chain, and the key, in one file.
    pub certificate: Setting,
}

impl Settings {
    /// Port 9000 at an address, and nothing else.
    pub fn at(bind_host: IpAddr, admin_socket: Setting) -> Settings {
        const HTTP_PORT: NonZeroU16 = NonZeroU16::new(9000).expect("9000 is not 0");
        Settings {
            bind_host,
            http_port: HTTP_PORT,
            tls: None,
            accept_proxy: false,
            send_proxy: BTreeSet::new(),
            trust_forwarded: false,
            protected: BTreeMap::new(),
            stats: None,
            admin_socket,
            descriptors_max: 20_000,
        }
    }

    /// The ports that no bundle gets.
    pub fn reserved(&self) -> BTreeSet<NonZeroU16> {
        let tls = self.tls.iter().map(|tls| tls.port);
        let stats = self.stats.and_then(|at| NonZeroU16::new(at.port()));
        tls.chain(stats).chain([self.http_port]).collect()
    }
}

#[cfg(test)]
mod tests;
