//! The JSON of images, as far as this crate reads it. Tools write `null` where they mean nothing,
//! so every list and map takes it.

use std::collections::BTreeMap;

use conduct_model::Digest;
use serde::{Deserialize, Deserializer, Serialize};

use crate::{ImageError, Platform};

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub(crate) const LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// The annotation of a descriptor in `index.json` that tags an image.
pub(crate) const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// The largest JSON file that is read into memory.
pub(crate) const JSON_BYTES_MAX: u64 = 8 << 20;

/// Points at a blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What the blob is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub media_type: String,
    /// `sha256:` and 64 hex digits.
    pub digest: String,
    /// How long it is, in bytes.
    pub size: u64,
    /// What it runs on, in an index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Free words, the tag among them.
    #[serde(
        default,
        deserialize_with = "or_null",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub annotations: BTreeMap<String, String>,
}

impl Descriptor {
    /// The digest, if it is of the only kind that is in use.
    pub fn sha256(&self) -> Result<Digest, ImageError> {
        let hex = self
            .digest
            .strip_prefix("sha256:")
            .and_then(|hex| hex.parse().ok());
        hex.ok_or_else(|| ImageError::Unsupported {
            what: format!("digest {:?}", self.digest),
            why: "a digest is sha256: and 64 hex digits".to_owned(),
        })
    }

    /// Where a layout keeps the blob.
    pub fn blob(&self) -> Result<String, ImageError> {
        Ok(format!("blobs/sha256/{}", self.sha256()?))
    }

    pub(crate) fn is_index(&self) -> bool {
        matches!(self.media_type.as_str(), INDEX | DOCKER_LIST)
    }
}

/// A list of images, most often of one image for several platforms.
#[derive(Debug, Clone, Deserialize)]
pub struct Index {
    /// The images, or further lists.
    #[serde(default, deserialize_with = "or_null")]
    pub manifests: Vec<Descriptor>,
}

/// One image: where its configuration and its layers are.
#[derive(Debug, Clone, Deserialize)]
pub struct Manifest {
    /// The configuration.
    pub config: Descriptor,
    /// The layers, lowest first.
    #[serde(default, deserialize_with = "or_null")]
    pub layers: Vec<Descriptor>,
    /// Free words.
    #[serde(default, deserialize_with = "or_null")]
    pub annotations: BTreeMap<String, String>,
}

/// What an image says about itself.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct ImageConfig {
    /// When it was made, as RFC 3339.
    #[serde(default)]
    pub created: Option<String>,
    /// The processor.
    #[serde(default)]
    pub architecture: String,
    /// The operating system.
    #[serde(default)]
    pub os: String,
    /// The version of the processor.
    #[serde(default)]
    pub variant: Option<String>,
    /// How to run it.
    #[serde(default, deserialize_with = "or_null")]
    pub config: RunConfig,
    /// What it consists of.
    #[serde(default, deserialize_with = "or_null")]
    pub rootfs: RootFs,
}

/// How an image wants to be run.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RunConfig {
    /// `NAME=value`.
    #[serde(deserialize_with = "or_null")]
    pub env: Vec<String>,
    /// The words before `cmd`.
    #[serde(deserialize_with = "or_null")]
    pub entrypoint: Vec<String>,
    /// The default words behind `entrypoint`.
    #[serde(deserialize_with = "or_null")]
    pub cmd: Vec<String>,
    /// `port` or `port/protocol`; the values carry nothing.
    #[serde(deserialize_with = "or_null")]
    pub exposed_ports: BTreeMap<String, serde_json::Value>,
    /// Paths whose content should outlive a container; the values carry nothing.
    #[serde(deserialize_with = "or_null")]
    pub volumes: BTreeMap<String, serde_json::Value>,
    /// Where it starts.
    #[serde(deserialize_with = "or_null")]
    pub working_dir: String,
    /// `user` or `user:group`, names or numbers.
    #[serde(deserialize_with = "or_null")]
    pub user: String,
    /// Free words.
    #[serde(deserialize_with = "or_null")]
    pub labels: BTreeMap<String, String>,
}

/// The layers by the digests of their uncompressed tars.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct RootFs {
    /// Lowest first, each `sha256:` and 64 hex digits.
    #[serde(default, deserialize_with = "or_null")]
    pub diff_ids: Vec<String>,
}

impl ImageConfig {
    /// When the image was made, in seconds since 1970; nothing where it does not say so in words
    /// that can be understood.
    pub fn created_seconds(&self) -> Option<i64> {
        let created = self.created.as_deref()?;
        created
            .parse::<jiff::Timestamp>()
            .ok()
            .map(jiff::Timestamp::as_second)
    }

    /// What it runs on.
    pub fn platform(&self) -> Platform {
        Platform {
            os: self.os.clone(),
            architecture: self.architecture.clone(),
            variant: self.variant.clone(),
        }
    }
}

fn or_null<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_is_as_good_as_nothing() {
        let config: ImageConfig = serde_json::from_str(
            r#"{"created": null, "config": {"Env": null, "ExposedPorts": null, "Labels": null},
                "rootfs": {"type": "layers", "diff_ids": null}, "history": []}"#,
        )
        .expect("docker writes this");
        assert!(config.config.env.is_empty() && config.rootfs.diff_ids.is_empty());
        let bare: ImageConfig = serde_json::from_str(r#"{"config": null}"#).expect("also this");
        assert_eq!(bare.created_seconds(), None);
    }

    #[test]
    fn the_time_an_image_was_made_is_read_with_fractions_and_offsets() {
        let at = |text: &str| {
            ImageConfig {
                created: Some(text.to_owned()),
                ..ImageConfig::default()
            }
            .created_seconds()
        };
        assert_eq!(at("2017-03-01T10:00:00.123456789Z"), Some(1_488_362_400));
        assert_eq!(at("2017-03-01T12:00:00+02:00"), Some(1_488_362_400));
        assert_eq!(at("yesterday"), None);
    }

    #[test]
    fn a_digest_of_another_kind_is_refused_by_name() {
        let descriptor = Descriptor {
            media_type: String::new(),
            digest: "sha512:00".to_owned(),
            size: 0,
            platform: None,
            annotations: BTreeMap::new(),
        };
        let refused = descriptor.blob().expect_err("not sha256").to_string();
        assert!(refused.contains("sha512:00"), "{refused}");
    }
}
