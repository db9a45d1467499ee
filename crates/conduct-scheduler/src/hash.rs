//! Numbers that look random and are the same everywhere: ties are broken by them, not by chance.

use conduct_model::{BundleId, Digest, InstanceId, NodeKey, System};

use crate::assignment::SlotId;
use crate::epoch::Version;

/// Spreads a number over all 64 bits (the finalizer of splitmix64).
pub(crate) const fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

fn first_bytes(digest: &Digest) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&digest.as_bytes()[..8]);
    u64::from_be_bytes(first)
}

/// A number for a node; its key is a digest already.
pub(crate) fn node(node: &NodeKey) -> u64 {
    first_bytes(node.digest())
}

/// A number for a system.
pub(crate) fn system(system: &System) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let name = system.name.as_str().bytes();
    for byte in name.chain([0]).chain(system.version.as_str().bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    mix(hash)
}

fn bundle(bundle: &BundleId) -> u64 {
    let configuration = bundle.configuration.as_ref().map_or(0, first_bytes);
    first_bytes(&bundle.bundle) ^ mix(configuration)
}

/// A number for a slot.
pub(crate) fn slot(slot: &SlotId) -> u64 {
    mix(bundle(&slot.bundle) ^ mix(u64::from(slot.number)))
}

/// Names the instance that the decision `version` puts into `slot`: nothing else ever gets this
/// name, and nobody has to be asked.
pub(crate) fn instance(
    system: &System,
    (version, salt): (Version, u64),
    slot: &SlotId,
) -> InstanceId {
    let mut bytes = Vec::with_capacity(256);
    bytes.extend_from_slice(system.name.as_str().as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(system.version.as_str().as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(&version.epoch.number.to_be_bytes());
    bytes.extend_from_slice(version.epoch.owner.digest().as_bytes());
    bytes.extend_from_slice(&version.sequence.to_be_bytes());
    bytes.extend_from_slice(&salt.to_be_bytes());
    bytes.extend_from_slice(slot.bundle.bundle.as_bytes());
    if let Some(configuration) = &slot.bundle.configuration {
        bytes.extend_from_slice(configuration.as_bytes());
    }
    bytes.extend_from_slice(&slot.number.to_be_bytes());
    let mut name = [0; 16];
    name.copy_from_slice(&Digest::of(&bytes).as_bytes()[..16]);
    InstanceId::from_u128(u128::from_be_bytes(name))
}
