//! Under which keys things lie on the disk, and how they are read from there.

use bytes::{Bytes, BytesMut};
use conduct_gossip::{DiskRecord, Slot};
use conduct_model::{InstanceId, RequestId, System};
use conduct_scheduler::{ExecutionRecord, Promise, Version};
use conduct_wire::codec;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::requests::Remembered;

/// The version of the layout of everything that is not the state's own.
const DISK_VERSION: u8 = 1;

const STATE: u8 = b's';
const GOSSIP: u8 = b'g';
const EXECUTION: u8 = b'x';
const FENCE: u8 = b'f';
const PROMISE: u8 = b'p';
const REQUEST: u8 = b'q';

/// Everything that is on the disk, sorted by whose it is.
#[derive(Default)]
pub(super) struct Found {
    pub(super) state: Vec<(Bytes, Bytes)>,
    pub(super) gossip: Vec<DiskRecord>,
    pub(super) executions: Vec<ExecutionRecord>,
    pub(super) fences: Vec<(System, Version)>,
    pub(super) promises: Vec<(System, Promise)>,
    pub(super) requests: Vec<(RequestId, Remembered)>,
    /// Entries that mean nothing.
    pub(super) strays: u32,
}

fn key(first: u8, rest: &[u8]) -> Bytes {
    let mut key = BytesMut::with_capacity(1 + rest.len());
    key.extend_from_slice(&[first]);
    key.extend_from_slice(rest);
    key.freeze()
}

pub(super) fn state_key(name: &[u8]) -> Bytes {
    key(STATE, name)
}

pub(super) fn gossip_key(slot: &Slot) -> Bytes {
    key(GOSSIP, &codec::encode(slot))
}

pub(super) fn execution_key(instance: InstanceId) -> Bytes {
    key(EXECUTION, &instance.as_u128().to_be_bytes())
}

pub(super) fn fence_key(system: &System) -> Bytes {
    key(FENCE, &codec::encode(system))
}

pub(super) fn promise_key(system: &System) -> Bytes {
    key(PROMISE, &codec::encode(system))
}

pub(super) fn request_key(request: &RequestId) -> Bytes {
    key(REQUEST, &request.as_u128().to_be_bytes())
}

/// A value on disk: the version of its layout, then its encoding.
pub(super) fn disk_value<T: Serialize>(value: &T) -> Bytes {
    let mut bytes = vec![DISK_VERSION];
    bytes.extend(codec::encode(value));
    bytes.into()
}

fn from_disk<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let (version, value) = bytes.split_first()?;
    if *version == DISK_VERSION {
        codec::decode(value).ok()
    } else {
        None
    }
}

impl Found {
    pub(super) fn sort(records: Vec<(Bytes, Bytes)>) -> Found {
        let mut found = Found::default();
        for (key, value) in records {
            if found.take(&key, value).is_none() {
                found.strays += 1;
            }
        }
        found
    }

    fn take(&mut self, key: &Bytes, value: Bytes) -> Option<()> {
        let (first, name) = key.split_first()?;
        match *first {
            STATE => self.state.push((key.slice(1..), value)),
            GOSSIP => self.gossip.push(from_disk(&value)?),
            EXECUTION => self.executions.push(from_disk(&value)?),
            FENCE => self
                .fences
                .push((codec::decode(name).ok()?, from_disk(&value)?)),
            PROMISE => self
                .promises
                .push((codec::decode(name).ok()?, from_disk(&value)?)),
            REQUEST => {
                let id = RequestId::from_u128(u128::from_be_bytes(name.try_into().ok()?));
                self.requests.push((id, from_disk(&value)?));
            }
            _ => return None,
        }
        Some(())
    }
}
