//! Why a wish is not met.

use serde::{Deserialize, Serialize};

/// What stands between a bundle and the number of instances wished for.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Why {
    /// The bundle.
    pub bundle_id: String,
    /// How many instances are missing; none when the wish is met.
    pub missing: u32,
    /// What stands against it as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overall: Option<String>,
    /// What those that are missing wait for.
    #[serde(default)]
    pub waits: Vec<String>,
    /// Why nobody can be given the archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<String>,
    /// Per node, the first thing that stands against it, with its numbers.
    pub nodes: Vec<WhyNode>,
}

/// What stands against a node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct WhyNode {
    /// Its key.
    pub node: String,
    /// Its host.
    pub host: String,
    /// What stands against it.
    pub reason: String,
}
