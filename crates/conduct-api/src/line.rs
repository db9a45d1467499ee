//! Lines of logs and events.

use serde::{Deserialize, Serialize};

use crate::timestamp::Timestamp;

/// A line that an instance wrote.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LogLine {
    /// When.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = DateTime))]
    pub timestamp: Timestamp,
    /// The host that it ran on.
    pub host: String,
    /// What it wrote.
    pub message: String,
    /// Where it wrote it.
    #[serde(default)]
    pub stream: Stream,
    /// Which instance.
    #[serde(default)]
    pub instance: String,
}

/// Where a line was written to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Standard output.
    #[default]
    Stdout,
    /// Standard error.
    Stderr,
}

/// Something that happened or was decided.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct EventLine {
    /// When.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = DateTime))]
    pub timestamp: Timestamp,
    /// Its name: `conductr.<component>.<what>`.
    pub event: String,
    /// What happened, for people, followed by `key=value` pairs.
    pub description: String,
    /// The key of the node that tells.
    #[serde(default)]
    pub node: String,
    /// The host of the node that tells.
    #[serde(default)]
    pub host: String,
    /// The request that led to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The bundle that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle_id: Option<String>,
    /// The instance that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
}
