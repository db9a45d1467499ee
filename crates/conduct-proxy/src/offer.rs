//! What the cluster says: an endpoint, its rules, and who is active behind it.

use std::net::SocketAddr;

use conduct_model::{Acl, BundleId, BundleName, EndpointName, System, Wall};

/// An endpoint of a loaded bundle, with rules for a proxy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Offer {
    /// The bundle.
    pub bundle: BundleId,
    /// What people call it; releases of one bundle share the name.
    pub name: BundleName,
    /// Its system.
    pub system: System,
    /// Since when it is loaded. Of two bundles that claim the same, the first one keeps it.
    pub since: Wall,
    /// The endpoint.
    pub endpoint: EndpointName,
    /// What a proxy lets through to it.
    pub acls: Vec<Acl>,
    /// Its active instances.
    pub servers: Vec<Server>,
}

/// Where an active instance listens.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Server(pub SocketAddr);
