//! A bundle and all that is known of it.

use std::collections::BTreeMap;

use conduct_api::Acl;
use serde::{Deserialize, Deserializer};
use serde_json::Number;

use super::lenient::or_default;
use super::member::Node;

/// A bundle, what is wished for it, and what there is of it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bundle {
    /// 32 digits of each digest.
    pub bundle_id: String,
    /// The archive.
    #[serde(default, deserialize_with = "or_default")]
    pub bundle_digest: String,
    /// The archive of the configuration laid over it.
    #[serde(default)]
    pub configuration_digest: Option<String>,
    /// What it says of itself.
    #[serde(default, deserialize_with = "or_default")]
    pub attributes: Attributes,
    /// Where its instances listen.
    #[serde(default, deserialize_with = "or_default")]
    pub bundle_config: BundleConfig,
    /// What is wished for, once somebody wished.
    #[serde(default)]
    pub bundle_scale: Option<Scale>,
    /// Its instances.
    #[serde(default, deserialize_with = "or_default")]
    pub bundle_executions: Vec<Execution>,
    /// Who holds its archives.
    #[serde(default, deserialize_with = "or_default")]
    pub bundle_installations: Vec<Installation>,
    /// Whether something is wrong with it.
    #[serde(default, deserialize_with = "or_default")]
    pub has_error: bool,
    /// What is wrong with it.
    #[serde(default)]
    pub error: Option<String>,
    /// How many instances are on their way and have no process yet.
    #[serde(default, deserialize_with = "or_default")]
    pub preparing: u32,
    /// Since when it is loaded, in milliseconds since 1970.
    #[serde(default)]
    pub loaded_at: Option<u64>,
}

/// What a bundle says of itself.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Attributes {
    /// What people call it.
    #[serde(deserialize_with = "or_default")]
    pub bundle_name: String,
    /// Equal values may replace each other.
    pub compatibility_version: Option<String>,
    /// What its instances start one after the other within.
    pub system: Option<String>,
    /// The system's version.
    pub system_version: Option<String>,
    /// Processors that an instance needs, as it was written.
    pub nr_of_cpus: Option<Number>,
    /// Bytes that an instance needs.
    pub memory: Option<u64>,
    /// Bytes that an instance needs.
    pub disk_space: Option<u64>,
    /// Roles that a node must offer.
    #[serde(deserialize_with = "or_default")]
    pub roles: Vec<String>,
    /// Qualifiers for people; nothing from servers that do not know them.
    pub tags: Option<Vec<String>>,
}

/// Where the instances of a bundle listen.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct BundleConfig {
    /// By name.
    #[serde(deserialize_with = "or_default")]
    pub endpoints: BTreeMap<String, Endpoint>,
}

/// Where an instance listens and who may find it there.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Endpoint {
    /// `http`, `tcp` or `udp`.
    pub bind_protocol: Option<String>,
    /// What the service locator knows it by.
    pub service_name: Option<String>,
    /// The same in the old style: URIs.
    #[serde(deserialize_with = "or_default")]
    pub services: Vec<String>,
    /// What the proxy lets through.
    #[serde(deserialize_with = "or_default")]
    pub acls: Vec<Acl>,
}

/// What is wished for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scale {
    /// How many instances.
    pub scale: u32,
    /// Only where that bundle runs.
    pub affinity: Option<String>,
    /// How often an instance was started again in place of one that failed.
    pub nr_of_reschedules: Option<u32>,
}

impl<'de> Deserialize<'de> for Scale {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Scale, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            #[serde(rename_all = "camelCase")]
            Object {
                scale: u32,
                #[serde(default)]
                affinity: Option<String>,
                #[serde(default)]
                nr_of_reschedules: Option<u32>,
            },
            Number(u32),
        }
        Ok(match Either::deserialize(deserializer)? {
            Either::Object {
                scale,
                affinity,
                nr_of_reschedules,
            } => Scale {
                scale,
                affinity,
                nr_of_reschedules,
            },
            Either::Number(scale) => Scale {
                scale,
                ..Scale::default()
            },
        })
    }
}

