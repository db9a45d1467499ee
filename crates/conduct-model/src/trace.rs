//! A trace: what happened in a cluster, a line for each happening, the same from a daemon and
//! from a simulation, so that one checker reads both.

use serde::{Deserialize, Serialize};

use crate::{BundleId, InstanceId, NodeKey, RequestId, System};

/// One line of a trace. As JSON: `{"atMs":1700,"node":"…","what":"forked","instance":"…"}`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TraceLine {
    /// Milliseconds since the trace began, on a clock that all nodes of the trace share.
    pub at_ms: u64,
    /// The node that it happened on.
    pub node: NodeKey,
    /// What happened.
    #[serde(flatten)]
    pub what: Happening,
}

/// What a trace tells of.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(
    tag = "what",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Happening {
    /// A daemon began to run.
    Born,
    /// It ended, as far as anybody saw.
    Died,
    /// A client asked it for something.
    Asked {
        /// The client's name for it.
        request: RequestId,
        /// The verb: `load`, `unload`, `scale`, `offset`, `drain`, `undrain`, `leave`.
        command: String,
        /// The bundle that it is about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bundle: Option<BundleId>,
        /// The scale that was asked for, or the difference to it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        amount: Option<i64>,
    },
    /// It answered.
    Answered {
        /// The client's name for it.
        request: RequestId,
        /// How.
        answer: Answer,
    },
    /// An instance was forked.
    Forked {
        /// Which.
        instance: InstanceId,
        /// What it runs.
        bundle: BundleId,
        /// What it starts one after the other within.
        system: System,
    },
    /// It signalled that it is healthy.
    Healthy {
        /// Which.
        instance: InstanceId,
    },
    /// It was told to end.
    Stopping {
        /// Which.
        instance: InstanceId,
    },
    /// No process of it is left.
    Ended {
        /// Which.
        instance: InstanceId,
    },
    /// The node published an event to its streams.
    Published {
        /// Its place among the events of this life of the node.
        sequence: u64,
        /// The name by which programs know its kind.
        event: String,
        /// The bundle that it is about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bundle: Option<BundleId>,
        /// The event as people read it.
        text: String,
    },
    /// Somebody or something disturbed the cluster, as far as the writer of the trace knows.
    Disturbed {
        /// How.
        text: String,
    },
}

/// How a node answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    /// Done and not to be lost.
    Acknowledged,
    /// Done, here.
    Done,
    /// No majority here: nothing was changed.
    Quarantined,
    /// It may take effect or not.
    Unknown,
    /// It has no effect.
    Refused,
}
