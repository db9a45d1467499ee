//! Who: nodes, their lives, what they run, and what was asked of them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Digest, DigestError};

/// Names a node for as long as it keeps its key: the SHA-256 of its public key. The transport
/// proves it, so a message *from* a key was written by its holder.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeKey(Digest);

/// Why a text is no node key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a node key is written as 64 hex digits")]
pub struct NodeKeyError(#[from] DigestError);

/// One life of a node. `start` rises with every life that the cluster may hear of and is on disk
/// before the first packet leaves; the nonce tells two lives with one key and start apart, which
/// only a copied disk can cause.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
pub struct Incarnation {
    /// Counts the lives of this key.
    pub start: u64,
    /// Drawn afresh for each life.
    pub nonce: u64,
}

/// What users see a life of a node by: derived from key, start and nonce.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Uid(u64);

/// Names one run of one instance, for ever: the epoch and sequence of the assignment that ordered
/// it make it unique without asking anyone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceId(u128);

/// Names one request of one client, so that a repeated one has no second effect.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(u128);

/// Why a text is no request or instance id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an id is a UUID such as 123e4567-e89b-12d3-a456-426614174000, this is {0:?}")]
pub struct RequestIdError(String);

impl NodeKey {
    /// The key whose public half has this digest.
    pub const fn from_digest(digest: Digest) -> NodeKey {
        NodeKey(digest)
    }

    /// The digest of the public half.
    pub const fn digest(&self) -> &Digest {
        &self.0
    }

    /// The first seven digits, as people see it.
    pub fn short(&self) -> String {
        self.0.short()
    }

    /// The uid of the life `incarnation` of this node.
    pub fn uid(&self, incarnation: Incarnation) -> Uid {
        let mut bytes = [0; 48];
        bytes[..32].copy_from_slice(self.0.as_bytes());
        bytes[32..40].copy_from_slice(&incarnation.start.to_be_bytes());
        bytes[40..].copy_from_slice(&incarnation.nonce.to_be_bytes());
        let digest = Digest::of(&bytes);
        let mut uid = [0; 8];
        uid.copy_from_slice(&digest.as_bytes()[..8]);
        Uid(u64::from_be_bytes(uid))
    }
}

impl Uid {
    /// The number itself; JSON clients read it as a signed one.
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

impl InstanceId {
    /// The id with this number.
    pub const fn from_u128(number: u128) -> InstanceId {
        InstanceId(number)
    }

    /// The number itself.
    pub const fn as_u128(self) -> u128 {
        self.0
    }

    /// The first seven digits, as people see it.
    pub fn short(&self) -> String {
        format!("{:032x}", self.0)[..7].to_owned()
    }
}

impl RequestId {
    /// The id with this number; whoever draws it takes care that it is new.
    pub const fn from_u128(number: u128) -> RequestId {
        RequestId(number)
    }

    /// The number itself.
    pub const fn as_u128(self) -> u128 {
        self.0
    }
}

impl FromStr for NodeKey {
    type Err = NodeKeyError;

    fn from_str(text: &str) -> Result<NodeKey, NodeKeyError> {
        Ok(NodeKey(text.parse()?))
    }
}

impl fmt::Display for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeKey({})", self.short())
    }
}

impl Serialize for NodeKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for NodeKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<NodeKey, D::Error> {
        Digest::deserialize(deserializer).map(NodeKey)
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! uuid_text {
    ($id:ident) => {
        impl FromStr for $id {
            type Err = RequestIdError;

            fn from_str(text: &str) -> Result<$id, RequestIdError> {
                let refused = || RequestIdError(text.chars().take(64).collect());
                let digits: String = text.chars().filter(|c| *c != '-').collect();
                if digits.len() != 32 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
                    return Err(refused());
                }
                u128::from_str_radix(&digits, 16)
                    .map($id)
                    .map_err(|_| refused())
            }
        }

        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let digits = format!("{:032x}", self.0);
                let (a, b, c) = (&digits[..8], &digits[8..12], &digits[12..16]);
                write!(f, "{a}-{b}-{c}-{}-{}", &digits[16..20], &digits[20..])
            }
        }

        impl fmt::Debug for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($id), "({:x})"), self.0)
            }
        }

        /// Text for people's formats, bare bytes for ours.
        impl Serialize for $id {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    self.0.to_be_bytes().serialize(serializer)
                }
            }
        }

        impl<'de> Deserialize<'de> for $id {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$id, D::Error> {
                if deserializer.is_human_readable() {
                    let text = String::deserialize(deserializer)?;
                    text.parse().map_err(serde::de::Error::custom)
                } else {
                    <[u8; 16]>::deserialize(deserializer).map(|b| $id(u128::from_be_bytes(b)))
                }
            }
        }
    };
}

uuid_text!(InstanceId);
uuid_text!(RequestId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_life_has_another_uid() {
        let key = NodeKey::from_digest(Digest::of(b"key"));
        let first = key.uid(Incarnation { start: 1, nonce: 7 });
        assert_eq!(first, key.uid(Incarnation { start: 1, nonce: 7 }));
        assert_ne!(first, key.uid(Incarnation { start: 2, nonce: 7 }));
        assert_ne!(first, key.uid(Incarnation { start: 1, nonce: 8 }));
    }

    #[test]
    fn a_request_id_reads_back_with_or_without_dashes() {
        let id = RequestId::from_u128(0x123e_4567_e89b_12d3_a456_4266_1417_4000);
        assert_eq!(id.to_string(), "123e4567-e89b-12d3-a456-426614174000");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.to_string().replace('-', "").parse(), Ok(id));
        assert!(
            "+23e4567e89b12d3a456426614174000"
                .parse::<RequestId>()
                .is_err()
        );
    }
}
