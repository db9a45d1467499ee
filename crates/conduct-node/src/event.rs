//! What a node tells whoever listens: every decision and every change, with a sentence for people.

use conduct_model::{BundleId, Digest, InstanceId, NodeKey, RequestId, Span, System, Uid, Wall};
use serde::{Deserialize, Serialize};

use crate::command::QuarantineReason;
use crate::runtime::{Exit, StopStage};

/// Something that happened or was decided, as one node saw it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Event {
    /// Counts the events of this life of the node, without gaps.
    pub sequence: u64,
    /// The node's clock.
    pub at: Wall,
    /// The node that tells.
    pub node: NodeKey,
    /// The client's command that led to it.
    pub request: Option<RequestId>,
    /// The bundle that it is about.
    pub bundle: Option<BundleId>,
    /// The instance that it is about.
    pub instance: Option<InstanceId>,
    /// What.
    pub kind: EventKind,
}

/// What happened or was decided.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum EventKind {
    // What the cluster knows changed; these mirror the difference between two views.
    /// A bundle became known here.
    BundleAdded {
        /// Its name.
        name: String,
    },
    /// Something else that was decided or seen about a bundle.
    Noted {
        /// What.
        what: String,
    },
    /// A bundle is known no more.
    BundleRemoved,
    /// A node holds all archives of the bundle.
    InstallationAdded {
        /// Which.
        on: NodeKey,
    },
    /// A node holds them no more.
    InstallationRemoved {
        /// Which.
        on: NodeKey,
    },
    /// An instance exists.
    ExecutionAdded {
        /// Where.
        on: NodeKey,
    },
    /// It became healthy, is being stopped, its node became unreachable or came back.
    ExecutionChanged {
        /// Where.
        on: NodeKey,
        /// Whether it is to be called now.
        active: bool,
    },
    /// It is gone, or counts no more.
    ExecutionRemoved {
        /// Where it was.
        on: NodeKey,
    },
    /// Something is wrong with a bundle until it is said to be well again.
    ErrorRaised {
        /// What.
        why: String,
    },
    /// Nothing is wrong with it any more.
    ErrorCleared,
    /// A node is a member.
    MemberJoined {
        /// Which.
        member: NodeKey,
        /// Its life.
        uid: Uid,
    },
    /// A member answers again.
    MemberReachable {
        /// Which.
        member: NodeKey,
    },
    /// A member does not answer.
    MemberUnreachable {
        /// Which.
        member: NodeKey,
    },
    /// A member's daemon is gone while its host answers.
    MemberRestarting {
        /// Which.
        member: NodeKey,
    },
    /// A quorum declared this life of a member over.
    MemberDown {
        /// Which.
        member: NodeKey,
    },
    /// A member left of its own will.
    MemberLeft {
        /// Which.
        member: NodeKey,
    },
    /// Other nodes count for a majority.
    VotersChanged {
        /// The register's epoch.
        epoch: u64,
        /// Who counts.
        voters: Vec<NodeKey>,
    },

    // What this node decided or met.
    /// This node accepts no changes.
    Quarantined {
        /// Why.
        reason: QuarantineReason,
    },
    /// It accepts changes again.
    Released,
    /// It has a new uid: the others had declared the old one down.
    Reborn {
        /// The new one.
        uid: Uid,
    },
    /// A client asked for something.
    Requested {
        /// What, in words.
        what: String,
    },
    /// A command was refused.
    Rejected {
        /// Why.
        why: String,
    },
    /// What was asked for is on the disks of a quorum.
    Written {
        /// The disks.
        durability: u32,
    },
    /// A wish lost against another, or its bundle was unloaded meanwhile.
    Superseded {
        /// What holds instead.
        by: String,
    },
    /// An archive begins to be copied.
    ReplicationStarted {
        /// Which.
        archive: Digest,
        /// To.
        to: NodeKey,
    },
    /// An archive arrived here, verified.
    ArchiveVerified {
        /// Which.
        archive: Digest,
    },
    /// An archive could not be copied to this node.
    ReplicationFailed {
        /// Which.
        archive: Digest,
        /// From.
        from: NodeKey,
        /// Why.
        why: String,
    },
    /// An archive on this disk is damaged or missing; a good copy is fetched.
    ArchiveLost {
        /// Which.
        archive: Digest,
    },
    /// An archive that nothing loaded names any more was deleted here.
    ArchiveDeleted {
        /// Which.
        archive: Digest,
    },
    /// This node decides for a system.
    Owning {
        /// Which.
        system: System,
        /// Under which epoch.
        epoch: u64,
    },
    /// It decides for it no more.
    Disowned {
        /// Which.
        system: System,
    },
    /// An instance was given to a node.
    Placed {
        /// Which.
        on: NodeKey,
    },
    /// A node declined an instance.
    Declined {
        /// Which.
        on: NodeKey,
        /// Why, with its numbers.
        why: String,
    },
    /// Instances are wished for that nobody can run.
    Unplaced {
        /// How many.
        missing: u32,
        /// Per node, the first thing that stands against it.
        reasons: Vec<(NodeKey, String)>,
    },
    /// An instance begins to start: the gate of its system is its own.
    Starting {
        /// The instances that it was told of.
        seeds: u32,
    },
    /// Its processes exist.
    Launched {
        /// The main one.
        pid: u32,
    },
    /// It signalled that it is healthy.
    Started {
        /// How long that took.
        took: Span,
    },
    /// A start failed.
    StartFailed {
        /// Why.
        why: String,
        /// Which try this was.
        attempt: u32,
    },
    /// Too many starts failed; the next try is made later.
    Parked {
        /// How many.
        tries: u32,
    },
    /// An instance is on its way to its end.
    Stopping {
        /// Why.
        why: String,
        /// How far it has come.
        stage: Option<StopStage>,
    },
    /// An instance ended.
    Exited {
        /// How.
        exit: Exit,
    },
    /// A child of an instance was killed for memory, while the instance lives on.
    ChildOutOfMemory,
    /// A node is being emptied, or no longer.
    Draining {
        /// Which.
        node: NodeKey,
        /// Whether it is.
        on: bool,
    },
    /// An instance found on this node is not what the cluster wants here.
    Surplus,

    // What went wrong.
    /// A record here cannot be understood; it is carried on, and its system is left to others.
    Unreadable {
        /// Which record.
        record: String,
        /// What is wrong with it.
        why: String,
    },
    /// Two nodes know the same writes and hold different records: memory or code is at fault.
    Diverged {
        /// The other.
        peer: NodeKey,
    },
    /// The state here was from before this node was removed: it is filled by the others.
    StateBegunAnew,
    /// Parts of the state folder were damaged.
    StateDamaged {
        /// How many entries.
        entries: u32,
        /// What is wrong with the first.
        why: String,
    },
    /// A record could not be written.
    WriteRefused {
        /// Why.
        why: String,
    },
    /// A piece of input had crashed this node three times within a minute and is skipped.
    PoisonSkipped {
        /// Its fingerprint.
        fingerprint: u64,
    },
    /// This node stood still.
    Paused {
        /// For how long.
        span: Span,
    },
    /// An operator declared who counts for a majority.
    MajorityForced {
        /// The register's epoch.
        epoch: u64,
    },
    /// Answers come later than the profile allows.
    SlowNetwork,
    /// A node was not let in.
    NotAdmitted {
        /// Which.
        key: NodeKey,
        /// Why.
        why: String,
    },
    /// A peer says what cannot be true; it is not believed.
    PeerDistrusted {
        /// Which.
        peer: NodeKey,
    },
    /// This node's clock and another's are far apart.
    ClockSkew {
        /// The other.
        peer: NodeKey,
        /// By how much.
        by: Span,
    },
    /// The disk does not take this node's writes.
    DiskFailing,
    /// It takes them again.
    DiskRecovered,
    /// A peer speaks a version that this node does not know.
    UnknownVersion {
        /// Who.
        peer: NodeKey,
        /// Which.
        version: u8,
    },
    /// Two processes use one identity.
    CloneDetected {
        /// Which.
        key: NodeKey,
    },
}
