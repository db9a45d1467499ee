//! What an image runs on: `linux/amd64`, `linux/arm/v7`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Operating system and processor of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    /// The processor in Go's words: `amd64`, `arm64`, `arm`.
    pub architecture: String,
    /// The operating system in Go's words.
    pub os: String,
    /// Which version of the processor, where that matters: `v7`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

/// Why a text is no platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a platform is written os/architecture or os/architecture/variant, such as linux/arm64")]
pub struct PlatformError;

impl Platform {
    /// Where images run on this machine. Containers are Linux, also where the tool that packs them
    /// is not.
    pub fn here() -> Platform {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "x86" => "386",
            "aarch64" => "arm64",
            "powerpc64" => "ppc64le",
            "loongarch64" => "loong64",
            other => other,
        };
        Platform {
            os: "linux".to_owned(),
            architecture: architecture.to_owned(),
            variant: None,
        }
    }

    /// How well an image for `self` serves someone who wants `wanted`; higher is better. The
    /// variants that every processor of the kind has need not be named.
    pub(crate) fn serves(&self, wanted: &Platform) -> Option<u8> {
        if self.os != wanted.os || self.architecture != wanted.architecture {
            return None;
        }
        let (has, wants) = (self.plain_variant(), wanted.plain_variant());
        match (has, wants) {
            (has, wants) if has == wants => Some(3),
            // Who names a variant means it; who names none takes the plain one, or else the most
            // common of the others.
            (_, Some(_)) => None,
            (Some("v7"), None) => Some(2),
            _ => Some(1),
        }
    }

    fn plain_variant(&self) -> Option<&str> {
        let usual = match self.architecture.as_str() {
            "amd64" => "v1",
            "arm64" => "v8",
            _ => "",
        };
        self.variant
            .as_deref()
            .filter(|variant| !variant.is_empty() && *variant != usual)
    }
}

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Platform, PlatformError> {
        let parts: Vec<&str> = text.split('/').collect();
        let sound = |part: &&str| {
            !part.is_empty()
                && part
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
        };
        if !(2..=3).contains(&parts.len()) || !parts.iter().all(sound) {
            return Err(PlatformError);
        }
        Ok(Platform {
            os: parts[0].to_owned(),
            architecture: parts[1].to_owned(),
            variant: parts.get(2).map(|variant| (*variant).to_owned()),
        })
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        match self.variant.as_deref() {
            Some(variant) if !variant.is_empty() => write!(f, "/{variant}"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform(text: &str) -> Platform {
        text.parse().expect(text)
    }

    #[test]
    fn a_platform_reads_back_as_it_was_written() {
        for text in ["linux/amd64", "linux/arm/v7", "windows/amd64"] {
            assert_eq!(platform(text).to_string(), text);
        }
        for text in ["linux", "linux/", "a/b/c/d", "", "linux/am d"] {
            assert_eq!(text.parse::<Platform>(), Err(PlatformError), "{text}");
        }
    }

    #[test]
    fn the_variant_that_every_processor_has_need_not_be_named() {
        assert_eq!(
            platform("linux/arm64/v8").serves(&platform("linux/arm64")),
            Some(3)
        );
        assert_eq!(
            platform("linux/arm64").serves(&platform("linux/arm64/v8")),
            Some(3)
        );
        assert_eq!(
            platform("linux/arm/v6").serves(&platform("linux/arm/v7")),
            None
        );
        assert_eq!(
            platform("linux/arm64").serves(&platform("linux/amd64")),
            None
        );
        let (v6, v7) = (platform("linux/arm/v6"), platform("linux/arm/v7"));
        assert!(v7.serves(&platform("linux/arm")) > v6.serves(&platform("linux/arm")));
    }
}
