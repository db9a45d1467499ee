//! What the watchers are told, at the moment when it happens.

use conduct_model::{BundleId, InstanceId};
use conduct_node::command::Reply;
use conduct_node::event::Event;
use conduct_node::runtime::Exit;

use crate::clients::OperationId;
use crate::network::Forgery;

/// Something that happened.
#[derive(Clone, Copy, Debug)]
pub enum Fact<'a> {
    /// A daemon began to run.
    Born {
        /// Where.
        host: usize,
        /// Which of that machine's.
        life: u32,
    },
    /// A daemon ended without a word.
    Died {
        /// Where.
        host: usize,
    },
    /// A daemon, or its whole machine, stands still.
    Paused {
        /// Where.
        host: usize,
    },
    /// It goes on.
    Resumed {
        /// Where.
        host: usize,
    },
    /// The power went.
    PoweredOff {
        /// Where.
        host: usize,
    },
    /// A disk was replaced.
    Wiped {
        /// Where.
        host: usize,
    },
    /// A wall clock was set.
    WallJumped {
        /// Where.
        host: usize,
        /// By how much.
        by_millis: i64,
    },
    /// A fault of the plan began or ended.
    Fault {
        /// What, in words.
        text: &'a str,
    },
    /// A node published an event.
    Published {
        /// Which node.
        host: usize,
        /// What.
        event: &'a Event,
    },
    /// A client wants something from now on.
    Asked {
        /// What.
        operation: OperationId,
    },
    /// A client sends what it wants, for the first time or again.
    Sent {
        /// What.
        operation: OperationId,
        /// To which node.
        host: usize,
    },
    /// A node answered a client.
    Answered {
        /// What was asked.
        operation: OperationId,
        /// Which node.
        host: usize,
        /// How.
        reply: &'a Reply,
    },
    /// A client knows what came of it.
    Settled {
        /// What was asked.
        operation: OperationId,
    },
    /// A node ordered its hands to start an instance.
    Ordered {
        /// Which node.
        host: usize,
        /// The instance.
        instance: InstanceId,
        /// What it runs.
        bundle: BundleId,
        /// How many others it was told of.
        seeds: usize,
    },
    /// An instance has processes.
    Forked {
        /// Where.
        host: usize,
        /// Which.
        instance: InstanceId,
        /// It runs bytes that are not what its digest says.
        rotten: bool,
    },
    /// An instance became healthy.
    Signalled {
        /// Where.
        host: usize,
        /// Which.
        instance: InstanceId,
    },
    /// An instance was sent SIGTERM.
    ToldToEnd {
        /// Where.
        host: usize,
        /// Which.
        instance: InstanceId,
    },
    /// Of an instance no process is left.
    Ended {
        /// Where.
        host: usize,
        /// Which.
        instance: InstanceId,
        /// How.
        exit: Exit,
    },
    /// A signal was sent to a process that was not the instance it was meant for.
    Misfired {
        /// Where.
        host: usize,
        /// What was meant.
        instance: InstanceId,
    },
    /// A packet that somebody meddled with got through the door.
    Admitted {
        /// Where.
        host: usize,
        /// What had been done to it.
        forgery: Forgery,
    },
}
