//! What a bundle needs and a node has to give.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An amount of what nodes offer and bundles ask for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Resources {
    /// Thousandths of a processor, so that sums are exact.
    pub cpu_millis: u64,
    /// Resident memory.
    pub memory_bytes: u64,
    /// Room for what is unpacked.
    pub disk_bytes: u64,
}

/// A kind of node that a bundle asks for, such as `web`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Role(String);

/// The roles of a node, or those that a bundle asks for.
pub type Roles = BTreeSet<Role>;

/// Why a text is no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a role is 1 to 64 letters, digits, dashes, dots or underscores, this is {0:?}")]
pub struct RoleError(String);

impl Resources {
    /// Whether `wanted` fits into this.
    pub fn covers(&self, wanted: &Resources) -> bool {
        self.cpu_millis >= wanted.cpu_millis
            && self.memory_bytes >= wanted.memory_bytes
            && self.disk_bytes >= wanted.disk_bytes
    }

    /// Both together.
    #[must_use]
    pub fn plus(&self, other: &Resources) -> Resources {
        Resources {
            cpu_millis: self.cpu_millis.saturating_add(other.cpu_millis),
            memory_bytes: self.memory_bytes.saturating_add(other.memory_bytes),
            disk_bytes: self.disk_bytes.saturating_add(other.disk_bytes),
        }
    }

    /// What is left once `other` is taken; of nothing, nothing is left.
    #[must_use]
    pub fn minus(&self, other: &Resources) -> Resources {
        Resources {
            cpu_millis: self.cpu_millis.saturating_sub(other.cpu_millis),
            memory_bytes: self.memory_bytes.saturating_sub(other.memory_bytes),
            disk_bytes: self.disk_bytes.saturating_sub(other.disk_bytes),
        }
    }
}

impl Role {
    /// The role as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Role, RoleError> {
        let harmless = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if (1..=64).contains(&text.len()) && text.chars().all(harmless) {
            Ok(Role(text.to_owned()))
        } else {
            Err(RoleError(text.chars().take(64).collect()))
        }
    }
}

impl TryFrom<String> for Role {
    type Error = RoleError;

    fn try_from(text: String) -> Result<Role, RoleError> {
        text.parse()
    }
}

impl From<Role> for String {
    fn from(role: Role) -> String {
        role.0
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_beyond_the_last_leaves_nothing() {
        let one = Resources {
            cpu_millis: 100,
            memory_bytes: 10,
            disk_bytes: 1,
        };
        let two = one.plus(&one);
        assert!(two.covers(&one) && !one.covers(&two));
        assert_eq!(one.minus(&two), Resources::default());
    }

    #[test]
    fn a_role_is_a_word() {
        assert!("web".parse::<Role>().is_ok());
        assert!("".parse::<Role>().is_err());
        assert!("we b".parse::<Role>().is_err());
    }
}
