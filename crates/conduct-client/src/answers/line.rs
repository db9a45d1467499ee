//! Lines of logs and events.

use serde::{Deserialize, Serialize};

use super::lenient::or_default;

/// A line that an instance wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogLine {
    /// When, as it was written.
    pub timestamp: String,
    /// The host that it ran on.
    #[serde(default, deserialize_with = "or_default")]
    pub host: String,
    /// What it wrote.
    pub message: String,
    /// Where it wrote it.
    #[serde(default)]
    pub stream: Option<String>,
    /// Which instance.
    #[serde(default)]
    pub instance: Option<String>,
}

/// Something that happened or was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventLine {
    /// When, as it was written.
    pub timestamp: String,
    /// Its name: `conductr.<component>.<what>`.
    pub event: String,
    /// What happened, for people.
    #[serde(default, deserialize_with = "or_default")]
    pub description: String,
    /// The key of the node that tells.
    #[serde(default)]
    pub node: Option<String>,
    /// The host of the node that tells.
    #[serde(default)]
    pub host: Option<String>,
    /// The request that led to it.
    #[serde(default)]
    pub request_id: Option<String>,
    /// The bundle that it is about.
    #[serde(default)]
    pub bundle_id: Option<String>,
    /// The instance that it is about.
    #[serde(default)]
    pub instance: Option<String>,
}
