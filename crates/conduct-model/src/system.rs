//! Which bundles belong together: instances of one system in one version start one at a time.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A name that may stand in a path, a file name, an environment variable's value and a proxy's
/// configuration without becoming syntax there.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SystemName(String);

/// Why a text is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing there.
    #[error("a name cannot be empty")]
    Empty,
    /// Longer than [`SystemName::CHARS_MAX`].
    #[error("a name has at most {max} characters, this has {0}", max = SystemName::CHARS_MAX)]
    Long(usize),
    /// A control character, a space, a slash, a quote …
    #[error("a name cannot hold {0:?}")]
    Character(char),
}

/// A system in one version: what is owned, gated and seeded together.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct System {
    /// The system's name.
    pub name: SystemName,
    /// Its version; different versions are independent of each other.
    pub version: SystemName,
}

impl SystemName {
    /// Bounds every place that a name is copied to.
    pub const CHARS_MAX: usize = 128;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SystemName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<SystemName, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > SystemName::CHARS_MAX {
            return Err(NameError::Long(text.len()));
        }
        let harmless = |c: char| c.is_alphanumeric() || "-_.+~:@".contains(c);
        match text.chars().find(|c| !harmless(*c)) {
            Some(stranger) => Err(NameError::Character(stranger)),
            None => Ok(SystemName(text.to_owned())),
        }
    }
}

impl TryFrom<String> for SystemName {
    type Error = NameError;

    fn try_from(text: String) -> Result<SystemName, NameError> {
        text.parse()
    }
}

impl From<SystemName> for String {
    fn from(name: SystemName) -> String {
        name.0
    }
}

impl fmt::Display for SystemName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_become_syntax_are_refused() {
        for text in ["a b", "a/b", "a\nb", "a{b", "a\"b", "$a", "a;b"] {
            assert!(
                matches!(text.parse::<SystemName>(), Err(NameError::Character(_))),
                "{text}"
            );
        }
        assert_eq!("".parse::<SystemName>(), Err(NameError::Empty));
        assert!("x".repeat(129).parse::<SystemName>().is_err());
        assert!("friend-impl_2.0".parse::<SystemName>().is_ok());
    }
}
