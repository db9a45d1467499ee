//! What a node knows, for people and programs to read.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use conduct_model::{BundleId, InstanceId, NodeKey, Resources, Roles, Uid, Wall};
use conduct_state::Summary;
use conduct_wire::packet::Strangers;
use serde::{Deserialize, Serialize};

use crate::command::Quarantined;
use crate::config::Duty;
use crate::descriptor::Descriptor;
use crate::runtime::Ports;

/// What a node knows at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct View {
    /// The node that knows it.
    pub node: NodeKey,
    /// Its life.
    pub uid: Uid,
    /// Why it accepts no changes, if so.
    pub quarantine: Option<Quarantined>,
    /// The members, by key, this node among them.
    pub members: BTreeMap<NodeKey, MemberView>,
    /// Who counts for a majority.
    pub voters: Vec<NodeKey>,
    /// The epoch of the voters.
    pub voters_epoch: u64,
    /// What is loaded, by id.
    pub bundles: BTreeMap<BundleId, BundleView>,
    /// Rises whenever active instances or endpoints change; a proxy that has applied this view
    /// says so with [`Command::RoutingApplied`](crate::command::Command::RoutingApplied).
    pub routing_version: u64,
}

/// A member, as this node sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MemberView {
    /// Its life.
    pub uid: Uid,
    /// Where its peers reach it.
    pub address: Option<SocketAddr>,
    /// What it takes part in; unknown until its report came.
    pub duty: Option<Duty>,
    /// The roles that it offers.
    pub roles: Roles,
    /// Whether it answers.
    pub verdict: Verdict,
    /// Whether it has caught up with the state since it joined.
    pub ready: bool,
    /// What it gives to instances, all together.
    pub capacity: Resources,
    /// What of it is not taken.
    pub free: Resources,
    /// It gets no new instances, and its own are moved.
    pub draining: bool,
    /// It has started and is still asking its shims.
    pub adopting: bool,
    /// Its program's version.
    pub build: String,
}

/// What this node holds of a member.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Verdict {
    /// It answers.
    Reachable,
    /// It does not answer; its instances get no calls, and still count.
    Unreachable,
    /// Its daemon is gone, its host answers; its instances go on.
    Restarting,
    /// A quorum declared it gone: its instances do not count.
    Down,
    /// It left of its own will.
    Left,
}

/// A bundle, as this node sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BundleView {
    /// What is known of it; `None` when its record cannot be read here.
    pub descriptor: Option<Arc<Descriptor>>,
    /// Who loaded it and when.
    pub loads: Vec<(NodeKey, Wall)>,
    /// Who holds all its archives.
    pub installations: Vec<NodeKey>,
    /// Its instances, by id.
    pub executions: BTreeMap<InstanceId, ExecutionView>,
    /// What is wished for, once somebody wished.
    pub wish: Option<WishView>,
    /// How often an instance was started again in place of one that failed.
    pub reschedules: u64,
    /// What is wrong with it.
    pub error: Option<String>,
}

/// What is wished for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WishView {
    /// How many instances, offsets included, and never less than none.
    pub scale: u32,
    /// Only where that bundle runs.
    pub affinity: Option<BundleId>,
}

/// An instance.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExecutionView {
    /// Its node.
    pub node: NodeKey,
    /// The address of its node.
    pub host: Option<IpAddr>,
    /// Its main process.
    pub pid: Option<u32>,
    /// When its processes were started.
    pub since: Wall,
    /// How far it is.
    pub state: ExecutionState,
    /// Whether callers are sent to it: healthy, not being stopped, its node reachable.
    pub active: bool,
    /// Its ports, by endpoint.
    pub endpoints: BTreeMap<String, Ports>,
}

/// How far an instance is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum ExecutionState {
    /// Its archives are fetched and unpacked; no process exists.
    Preparing,
    /// It waits for its system's gate; no process exists.
    Prepared,
    /// It was forked and has not signalled yet.
    Starting,
    /// It is healthy.
    Running,
    /// It was healthy, and its checks failed as often as its bundle allows.
    Unhealthy,
    /// It is kept from callers, and then told to end.
    Stopping,
    /// No process of it is left.
    Ended,
}

/// Why a wish is not met.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Why {
    /// How many instances are missing.
    pub missing: u32,
    /// What stands against it as a whole.
    pub overall: Option<String>,
    /// What those that are missing wait for.
    pub waits: Vec<String>,
    /// Nobody can be given the archive.
    pub archive: Option<String>,
    /// Per node, the first thing that stands against it, with its numbers.
    pub nodes: BTreeMap<NodeKey, String>,
}

/// Numbers of one node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Counts {
    /// Records that are alive in its state.
    pub records: usize,
    /// Of those, that it does not understand.
    pub unreadable: usize,
    /// Pieces of news that wait to be told.
    pub news: usize,
    /// Writes that wait for a quorum.
    pub confirming: usize,
    /// Systems that it decides for.
    pub owned_systems: usize,
    /// Instances anywhere that hold the gate of their system.
    pub starting: usize,
    /// What it did not understand of what came.
    pub strangers: Strangers,
    /// Messages that it could not send, as they were too long.
    pub dropped: u64,
    /// Equal on nodes that know the same.
    pub summary: Summary,
    /// How many writes it has made under its present writer.
    pub version: u64,
}
