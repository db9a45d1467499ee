//! What clients ask of the cluster through a node, and what they are told.

use std::net::SocketAddr;
use std::sync::Arc;

use conduct_model::{BundleId, InstanceId, NodeKey, RequestId};
use serde::{Deserialize, Serialize};

use crate::descriptor::Descriptor;

/// The driver's handle for a client that waits for a reply; every command gets exactly one, at
/// the latest [`REPLY_SPAN_MAX`](crate::REPLY_SPAN_MAX) after it came, unless the node dies first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ClientHandle(pub u64);

/// What a client asks for. The first six change what the cluster agrees on and are acknowledged
/// by a quorum of voters; repeated under one request id they have one effect.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// Make a bundle known to the cluster. Its archives are on this node's disk, verified.
    Load(Box<Load>),
    /// Forget a bundle everywhere. Refused while instances of it exist.
    Unload {
        /// Which.
        bundle: BundleId,
    },
    /// Wish for this many instances; 0 stops all. Begins a new generation: offsets that came
    /// before are part of it.
    Scale {
        /// Of which bundle.
        bundle: BundleId,
        /// How many.
        scale: u32,
        /// Only on nodes where that bundle runs.
        affinity: Option<BundleId>,
    },
    /// Wish for so many instances more or, where negative, fewer.
    Offset {
        /// Of which bundle.
        bundle: BundleId,
        /// The difference.
        by: i32,
    },
    /// Move the instances of a node to others and give it no new ones.
    Drain {
        /// Which.
        node: NodeKey,
    },
    /// End a drain.
    Undrain {
        /// Which.
        node: NodeKey,
    },
    /// Drain this node, give up its vote, and leave the cluster. `Done` when it has left; then
    /// `End` follows.
    Leave,
    /// The machine shuts down: drain this node, keep its vote, tell the others that it will be
    /// back. `Done` when all its instances have ended; then `End` follows.
    Shutdown,
    /// The daemon stops and is expected back: instances go on under their leases. `Done` at once,
    /// and `End` follows.
    StopDaemon,
    /// Declare that the voters named are gone for good, so that those that are left become the
    /// majority. For the disaster in which no majority can ever come back.
    ForceMajority(ForceMajority),
    /// Look for the cluster at these addresses.
    Join {
        /// Where its members are said to be.
        seeds: Vec<SocketAddr>,
    },
    /// An instance says that it is healthy; whoever speaks for it was proven to.
    SignalStarted {
        /// Which.
        instance: InstanceId,
    },
    /// The proxy on this node has applied the state up to this routing version.
    RoutingApplied {
        /// See [`View::routing_version`](crate::view::View::routing_version).
        version: u64,
    },
}

/// A bundle to be made known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Load {
    /// Its name: the digests of its archives.
    pub bundle: BundleId,
    /// What nodes need to know of it.
    pub descriptor: Arc<Descriptor>,
    /// The size of the archive.
    pub bundle_bytes: u64,
    /// The size of the configuration's archive, where there is one.
    pub configuration_bytes: u64,
}

/// An operator's word that voters are gone for good. It takes two confirmations: the epoch that
/// the operator saw, and the keys that will count from now on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ForceMajority {
    /// The voters' epoch that the operator was shown.
    pub epoch: u64,
    /// Who is left and shall be the voters.
    pub survivors: Vec<NodeKey>,
}

/// The one answer to a command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reply {
    /// It is on the disks of a quorum of voters, this many in all, and will not be lost.
    Acknowledged {
        /// The disks.
        durability: u32,
    },
    /// Done on this node; nothing that the cluster had to agree on.
    Done,
    /// This node is not part of a majority and accepts no changes. Nothing was changed.
    Quarantined(Quarantined),
    /// It is stored somewhere, but not confirmed by a quorum in time: it may take effect or not,
    /// and asking again with the same request id has no second effect.
    Unknown {
        /// Who confirmed it so far, this node among them.
        durability: u32,
    },
    /// It has no effect, now or later.
    Refused(Refusal),
}

/// Why a node accepts no changes, and who does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Quarantined {
    /// Why.
    pub reason: QuarantineReason,
    /// How many voters it reaches, itself included.
    pub reached: u32,
    /// How many voters there are.
    pub voters: u32,
    /// Members that may be asked instead, as far as it knows.
    pub ask: Vec<NodeKey>,
}

