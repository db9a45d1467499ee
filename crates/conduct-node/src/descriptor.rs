//! What the cluster knows of a bundle without opening its archive.

use std::collections::{BTreeMap, BTreeSet};

use conduct_model::{Resources, Roles, Span, System};
use serde::{Deserialize, Serialize};

use crate::config::ComponentKind;

/// A bundle's descriptor with its configuration laid over it, as far as nodes decide by it or
/// show it. Whoever loads a bundle makes this from the archive; afterwards it never changes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Descriptor {
    /// What people call it.
    pub name: String,
    /// Equal values may replace each other.
    pub compatibility_version: String,
    /// What its instances start one after the other within.
    pub system: System,
    /// What one instance needs.
    pub needs: Resources,
    /// The roles that a node must offer.
    pub roles: Roles,
    /// Qualifiers for people.
    pub tags: Vec<String>,
    /// Free metadata, as JSON text.
    pub annotations: String,
    /// The kinds of its components: a node must be able to run them all.
    pub kinds: BTreeSet<ComponentKind>,
    /// Where instances listen, by name.
    pub endpoints: BTreeMap<String, Endpoint>,
    /// Never runs more often than asked, not even across a cut; replacements wait for the lease.
    pub exclusive: bool,
    /// What instances on a node without majority do.
    pub on_quarantine: OnQuarantine,
    /// How many instances may share a node.
    pub max_per_node: u32,
    /// How long an instance may take to signal that it is healthy.
    pub start_timeout: Option<Span>,
    /// How long an instance may take to end after SIGTERM.
    pub stop_grace: Option<Span>,
}

/// What the instances of a bundle do on a node that lost the majority.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum OnQuarantine {
    /// Their lease runs out and they are stopped.
    #[default]
    Stop,
    /// They go on, and there may be more of them than asked for until the cut heals.
    Keep,
}

/// Where an instance listens and who may find it there.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Endpoint {
    /// `http`, `tcp` or `udp`.
    pub protocol: String,
    /// The port that the program binds; 0 lets the node choose.
    pub bind_port: u16,
    /// What the service locator knows it by.
    pub service_name: Option<String>,
    /// What the proxy lets through, as the JSON of the descriptor's `acls`.
    pub acls: String,
}

impl Descriptor {
    /// A bundle of one plain process with no endpoint, of the system `system`, which needs a tenth
    /// of a processor and 64 MiB: what simulations and tests begin from.
    pub fn plain(name: &str, system: System) -> Descriptor {
        Descriptor {
            name: name.to_owned(),
            compatibility_version: "1".to_owned(),
            system,
            needs: Resources {
                cpu_millis: 100,
                memory_bytes: 64 << 20,
                disk_bytes: 64 << 20,
            },
            roles: Roles::new(),
            tags: Vec::new(),
            annotations: String::new(),
            kinds: BTreeSet::from([ComponentKind::Universal]),
            endpoints: BTreeMap::new(),
            exclusive: false,
            on_quarantine: OnQuarantine::Stop,
            max_per_node: 1,
            start_timeout: None,
            stop_grace: None,
        }
    }
}
