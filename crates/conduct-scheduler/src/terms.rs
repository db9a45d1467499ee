//! What a bundle asks of the nodes that run it, and what people wish of the bundle.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use conduct_model::{BundleId, Resources, Roles, Span};
use serde::{Deserialize, Serialize};

/// How a component is run. A node that cannot run a kind never gets it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Kind {
    /// A plain process.
    Universal,
    /// A container from an image's layers, by runc.
    OciImage,
    /// A container from an unpacked root, by runc.
    OciBundle,
    /// A container of a Docker engine.
    Docker,
}

/// A set of [`Kind`]s.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Kinds(u8);

/// What one instance of a bundle needs and how it is treated. Fixed with the bundle.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Terms {
    /// What people call the bundle; reasons mention it.
    pub name: Arc<str>,
    /// What one instance takes.
    pub needs: Resources,
    /// The roles that it asks for.
    pub roles: Roles,
    /// The kinds of all its components.
    pub kinds: Kinds,
    /// How many instances may share a node.
    pub max_per_node: u32,
    /// Whether it must never run more often than asked, not even across a cut.
    pub exclusive: bool,
    /// How long it may take from its fork to its start signal.
    pub start_timeout: Span,
    /// How long it may take from SIGTERM to its end.
    pub stop_grace: Span,
}

/// What people wish of one bundle that is loaded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wish {
    /// What it needs.
    pub terms: Arc<Terms>,
    /// How many instances, with all offsets counted.
    pub scale: u32,
    /// Only on nodes where this bundle runs.
    pub affinity: Option<BundleId>,
    /// Differs whenever somebody asked anew: then failures are forgiven, and instances that had
    /// completed are due again.
    pub generation: u64,
}

/// All wishes of one system: one entry for each of its bundles that is loaded.
pub type Wishes = BTreeMap<BundleId, Wish>;

impl Kind {
    /// All there are.
    pub const ALL: [Kind; 4] = [
        Kind::Universal,
        Kind::OciImage,
        Kind::OciBundle,
        Kind::Docker,
    ];

    /// What a node lacks that cannot run this kind.
    const fn tool(self) -> &'static str {
        match self {
            Kind::Universal => "processes of its own",
            Kind::OciImage | Kind::OciBundle => "runc",
            Kind::Docker => "a Docker engine",
        }
    }
}

impl Kinds {
    /// None.
    pub const NONE: Kinds = Kinds(0);

    /// This set with `kind` in it.
    #[must_use]
    pub const fn with(self, kind: Kind) -> Kinds {
        Kinds(self.0 | 1 << kind as u8)
    }

    /// Whether `kind` is in it.
    pub const fn has(self, kind: Kind) -> bool {
        self.0 & (1 << kind as u8) != 0
    }

    /// Those of `wanted` that are not in it.
    #[must_use]
    pub const fn lacking(self, wanted: Kinds) -> Kinds {
        Kinds(wanted.0 & !self.0)
    }

    /// Whether there is nothing in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What is in it.
    pub fn iter(self) -> impl Iterator<Item = Kind> {
        Kind::ALL.into_iter().filter(move |kind| self.has(*kind))
    }
}

impl FromIterator<Kind> for Kinds {
    fn from_iter<I: IntoIterator<Item = Kind>>(kinds: I) -> Kinds {
        kinds.into_iter().fold(Kinds::NONE, Kinds::with)
    }
}

impl fmt::Debug for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// The tools that these kinds need, for people: `runc and a Docker engine`.
impl fmt::Display for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tools: Vec<&str> = self.iter().map(Kind::tool).collect();
        tools.dedup();
        f.write_str(&tools.join(" and "))
    }
}
