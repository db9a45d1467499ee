//! How members are called: by the URIs that clients have always seen.

use serde::{Deserialize, Serialize};

/// A member and its life. Clients compare the two fields as one value, so no other field may
/// stand beside them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct UniqueAddress {
    /// Where: `akka.tcp://conductr@10.0.0.1:9004`.
    pub address: String,
    /// Drawn anew for every life of the member.
    pub uid: i32,
}

/// A member that cannot reach another.
pub type Observer = UniqueAddress;

/// A member that watches an agent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AgentObserver {
    /// Which.
    pub node: TextUid,
}

/// A member, with its uid as a text; so it has always been here and only here.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TextUid {
    /// Where.
    pub address: String,
    /// Its life.
    pub uid: String,
}

const MEMBER: &str = "akka.tcp://conductr@";
const AGENT: &str = "akka.tcp://conductr-agent@";

/// The URI of the member at `address`, which is `ip:port`.
pub fn member_uri(address: &str) -> String {
    format!("{MEMBER}{address}")
}

/// The URI of a life of the agent at `address`.
pub fn agent_uri(address: &str, uid: i32) -> String {
    format!("{AGENT}{address}/user/reaper/cluster-client#{uid}")
}

impl UniqueAddress {
    /// The life `uid` of the member at `address`, which is `ip:port`.
    pub fn of(address: &str, uid: i32) -> UniqueAddress {
        UniqueAddress {
            address: member_uri(address),
            uid,
        }
    }

    /// The `ip:port` in a member's URI; a bare `ip:port` is taken as well.
    pub fn authority(uri: &str) -> &str {
        uri.rsplit_once('@').map_or(uri, |(_, authority)| authority)
    }

    /// The member and its life, where the uid is a text.
    pub fn as_text(&self) -> TextUid {
        TextUid {
            address: self.address.clone(),
            uid: self.uid.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_found_by_its_uri_or_by_its_address_alone() {
        let uri = member_uri("10.0.0.1:9004");
        assert_eq!(uri, "akka.tcp://conductr@10.0.0.1:9004");
        assert_eq!(UniqueAddress::authority(&uri), "10.0.0.1:9004");
        assert_eq!(UniqueAddress::authority("10.0.0.1:9004"), "10.0.0.1:9004");
    }
}
