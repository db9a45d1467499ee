//! Nodes as runners of instances.

use serde::{Deserialize, Serialize};

use crate::address::AgentObserver;
use crate::number::Cpus;

/// A node that runs instances.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Agent {
    /// Its URI; another one for every life.
    pub address: String,
    /// The roles that it offers.
    pub roles: Vec<String>,
    /// The members that reach it, as far as the answering one knows: none means that it is lost.
    pub observed_by: Vec<AgentObserver>,
    /// What is not taken, once it has said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_available: Option<AgentResources>,
    /// What it gives to instances, all together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_capacity: Option<AgentResources>,
    /// Its key, by which commands name it.
    #[serde(default)]
    pub key: String,
    /// It gets no new instances, and its own are moved.
    #[serde(default)]
    pub draining: bool,
}

/// An amount of what nodes give.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AgentResources {
    /// Processors.
    #[cfg_attr(feature = "schema", schema(value_type = f64))]
    pub nr_of_cpus: Cpus,
    /// Bytes.
    pub memory: u64,
    /// Bytes.
    pub disk_space: u64,
}
