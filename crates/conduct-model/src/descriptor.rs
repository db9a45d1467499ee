//! A bundle as its `bundle.conf` describes it, every key in the type that it has to have.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::annotations::Annotations;
use crate::check::{Check, Liveness};
use crate::endpoint::{ChoiceError, Endpoint, choice};
use crate::name::{
    BundleName, CompatibilityVersion, ComponentName, EndpointName, EnvName, FormatVersion,
    MountPoint, Tag, VolumeName,
};
use crate::word::Word;
use crate::{Resources, Roles, Span, System};

/// What a bundle is, needs and offers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Descriptor {
    /// The version of the descriptor's format.
    pub version: FormatVersion,
    /// What people call it.
    pub name: BundleName,
    /// Which releases of it may stand in for each other.
    pub compatibility_version: CompatibilityVersion,
    /// Whose instances start one after the other and seed each other.
    pub system: System,
    /// What a node must have left to take an instance.
    pub resources: Resources,
    /// What a node must be for.
    pub roles: Roles,
    /// What people tell it from other releases by, in their order.
    pub tags: Vec<Tag>,
    /// What it carries for others.
    pub annotations: Annotations,
    /// Its parts; at least one.
    pub components: BTreeMap<ComponentName, Component>,
    /// Whether two instances must never run at once, not even while the cluster is cut in two.
    pub exclusive: bool,
    /// What becomes of instances on a node that the cluster has lost.
    pub on_quarantine: OnQuarantine,
    /// How many instances may share a node.
    pub max_per_node: NonZeroU32,
    /// How long an instance may take to end before it is killed; none is what the node says.
    pub stop_grace: Option<Span>,
    /// How long an instance may take to signal its start; none is what the node says.
    pub start_timeout: Option<Span>,
    /// Variables whose values come from elsewhere and are never written into a bundle.
    pub secrets: BTreeSet<EnvName>,
}

/// A part of a bundle: one process, or one container.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Component {
    /// For people.
    pub description: String,
    /// What its folder holds, and so how it is run.
    pub file_system_type: FileSystemType,
    /// What to run; nothing means what its image says.
    pub start_command: Vec<Word>,
    /// What it listens on.
    pub endpoints: BTreeMap<EndpointName, Endpoint>,
    /// What it keeps on its host.
    pub volumes: BTreeMap<VolumeName, MountPoint>,
    /// What its command checks, if the command is `check`.
    pub check: Option<Check>,
}

/// What is in a component's folder.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum FileSystemType {
    /// Files of a process on the host.
    Universal,
    /// An OCI image.
    OciImage,
    /// An OCI runtime bundle: `config.json` and a root file system.
    OciBundle,
    /// A `Dockerfile` and what it needs.
    Docker,
}

/// What becomes of instances on a node that cannot reach a majority.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub enum OnQuarantine {
    /// They are stopped before the majority's replacements count on it.
    #[default]
    Stop,
    /// They go on, and for a while there may be more of them than wished.
    Keep,
}

choice!(FileSystemType {
    Universal = "universal",
    OciImage = "oci-image",
    OciBundle = "oci-bundle",
    Docker = "docker",
});
choice!(OnQuarantine { Stop = "stop", Keep = "keep" });

impl Descriptor {
    /// Instances on one node, unless the descriptor says more.
    pub const MAX_PER_NODE_DEFAULT: NonZeroU32 = NonZeroU32::MIN;

    /// All endpoints. No two have the same name, whichever component they belong to.
    pub fn endpoints(&self) -> impl Iterator<Item = (&EndpointName, &Endpoint)> {
        self.components
            .values()
            .flat_map(|component| &component.endpoints)
    }

    /// The endpoint with this name.
    pub fn endpoint(&self, name: &str) -> Option<&Endpoint> {
        self.components
            .values()
            .find_map(|component| component.endpoints.get(name))
    }

    /// The components whose end is the end of an instance: all but checks.
    pub fn main_components(&self) -> impl Iterator<Item = (&ComponentName, &Component)> {
        self.components
            .iter()
            .filter(|(_, component)| component.check.is_none())
    }

    /// The checks that go on once an instance has started.
    pub fn liveness(&self) -> impl Iterator<Item = (&ComponentName, &Check, &Liveness)> {
        self.components.iter().filter_map(|(name, component)| {
            let check = component.check.as_ref()?;
            Some((name, check, check.liveness.as_ref()?))
        })
    }
}
