//! Members of the cluster.

use serde::{Deserialize, Serialize};

use crate::address::{Observer, UniqueAddress};

/// The members, as one of them sees them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Members {
    /// The one that answers.
    pub self_node: UniqueAddress,
    /// All of them.
    pub members: Vec<Member>,
    /// Those of them that do not answer.
    pub unreachable: Vec<Unreachable>,
}

/// A member.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// Which.
    pub node: UniqueAddress,
    /// How it stands in the cluster.
    pub status: MemberStatus,
    /// What it does for the cluster.
    pub roles: Vec<String>,
    /// Its key, by which commands name it.
    #[serde(default)]
    pub key: String,
    /// Its program's version; empty until it has said so.
    #[serde(default)]
    pub build: String,
    /// Whether it counts for a majority.
    #[serde(default)]
    pub voter: bool,
    /// `reachable`, `unreachable`, `restarting`, `down` or `left`.
    #[serde(default)]
    pub verdict: String,
    /// It gets no new instances, and its own are moved.
    #[serde(default)]
    pub draining: bool,
}

/// How a member stands in the cluster.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum MemberStatus {
    /// It has not said yet what it does.
    Joining,
    /// It takes part.
    Up,
    /// It gives up its tasks.
    Leaving,
    /// It has given them up.
    Exiting,
    /// Its life was declared over.
    Down,
    /// It is none any more.
    Removed,
}

/// A member that does not answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Unreachable {
    /// Which.
    pub node: UniqueAddress,
    /// Whom it does not answer.
    pub observed_by: Vec<Observer>,
}

/// One member by itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct MemberDetail {
    /// Which.
    pub node: UniqueAddress,
    /// How it stands in the cluster.
    pub status: MemberStatus,
    /// What it does for the cluster.
    pub roles: Vec<String>,
    /// Whom it does not answer.
    pub is_unreachable_from: Vec<Observer>,
    /// Who does not answer it, if it is the one that is asked.
    pub detected_unreachable: Vec<String>,
    /// Its key.
    #[serde(default)]
    pub key: String,
}

/// Who counts for a majority.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Voters {
    /// Rises with every change.
    pub epoch: u64,
    /// Their keys.
    pub voters: Vec<String>,
}
