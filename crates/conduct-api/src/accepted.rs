//! The answer to a change that was accepted.

use conduct_model::RequestId;
use serde::{Deserialize, Serialize};

/// A change that the cluster has written down and will not forget.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Accepted {
    /// The name of the request: events that it causes carry it, and asking again under it has no
    /// second effect.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub request_id: RequestId,
    /// The bundle that it is about, in full.
    pub bundle_id: String,
    /// The number of disks that it is on.
    #[serde(default)]
    pub durability: u32,
}
