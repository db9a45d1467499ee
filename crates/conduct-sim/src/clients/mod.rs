//! The people and programs at the API: what they asked, whom, and what they were told.

mod operation;

use std::collections::BTreeMap;
use std::sync::Arc;

use conduct_model::{BundleId, Digest, InstanceId, RequestId};
use conduct_node::command::ClientHandle;
use conduct_node::descriptor::Descriptor;

pub use operation::{Operation, OperationId, Outcome, Try, Wish};

use crate::engine::{Dice, Moment};

/// Something that a client does, when its moment comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Attempt {
    /// It sends (again) what it wants.
    Send {
        /// What.
        operation: OperationId,
        /// To which machine.
        host: u32,
    },
    /// It has waited long enough for this answer.
    TimeOut {
        /// Which.
        client: ClientHandle,
    },
    /// The proxy of this machine applies what it has heard.
    ApplyRouting {
        /// Which.
        host: u32,
    },
}

/// Who waits for an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Caller {
    /// A person or a program that keeps the history.
    Operator(OperationId),
    /// An instance that signals.
    Instance {
        /// Which.
        instance: InstanceId,
        /// How often it tried before.
        tries: u8,
    },
    /// A proxy.
    Proxy,
}

/// Everybody who asks, and the history of what they asked.
#[derive(Debug)]
pub struct Clients {
    operations: Vec<Operation>,
    waiting: BTreeMap<ClientHandle, (u32, Caller)>,
    next_handle: u64,
    sizes: BTreeMap<Digest, u64>,
    descriptors: BTreeMap<BundleId, Arc<Descriptor>>,
    published: Vec<BundleId>,
    /// What clients draw their request ids and pauses from.
    pub dice: Dice,
}

impl Clients {
    /// Nobody has asked for anything.
    pub fn new(seed: u64) -> Clients {
        Clients {
            operations: Vec::new(),
            waiting: BTreeMap::new(),
            next_handle: 0,
            sizes: BTreeMap::new(),
            descriptors: BTreeMap::new(),
            published: Vec::new(),
            dice: Dice::of(seed, "clients", 0),
        }
    }

    /// Everything that was ever asked, in the order in which it was.
    pub fn history(&self) -> &[Operation] {
        &self.operations
    }

    /// The history of one bundle.
    pub fn about(&self, bundle: BundleId) -> impl Iterator<Item = &Operation> {
        self.operations
            .iter()
            .filter(move |operation| operation.bundle == bundle)
    }

    /// One operation.
    pub fn get(&self, operation: OperationId) -> &Operation {
        &self.operations[operation.0 as usize]
    }

    /// Somebody wants something from now on.
    pub fn begin(&mut self, now: Moment, bundle: BundleId, wish: Wish) -> OperationId {
        let id = OperationId(self.operations.len() as u32);
        let request = self.draw_id();
        self.operations
            .push(Operation::new(id, request, bundle, wish, now));
        id
    }

    /// A request id that nobody has used.
    pub(crate) fn draw_id(&mut self) -> RequestId {
        let (high, low) = (self.dice.bits(), self.dice.bits());
        RequestId::from_u128((u128::from(high) << 64) | u128::from(low))
    }

    /// The bundles that clients have.
    pub const fn bundles(&self) -> &BTreeMap<BundleId, Arc<Descriptor>> {
        &self.descriptors
    }

    /// What clients know of a bundle that they have.
    pub fn descriptor(&self, bundle: BundleId) -> Arc<Descriptor> {
        Arc::clone(
            self.descriptors
                .get(&bundle)
                .expect("clients load only what they have"),
        )
    }

    /// Clients have a bundle.
    pub fn has_bundle(&mut self, bundle: BundleId, descriptor: Arc<Descriptor>) {
        if self.descriptors.insert(bundle, descriptor).is_none() {
            self.published.push(bundle);
        }
    }

    /// The bundle that clients got as number `place`.
    pub(crate) fn nth_bundle(&self, place: usize) -> BundleId {
        self.published[place]
    }

    /// Whether anybody waits for an answer of this machine.
    pub(crate) fn is_awaited(&self, host: usize) -> bool {
        self.waiting.values().any(|(at, _)| *at as usize == host)
    }

    /// How large the archive is that clients upload under this digest.
    pub fn bytes_of(&self, digest: Digest) -> u64 {
        self.sizes.get(&digest).copied().unwrap_or(0)
    }

    /// Notes the size of an archive that clients have.
    pub fn has_archive(&mut self, digest: Digest, bytes: u64) {
        self.sizes.insert(digest, bytes);
    }

    pub(crate) fn get_mut(&mut self, operation: OperationId) -> &mut Operation {
        &mut self.operations[operation.0 as usize]
    }

    pub(crate) fn wait(&mut self, host: usize, caller: Caller) -> ClientHandle {
        self.next_handle += 1;
        let client = ClientHandle(self.next_handle);
        self.waiting.insert(client, (host as u32, caller));
        client
    }

    /// The answer for `client` has come: who it was, and at which machine.
    pub(crate) fn take(&mut self, client: ClientHandle) -> Option<(usize, Caller)> {
        let (host, caller) = self.waiting.remove(&client)?;
        Some((host as usize, caller))
    }

    /// Everyone who waits at this machine: their connections broke.
    pub(crate) fn take_all_at(&mut self, host: usize) -> Vec<Caller> {
        let lost: Vec<ClientHandle> = self
            .waiting
            .iter()
            .filter(|(_, (at, _))| *at as usize == host)
            .map(|(client, _)| *client)
            .collect();
        lost.into_iter()
            .filter_map(|client| Some(self.take(client)?.1))
            .collect()
    }
}
