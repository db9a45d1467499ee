//! What the operator says, and the bounds of everything.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;

/// What the operator says about the ingress.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Where the ports of tcp rules are opened.
    pub bind_host: IpAddr,
    /// The certificate for HTTPS.
    pub tls: Option<TlsFiles>,
    /// Connections begin with a header of the PROXY protocol; those that do not are refused.
    pub accept_proxy: bool,
    /// Ports whose back ends are told of the caller with the PROXY protocol.
    pub send_proxy: BTreeSet<NonZeroU16>,
    /// What callers say about whom they speak for (`X-Forwarded-…`) is passed on.
    pub trust_forwarded: bool,
    /// Each request is logged.
    pub access_log: bool,
    /// Bounds.
    pub limits: Limits,
}

/// Files of a certificate. They are read again when they change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlsFiles {
    /// The certificate with its chain, as PEM.
    pub certificate: PathBuf,
    /// Its key, as PEM; may be the same file.
    pub key: PathBuf,
}

/// How much, and for how long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Connections of callers, all ports together.
    pub connections_max: usize,
    /// Bytes of the head of a request.
    pub head_bytes_max: usize,
    /// From the moment that a connection waits for a request until its head is there.
    pub head_time_max: Duration,
    /// For connecting to an instance.
    pub connect_time_max: Duration,
    /// For the head of an instance's answer.
    pub answer_time_max: Duration,
    /// For the next piece of content, in either direction.
    pub content_idle_max: Duration,
    /// For the next bytes through a connection that is no HTTP any more, in either direction.
    pub tunnel_idle_max: Duration,
    /// How long a connection to an instance is kept for a next request. Some servers close theirs
    /// after five seconds, so this is less: who closes first is never surprised.
    pub kept_time_max: Duration,
    /// Kept connections to one instance.
    pub kept_max: usize,
    /// How long requests that an instance still has are waited for before it is said that it is
    /// out of the routing.
    pub drain_time_max: Duration,
    /// For requests that are under way when the daemon stops.
    pub farewell_time_max: Duration,
}

impl Settings {
    /// Everything as usual.
    pub fn at(bind_host: IpAddr) -> Settings {
        Settings {
            bind_host,
            tls: None,
            accept_proxy: false,
            send_proxy: BTreeSet::new(),
            trust_forwarded: false,
            access_log: true,
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections_max: 10_000,
            head_bytes_max: 16 * 1024,
            head_time_max: Duration::from_secs(10),
            connect_time_max: Duration::from_secs(5),
            answer_time_max: Duration::from_secs(50),
            content_idle_max: Duration::from_secs(50),
            tunnel_idle_max: Duration::from_secs(3600),
            kept_time_max: Duration::from_secs(4),
            kept_max: 256,
            drain_time_max: Duration::from_millis(1500),
            farewell_time_max: Duration::from_secs(5),
        }
    }
}