/// Why a node accepts no changes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum QuarantineReason {
    /// It has just started and has not heard from a majority yet.
    Starting,
    /// It asks to join and has not synced yet.
    Joining,
    /// Round trips with a quorum of the voters are too old.
    ContactLost,
    /// It called the roll and no quorum answered.
    RollCallFailed,
    /// It was itself paused and must sync first.
    Paused,
    /// The others had declared it down and it must sync first.
    DeclaredDown,
    /// It leaves.
    Leaving,
    /// Its key and start are in use by another process.
    Clone,
}

/// Why a command has no effect.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// No such bundle is loaded.
    #[error("bundle {} is not loaded", .0.short())]
    NotLoaded(BundleId),
    /// The bundle that the affinity names is not loaded.
    #[error("bundle {} that affinity names is not loaded", .0.short())]
    AffinityNotLoaded(BundleId),
    /// Instances of it exist.
    #[error("bundle {} still has {instances} instances, stop them first", bundle.short())]
    StillRunning {
        /// Which.
        bundle: BundleId,
        /// How many instances of it exist.
        instances: u32,
    },
    /// The archive is not on this node's disk.
    #[error("the archive of bundle {} is not on this node", .0.short())]
    ArchiveMissing(BundleId),
    /// Every other core node is out of room, and one copy is not enough.
    #[error("no second node has room for the archive of bundle {}", .0.short())]
    NoRoomForArchive(BundleId),
    /// `exclusive = true` with `on-quarantine = keep`: it could run twice.
    #[error("an exclusive bundle cannot keep running in quarantine")]
    ExclusiveKept,
    /// The descriptor is larger than records may be.
    #[error("the descriptor takes {bytes} bytes, at most {max} fit into a record")]
    DescriptorSize {
        /// What it takes.
        bytes: usize,
        /// What fits.
        max: usize,
    },
    /// More instances than a bundle may have.
    #[error("a bundle has at most {max} instances, {wanted} were asked for")]
    ScaleSize {
        /// What was asked for.
        wanted: u32,
        /// What a bundle may have.
        max: u32,
    },
    /// The cluster has no such member.
    #[error("node {} is no member", .0.short())]
    NoSuchNode(NodeKey),
    /// The member that would have to do it does not answer.
    #[error("node {} does not answer", .0.short())]
    NodeSilent(NodeKey),
    /// The request id was used for something else.
    #[error("the request id was used for another command")]
    RequestIdReused,
    /// Too many commands wait for their acknowledgement.
    #[error("{waiting} commands wait for their acknowledgement, try again later")]
    Busy {
        /// How many.
        waiting: usize,
    },
    /// This node's disk takes no more.
    #[error("this node cannot write its state")]
    DiskFailed,
    /// No such instance is on this node.
    #[error("instance {} is not on this node", .0.short())]
    NoSuchInstance(InstanceId),
    /// The start signal came after the instance had been given up.
    #[error("instance {} was given up before it signalled", .0.short())]
    SignalLate(InstanceId),
    /// The two confirmations do not fit what this node knows.
    #[error("the voters are of epoch {epoch}, and the survivors must be among them")]
    NotConfirmed {
        /// What holds.
        epoch: u64,
    },
    /// Only a node that lost its majority may force one.
    #[error("this node reaches a majority, nothing has to be forced")]
    MajorityPresent,
    /// This node is on its way out already.
    #[error("this node is already leaving")]
    Departing,
    /// This node belongs to no cluster yet.
    #[error("this node belongs to no cluster yet")]
    NoCluster,
    /// A bound that keeps the cluster's state small.
    #[error("there are {max} {what} already, which is the most")]
    Full {
        /// Of what.
        what: String,
        /// The bound.
        max: usize,
    },
    /// Only a core node can do this.
    #[error("this node keeps no state, ask a core node")]
    NoCore,
}

/// A command as its driver hands it over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// Who waits for the reply.
    pub client: ClientHandle,
    /// The client's name for it, or one that the driver drew.
    pub id: RequestId,
    /// What is asked.
    pub command: Command,
}
