//! From what the node knows to what its clients read.

mod bundles;
mod members;

pub(crate) use bundles::{bundles, named, state_name};
pub(crate) use members::{agents, find_member, member, members, unique_address, verdict_name};

use conduct_model::{NodeKey, Uid};
use conduct_node::view::{MemberView, View};

/// A uid as clients read it: 32 bits with a sign.
pub(crate) const fn short_uid(uid: Uid) -> i32 {
    uid.as_u64() as i32
}

/// `ip:port` of a member; of one whose address is not known yet, an address that nobody has.
pub(crate) fn authority(member: &MemberView) -> String {
    member
        .address
        .map_or_else(|| "0.0.0.0:0".to_owned(), |address| address.to_string())
}

/// The host of a node, for people.
pub(crate) fn host(view: &View, node: NodeKey) -> String {
    let address = view.members.get(&node).and_then(|member| member.address);
    address.map_or_else(|| node.short(), |address| address.ip().to_string())
}
