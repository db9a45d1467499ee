//! What a node is told about itself before its first step.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use conduct_model::{NodeKey, Resources, Roles, Span};
use serde::{Deserialize, Serialize};

/// How a component is run; what a node lacks it never gets.
pub use conduct_scheduler::Kind as ComponentKind;

/// The settings of one node. They do not change while it lives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Config {
    /// Who it is: the digest of its public key, which the transport proves to its peers.
    pub key: NodeKey,
    /// Where peers reach its cluster port.
    pub address: SocketAddr,
    /// What it takes part in.
    pub duty: Duty,
    /// The roles that it offers to bundles.
    pub roles: Roles,
    /// What it gives to instances, all together.
    pub capacity: Resources,
    /// The kinds of components that it can run.
    pub kinds: BTreeSet<ComponentKind>,
    /// Whether the roles of bundles decide where they may run.
    pub role_matching: RoleMatching,
    /// How quickly it judges its peers.
    pub profile: Profile,
    /// How many core nodes should hold each archive.
    pub nr_of_replicas: u32,
    /// How long an instance may take to signal that it is healthy, unless its bundle says
    /// otherwise.
    pub start_timeout: Span,
    /// How long an instance may take to end after SIGTERM, unless its bundle says otherwise.
    pub stop_grace: Span,
    /// How long an archive stays on disk after nothing that is loaded names it any more.
    pub retain: Span,
    /// Where to look for the cluster when nothing on disk says it. Empty on the node that begins
    /// one.
    pub seeds: Vec<SocketAddr>,
    /// The program's version, as people see it.
    pub build: String,
}

/// What a node takes part in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Duty {
    /// Keeps state and archives, serves the API, may vote and own; runs nothing.
    Core,
    /// Runs instances; keeps no archives beyond those it runs.
    Agent,
    /// Both, as most nodes are.
    Both,
}

/// Whether and how the roles of bundles and nodes must agree.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum RoleMatching {
    /// Roles are only shown.
    #[default]
    Off,
    /// A node offers every role that the bundle asks for.
    All,
    /// A node offers at least one of them.
    Any,
}

/// The timing of membership.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Profile {
    /// Round trips up to some 50 ms.
    #[default]
    Lan,
    /// Anything slower.
    Wan,
}

impl Duty {
    /// Whether such a node keeps state and archives, may vote and own.
    pub const fn is_core(self) -> bool {
        matches!(self, Duty::Core | Duty::Both)
    }

    /// Whether such a node runs instances.
    pub const fn runs_instances(self) -> bool {
        matches!(self, Duty::Agent | Duty::Both)
    }
}

impl Config {
    /// A node that is both core and agent on a local network, with four processors, 8 GiB of
    /// memory and 64 GiB of disk: what simulations and tests begin from.
    pub fn local(key: NodeKey, address: SocketAddr) -> Config {
        Config {
            key,
            address,
            duty: Duty::Both,
            roles: Roles::new(),
            capacity: Resources {
                cpu_millis: 4_000,
                memory_bytes: 8 << 30,
                disk_bytes: 64 << 30,
            },
            kinds: BTreeSet::from([ComponentKind::Universal]),
            role_matching: RoleMatching::Off,
            profile: Profile::Lan,
            nr_of_replicas: 3,
            start_timeout: Span::secs(60),
            stop_grace: Span::secs(8),
            retain: Span::secs(60),
            seeds: Vec::new(),
            build: String::new(),
        }
    }
}
