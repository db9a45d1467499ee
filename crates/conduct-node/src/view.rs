//! What a node knows, for people and programs to read.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use conduct_model::{BundleId, InstanceId, NodeKey, Resources, Roles, Uid, Wall};
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
    /// It leaves.
    Leaving,
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
    pub reschedules: u32,
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
    /// It is kept from callers until the proxies know, before its SIGTERM.
    Draining,
    /// It was told to end.
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
    /// Per node, the first thing that stands against it, with its numbers.
    pub nodes: BTreeMap<NodeKey, String>,
}
