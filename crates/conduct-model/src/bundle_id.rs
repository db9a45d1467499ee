//! Which bundle: the digest of its archive and, where one is laid over it, of its configuration.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Digest, DigestError};

/// Names what is loaded: an archive alone, or an archive under a configuration. The same archive
/// under another configuration is another bundle.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BundleId {
    /// The archive.
    pub bundle: Digest,
    /// The configuration laid over it.
    pub configuration: Option<Digest>,
}

/// Why a text is no bundle id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleIdError {
    /// The part before the dash, or the only one.
    #[error("the bundle's digest is wrong")]
    Bundle(#[source] DigestError),
    /// The part behind the dash.
    #[error("the configuration's digest is wrong")]
    Configuration(#[source] DigestError),
}

impl BundleId {
    /// How many digits of each digest stand in the id that clients know.
    const PART_DIGITS: usize = 32;

    /// A bundle without configuration.
    pub const fn plain(bundle: Digest) -> BundleId {
        BundleId {
            bundle,
            configuration: None,
        }
    }

    /// A bundle under a configuration.
    pub const fn configured(bundle: Digest, configuration: Digest) -> BundleId {
        BundleId {
            bundle,
            configuration: Some(configuration),
        }
    }

    /// Both digests in full, which is the form that reads back.
    pub fn full(&self) -> String {
        match self.configuration {
            None => self.bundle.to_string(),
            Some(configuration) => format!("{}-{configuration}", self.bundle),
        }
    }

    /// Seven digits of each part, as people see it: `01dd0af` or `01dd0af-9f31c2e`.
    pub fn short(&self) -> String {
        match self.configuration {
            None => self.bundle.short(),
            Some(configuration) => format!("{}-{}", self.bundle.short(), configuration.short()),
        }
    }

    /// Whether this id answers to `prefix`: the beginning of the bundle's digest and, after a
    /// dash, of the configuration's. Case does not matter.
    pub fn answers_to(&self, prefix: &str) -> bool {
        let prefix = prefix.to_ascii_lowercase();
        match prefix.split_once('-') {
            None => self.bundle.to_string().starts_with(&prefix),
            Some((bundle, configuration)) => {
                self.bundle.to_string().starts_with(bundle)
                    && self
                        .configuration
                        .is_some_and(|digest| digest.to_string().starts_with(configuration))
            }
        }
    }
}

/// Reads the full form. What people type is a prefix or a name: see [`BundleId::answers_to`].
impl FromStr for BundleId {
    type Err = BundleIdError;

    fn from_str(text: &str) -> Result<BundleId, BundleIdError> {
        let bundle = |part: &str| part.parse().map_err(BundleIdError::Bundle);
        match text.split_once('-') {
            None => Ok(BundleId::plain(bundle(text)?)),
            Some((first, second)) => Ok(BundleId::configured(
                bundle(first)?,
                second.parse().map_err(BundleIdError::Configuration)?,
            )),
        }
    }
}

/// The id that clients know: the first 32 digits of each digest.
impl fmt::Display for BundleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.bundle.to_string()[..BundleId::PART_DIGITS])?;
        match self.configuration {
            None => Ok(()),
            Some(digest) => write!(f, "-{}", &digest.to_string()[..BundleId::PART_DIGITS]),
        }
    }
}

impl fmt::Debug for BundleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BundleId({})", self.short())
    }
}

/// Text for people's formats, bare bytes for ours.
impl Serialize for BundleId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&self.full())
        } else {
            (self.bundle, self.configuration).serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for BundleId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<BundleId, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            text.parse().map_err(serde::de::Error::custom)
        } else {
            let (bundle, configuration) = Deserialize::deserialize(deserializer)?;
            Ok(BundleId {
                bundle,
                configuration,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_with_and_without_configuration() {
        let plain = BundleId::plain(Digest::of(b"web"));
        let configured = BundleId::configured(Digest::of(b"web"), Digest::of(b"prod"));
        assert_eq!(plain.full().parse(), Ok(plain));
        assert_eq!(configured.full().parse(), Ok(configured));
        assert!("web".parse::<BundleId>().is_err());
    }

    #[test]
    fn clients_see_half_of_each_digest() {
        let id = BundleId::configured(Digest::of(b"web"), Digest::of(b"prod"));
        assert_eq!(id.to_string().len(), 65);
        assert!(id.answers_to(&id.to_string()));
    }

    #[test]
    fn a_prefix_is_answered_part_by_part() {
        let id = BundleId::configured(Digest::of(b"web"), Digest::of(b"prod"));
        assert!(id.answers_to(&id.short()));
        assert!(id.answers_to(&id.bundle.short().to_ascii_uppercase()));
        assert!(!BundleId::plain(id.bundle).answers_to(&id.short()));
    }
}
