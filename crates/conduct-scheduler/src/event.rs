//! What schedulers and hosts decide and meet, for people to read.

use std::fmt;
use std::sync::Arc;

use conduct_model::{BundleId, InstanceId, NodeKey, Span, System};

use crate::assignment::StopReason;
use crate::execution::Ending;
use crate::fleet::Refusal;

/// Something that was decided or happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// About which system.
    pub system: System,
    /// About which bundle.
    pub bundle: Option<BundleId>,
    /// About which instance.
    pub instance: Option<InstanceId>,
    /// On which node.
    pub node: Option<NodeKey>,
    /// What.
    pub what: Happening,
}

/// What was decided or happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Happening {
    /// This node decides for the system from now on.
    Owning {
        /// Its epoch.
        epoch: u64,
    },
    /// It decides no more.
    Disowned,
    /// An instance was given to a node.
    Placed,
    /// A node declined it; another is asked.
    Declined(Refusal),
    /// Instances are wished for that no node can take.
    Unplaced {
        /// How many.
        missing: u32,
        /// Per node the first thing that stands against it, at most
        /// [`Happening::REFUSALS_MAX`] different ones.
        refusals: Vec<(NodeKey, Refusal)>,
    },
    /// All that is wished for is placed again, or not wished for any more.
    PlacedAll,
    /// The gate of the system is the instance's own.
    Granted {
        /// How many healthy ones it is told of.
        seeds: u32,
    },
    /// It signalled that it is healthy.
    Started {
        /// After its grant.
        took: Span,
    },
    /// A start failed.
    StartFailed {
        /// How.
        ending: Ending,
        /// Which try in a row.
        attempt: u32,
    },
    /// The bundle was given up for a while, and is tried now and then.
    Parked {
        /// After so many tries.
        tries: u32,
    },
    /// A parked bundle is tried once.
    TriedAgain,
    /// The bundle starts again.
    Cured,
    /// It failed after it had been healthy, and is started again.
    Failed {
        /// How.
        ending: Ending,
        /// When.
        again_in: Span,
    },
    /// It ended without being to blame, and is started again.
    Interrupted {
        /// How.
        ending: Ending,
    },
    /// It did its work and is left alone.
    Completed {
        /// How.
        ending: Ending,
    },
    /// Its node is gone: its slot is given again.
    NodeGone,
    /// Its node is silent and the time for its signal is over: others may start.
    Overdue,
    /// It is drained and told to end.
    Stopping(StopReason),
    /// It has ended as ordered.
    Stopped,
    /// Its node is drained: another takes its place, then it ends.
    Moving,
    /// A host found an instance that the assignment does not name, and ends it.
    Surplus,
}

impl Happening {
    /// So many different refusals are told in one event; `conduct why` tells all.
    pub const REFUSALS_MAX: usize = 10;
}

impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Happening::Owning { epoch } => write!(f, "decides for the system, epoch {epoch}"),
            Happening::Disowned => f.write_str("decides for the system no more"),
            Happening::Placed => f.write_str("placed"),
            Happening::Declined(refusal) => write!(f, "declined: {refusal}"),
            Happening::Unplaced { missing, refusals } => write_unplaced(f, *missing, refusals),
            Happening::PlacedAll => f.write_str("nothing is missing"),
            Happening::Granted { seeds: 0 } => f.write_str("starts, the first of its system"),
            Happening::Granted { seeds } => write!(f, "starts, {seeds} to join"),
            Happening::Started { took } => write!(f, "healthy after {took}"),
            Happening::StartFailed { ending, attempt } => write!(f, "try {attempt}: {ending}"),
            Happening::Parked { tries } => write!(f, "given up for now after {tries} tries"),
            Happening::TriedAgain => f.write_str("tried again"),
            Happening::Cured => f.write_str("starts again"),
            Happening::Failed {
                ending,
                again_in: Span::ZERO,
            } => {
                write!(f, "{ending}, starts again at once")
            }
            Happening::Failed { ending, again_in } => {
                write!(f, "{ending}, starts again in {again_in}")
            }
            Happening::Interrupted { ending } => write!(f, "{ending}, starts again"),
            Happening::Completed { ending } => write!(f, "finished: {ending}"),
            Happening::NodeGone => f.write_str("its node is gone"),
            Happening::Overdue => f.write_str("did not signal in time on a silent node"),
            Happening::Stopping(reason) => write!(f, "stops: {reason}"),
            Happening::Stopped => f.write_str("stopped"),
            Happening::Moving => f.write_str("moves, as its node is drained"),
            Happening::Surplus => f.write_str("is not wanted here and stops"),
        }
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StopReason::ScaledDown => "fewer are wished for",
            StopReason::Unloaded => "its bundle is unloaded",
            StopReason::Moved => "its node is drained",
            StopReason::Unhealthy => "its health check failed too often",
            StopReason::Parked => "its bundle fails to start",
            StopReason::Overdue => "it did not signal in time",
        })
    }
}

fn write_unplaced(
    f: &mut fmt::Formatter<'_>,
    missing: u32,
    refusals: &[(NodeKey, Refusal)],
) -> fmt::Result {
    write!(f, "{missing} missing: no node can take another")?;
    for (node, refusal) in refusals {
        write!(f, "; {} {refusal}", node.short())?;
    }
    Ok(())
}

/// Makes the events of one machine, so that each names its system alike.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Teller {
    system: Arc<System>,
}

impl Teller {
    pub(crate) const fn of(system: Arc<System>) -> Teller {
        Teller { system }
    }

    /// About the system.
    pub(crate) fn overall(&self, what: Happening) -> Event {
        let system = (*self.system).clone();
        Event {
            system,
            bundle: None,
            instance: None,
            node: None,
            what,
        }
    }

    /// About a bundle.
    pub(crate) fn bundle(&self, bundle: BundleId, what: Happening) -> Event {
        Event {
            bundle: Some(bundle),
            ..self.overall(what)
        }
    }

    /// About an instance on a node.
    pub(crate) fn instance(
        &self,
        bundle: BundleId,
        (instance, node): (InstanceId, NodeKey),
        what: Happening,
    ) -> Event {
        Event {
            instance: Some(instance),
            node: Some(node),
            ..self.bundle(bundle, what)
        }
    }
}
