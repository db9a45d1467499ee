//! A bundle and all that is known of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::acl::Acl;
use crate::address::UniqueAddress;
use crate::number::Cpus;
use crate::timestamp::Timestamp;

/// A bundle, what is wished for it, and what there is of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Bundle {
    /// 32 digits of each digest.
    pub bundle_id: String,
    /// The archive.
    pub bundle_digest: String,
    /// The archive of the configuration laid over it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration_digest: Option<String>,
    /// What it says of itself, the configuration laid over it.
    pub attributes: Attributes,
    /// Where its instances listen.
    #[serde(default)]
    pub bundle_config: BundleConfig,
    /// What is wished for, once somebody wished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle_scale: Option<Scale>,
    /// Its instances that have processes.
    #[serde(default)]
    pub bundle_executions: Vec<Execution>,
    /// Who holds its archives.
    pub bundle_installations: Vec<Installation>,
    /// Whether something is wrong with it.
    pub has_error: bool,
    /// What is wrong with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How many instances are on their way and have no process yet.
    #[serde(default)]
    pub preparing: u32,
}

/// What a bundle says of itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Attributes {
    /// What people call it.
    pub bundle_name: String,
    /// Equal values may replace each other.
    pub compatibility_version: String,
    /// What its instances start one after the other within.
    pub system: String,
    /// The system's version.
    pub system_version: String,
    /// Processors that an instance needs.
    #[cfg_attr(feature = "schema", schema(value_type = f64))]
    pub nr_of_cpus: Cpus,
    /// Bytes that an instance needs.
    pub memory: u64,
    /// Bytes that an instance needs.
    pub disk_space: u64,
    /// Roles that a node must offer.
    pub roles: Vec<String>,
    /// Qualifiers for people.
    #[serde(default)]
    pub tags: Vec<String>,
    /// What it carries for others, as far as the cluster keeps it.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(value_type = Object))]
    pub annotations: Map<String, Value>,
}

/// Where the instances of a bundle listen.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct BundleConfig {
    /// By name.
    pub endpoints: BTreeMap<String, BundleEndpoint>,
}

/// Where an instance listens and who may find it there.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct BundleEndpoint {
    /// `http`, `tcp` or `udp`.
    pub bind_protocol: String,
    /// What the service locator knows it by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_name: Option<String>,
    /// What the proxy lets through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acls: Option<Vec<Acl>>,
}

/// What is wished for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Scale {
    /// How many instances.
    pub scale: u32,
    /// Only where that bundle runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affinity: Option<String>,
    /// How often an instance was started again in place of one that failed.
    #[serde(default)]
    pub nr_of_reschedules: u64,
}

/// An instance that has processes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Execution {
    /// The address of its node.
    pub host: String,
    /// Its main process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// When its processes were started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = DateTime))]
    pub start_time: Option<Timestamp>,
    /// Its ports, by endpoint.
    pub endpoints: BTreeMap<String, ExecutionPorts>,
    /// The same as `isActive`, for clients that know nothing else.
    pub is_started: bool,
    /// Whether callers are sent to it.
    #[serde(default)]
    pub is_active: bool,
    /// Its name, for ever.
    #[serde(default)]
    pub instance: String,
    /// The key of its node.
    #[serde(default)]
    pub node: String,
    /// `starting`, `running`, `unhealthy` or `stopping`.
    #[serde(default)]
    pub state: String,
}

/// The ports of an endpoint of an instance.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ExecutionPorts {
    /// What the program binds.
    pub bind_port: u16,
    /// What callers use.
    pub host_port: u16,
}

/// A member that holds all archives of a bundle.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Installation {
    /// Which.
    pub unique_address: UniqueAddress,
    /// Where it keeps the archive: a `file:` URI.
    pub bundle_file: String,
    /// Where it keeps the configuration's archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration_file: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_of_an_old_server_can_be_read() {
        let text = r#"{
            "bundleId": "0a1b", "bundleDigest": "0a1b",
            "attributes": {
                "bundleName": "orders", "compatibilityVersion": "2", "system": "shop",
                "systemVersion": "2", "nrOfCpus": 0.5, "memory": 1, "diskSpace": 2, "roles": ["web"]
            },
            "bundleExecutions": [{
                "host": "10.0.0.7", "endpoints": {"web": {"bindPort": 1, "hostPort": 2}},
                "isStarted": true
            }],
            "bundleInstallations": [], "hasError": false
        }"#;
        let bundle: Bundle = serde_json::from_str(text).unwrap();
        assert_eq!(bundle.attributes.nr_of_cpus.millis, 500);
        assert_eq!(bundle.bundle_executions[0].endpoints["web"].host_port, 2);
        assert_eq!(bundle.bundle_scale, None);
    }
}
