//! Who is at the other end.

use std::net::SocketAddr;

use conduct_proxy::proxy_protocol::Ends;

/// A connection's ends, as the caller knows them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    /// Who calls.
    pub(crate) source: SocketAddr,
    /// Where it called.
    pub(crate) destination: SocketAddr,
    /// Whether the connection is encrypted.
    pub(crate) is_secure: bool,
}

impl Caller {
    pub(crate) fn ends(self) -> Ends {
        Ends {
            source: self.source,
            destination: self.destination,
        }
    }

    pub(crate) fn scheme(self) -> &'static str {
        if self.is_secure { "https" } else { "http" }
    }
}
