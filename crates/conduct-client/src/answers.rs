//! What nodes answer, read leniently.
//!
//! The shapes of `conduct-api` are what our own nodes promise to say. A client also meets nodes that
//! are older or newer than itself: fields that are missing or `null` are taken for empty here,
//! numbers may be texts where old releases disagreed, words that a newer node may add stay texts,
//! and what is not known is passed over. Only what a thing is called has to be there.

mod bundle;
mod lenient;
mod line;
mod member;

pub use bundle::{
    Attributes, Bundle, BundleConfig, Endpoint, Execution, Installation, Ports, Scale,
};
pub use conduct_api::{Acl, HttpRequest, Why, WhyNode};
pub use line::{EventLine, LogLine};
pub use member::{Agent, License, Member, Members, Node, Resources, Unreachable};

use serde::Deserialize;

/// A change that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Accepted {
    /// The bundle that it is about, in full.
    pub bundle_id: String,
    /// The name of the request, by which its events are found.
    #[serde(default)]
    pub request_id: Option<String>,
    /// The number of disks that it is on.
    #[serde(default)]
    pub durability: Option<u32>,
}