/// An instance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Execution {
    /// The address of its node.
    #[serde(deserialize_with = "or_default")]
    pub host: String,
    /// Its main process.
    pub pid: Option<u32>,
    /// When its processes were started, as it was written.
    pub start_time: Option<String>,
    /// Its ports, by endpoint.
    #[serde(deserialize_with = "or_default")]
    pub endpoints: BTreeMap<String, Ports>,
    /// Whether it said that it is ready.
    #[serde(deserialize_with = "or_default")]
    pub is_started: bool,
    /// Its name, for ever.
    pub instance: Option<String>,
    /// The key of its node.
    pub node: Option<String>,
    /// `starting`, `running`, `draining` or `stopping`.
    pub state: Option<String>,
}

/// The ports of an endpoint of an instance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Ports {
    /// What the program binds.
    pub bind_port: u16,
    /// What callers use.
    pub host_port: u16,
}

/// A member that holds all archives of a bundle.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Installation {
    /// Which.
    #[serde(deserialize_with = "or_default")]
    pub unique_address: Node,
    /// Where it keeps the archive: a `file:` URI.
    #[serde(deserialize_with = "or_default")]
    pub bundle_file: String,
    /// Where it keeps the configuration's archive.
    pub configuration_file: Option<String>,
}

impl Bundle {
    /// The instances that said that they are ready.
    pub fn started(&self) -> usize {
        self.bundle_executions
            .iter()
            .filter(|it| it.is_started)
            .count()
    }

    /// What people call it.
    pub fn name(&self) -> &str {
        &self.attributes.bundle_name
    }

    /// The first of its tags.
    pub fn tag(&self) -> Option<&str> {
        let tags = self.attributes.tags.as_ref()?;
        tags.first().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_id_has_to_be_there() {
        let bundle: Bundle = serde_json::from_str(
            r#"{"bundleId": "0a", "bundleExecutions": null, "attributes": {"tags": null},
                "bundleConfig": null, "fromTheFuture": {"x": 1}}"#,
        )
        .expect("lenient");
        assert_eq!((bundle.bundle_id.as_str(), bundle.started()), ("0a", 0));
        assert_eq!(bundle.attributes.tags, None);
        assert!(serde_json::from_str::<Bundle>("{}").is_err());
    }

    #[test]
    fn a_scale_is_an_object_or_a_number() {
        let scale = |text: &str| {
            let text = format!(r#"{{"bundleId": "0a", "bundleScale": {text}}}"#);
            let bundle: Bundle = serde_json::from_str(&text).expect("lenient");
            bundle.bundle_scale.map(|it| (it.scale, it.affinity))
        };
        assert_eq!(scale("null"), None);
        assert_eq!(scale("3"), Some((3, None)));
        let object = r#"{"scale": 2, "affinity": "0b", "nrOfReschedules": 0}"#;
        assert_eq!(scale(object), Some((2, Some("0b".to_owned()))));
    }

    #[test]
    fn what_our_own_nodes_say_is_understood_in_full() {
        let text = r#"{
            "bundleId": "0a1b", "bundleDigest": "0a1b", "attributes": {
                "bundleName": "orders", "compatibilityVersion": "2", "system": "shop",
                "systemVersion": "2", "nrOfCpus": 0.5, "memory": 1, "diskSpace": 2,
                "roles": ["web"], "tags": ["2.4.0"], "annotations": {}},
            "bundleConfig": {"endpoints": {"web": {"bindProtocol": "http", "acls":
                [{"http": {"requests": [{"pathBeg": "/"}]}}, {"tcp": {"requests": [7007]}}]}}},
            "bundleExecutions": [{"host": "10.0.0.7", "pid": 4711, "isStarted": true,
                "startTime": "2017-06-29T18:41:05.657Z", "isActive": true, "state": "running",
                "endpoints": {"web": {"bindPort": 1, "hostPort": 2}}}],
            "bundleInstallations": [{"uniqueAddress":
                {"address": "akka.tcp://conductr@10.0.0.1:9004", "uid": -5},
                "bundleFile": "file:///x"}],
            "hasError": false, "preparing": 1
        }"#;
        let bundle: Bundle = serde_json::from_str(text).expect("lenient");
        assert_eq!((bundle.started(), bundle.tag()), (1, Some("2.4.0")));
        assert_eq!(bundle.bundle_installations[0].unique_address.uid, "-5");
        assert_eq!(bundle.bundle_config.endpoints["web"].acls.len(), 2);
        // Our nodes say no more than this understands: their own shape reads it as well.
        assert!(serde_json::from_str::<conduct_api::Bundle>(text).is_ok());
    }
}
