//! The routing table: every route in the order in which it is tried.

mod assemble;
mod clash;
mod order;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU16;

use conduct_model::{BundleName, EndpointName, HttpRule};

pub(crate) use clash::Requests;
pub use clash::{Claimant, Clash};

use crate::offer::{Offer, Server};

/// Which requests and ports lead where.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Table {
    /// The first that fits takes a request.
    pub http: Vec<HttpRoute>,
    /// Ports that are open.
    pub tcp: BTreeMap<NonZeroU16, TcpRoute>,
    /// What was claimed and not given.
    pub clashes: Vec<Clash>,
}

/// Requests of HTTP, and who answers them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HttpRoute {
    /// Which requests, and what becomes of their path.
    pub rule: HttpRule,
    /// Whose they are.
    pub owner: Claimant,
    /// Active instances, at least one, in order, each once.
    pub servers: Vec<Server>,
}

/// A port, and who answers there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TcpRoute {
    /// Whose it is.
    pub owner: Claimant,
    /// Active instances, at least one, in order, each once.
    pub servers: Vec<Server>,
}

impl Table {
    /// The table of these offers. Ports that are `reserved` belong to the proxy itself.
    ///
    /// The order of the offers makes no difference.
    pub fn of(offers: &[Offer], reserved: &BTreeSet<NonZeroU16>) -> Table {
        assemble::assemble(offers, reserved)
    }

    /// Every server that a route leads to.
    pub fn servers(&self) -> BTreeSet<Server> {
        let http = self.http.iter().flat_map(|route| &route.servers);
        let tcp = self.tcp.values().flat_map(|route| &route.servers);
        http.chain(tcp).copied().collect()
    }

    /// Whether an endpoint of a bundle gets any requests.
    pub fn serves(&self, name: &BundleName, endpoint: &EndpointName) -> bool {
        let is_it = |owner: &Claimant| owner.name == *name && owner.endpoint == *endpoint;
        self.http.iter().any(|route| is_it(&route.owner))
            || self.tcp.values().any(|route| is_it(&route.owner))
    }
}

#[cfg(test)]
pub(crate) mod tests;
