//! File names that tell the digest: `shop-1.4.0-<64 hex digits>.zip`.

use std::fmt;
use std::str::FromStr;

use conduct_model::{Digest, DigestError};

/// The file name of an archive. Only its last dash-separated part means anything.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ArchiveName {
    /// What stands before the digest, for people; may be empty.
    pub label: String,
    /// What the archive hashes to, says its name.
    pub digest: Digest,
}

/// Why a file name does not tell a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveNameError {
    /// Another ending, or none.
    #[error("the file name does not end in .zip")]
    Ending,
    /// No digest where one belongs.
    #[error("the file name has no digest before .zip")]
    Digest(#[source] DigestError),
}

impl ArchiveName {
    /// The name of the archive with this digest.
    pub fn new(label: impl Into<String>, digest: Digest) -> ArchiveName {
        ArchiveName {
            label: label.into(),
            digest,
        }
    }
}

impl FromStr for ArchiveName {
    type Err = ArchiveNameError;

    fn from_str(text: &str) -> Result<ArchiveName, ArchiveNameError> {
        let stem = text.strip_suffix(".zip").ok_or(ArchiveNameError::Ending)?;
        let (label, digest) = stem.rsplit_once('-').unwrap_or(("", stem));
        let digest = digest.parse().map_err(ArchiveNameError::Digest)?;
        Ok(ArchiveName::new(label, digest))
    }
}

impl fmt::Display for ArchiveName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.label.is_empty() {
            write!(f, "{}-", self.label)?;
        }
        write!(f, "{}.zip", self.digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_part_after_the_last_dash_counts() {
        let digest = Digest::of(b"shop");
        for label in ["shop", "shop-1.4.0", "shop-v1", "a-b-c", ""] {
            let name = ArchiveName::new(label, digest);
            assert_eq!(name.to_string().parse(), Ok(name));
        }
    }

    #[test]
    fn a_name_without_digest_is_refused() {
        assert_eq!("shop".parse::<ArchiveName>(), Err(ArchiveNameError::Ending));
        for text in ["shop.zip", "shop-1.zip", ".zip"] {
            let parsed = text.parse::<ArchiveName>();
            assert!(matches!(parsed, Err(ArchiveNameError::Digest(_))), "{text}");
        }
    }
}
