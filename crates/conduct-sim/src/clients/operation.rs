//! One thing that was asked: when, of whom, how often, and with which outcome.

use std::fmt;

use conduct_model::{BundleId, RequestId};

use crate::engine::Moment;

/// Names an operation in the history.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct OperationId(pub u32);

/// What is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wish {
    /// The bundle is known.
    Load,
    /// The bundle is forgotten.
    Unload,
    /// So many instances, perhaps only where another bundle runs.
    Scale(u32, Option<BundleId>),
    /// So many instances more or fewer.
    Offset(i32),
    /// The node is emptied.
    Drain(usize),
    /// The node is used again.
    Undrain(usize),
    /// The node that is asked leaves.
    Leave,
}

/// What the client knows in the end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It still tries.
    Open,
    /// It is done, and will not be lost.
    Ok,
    /// It has no effect.
    Refused(String),
    /// It may have an effect or not.
    Unknown,
}

/// One time that it was sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Try {
    /// To which machine.
    pub host: usize,
    /// When.
    pub sent: Moment,
    /// When the answer came, and what it was in short.
    pub answered: Option<(Moment, &'static str)>,
}

/// One thing that was asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Operation {
    /// Its place in the history.
    pub id: OperationId,
    /// The client's name for it, the same at every try.
    pub request: RequestId,
    /// The bundle that it is about.
    pub bundle: BundleId,
    /// What is wanted.
    pub wish: Wish,
    /// When it was first sent.
    pub begun: Moment,
    /// When the client knew its outcome.
    pub settled: Moment,
    /// Its outcome.
    pub outcome: Outcome,
    /// Every time that it was sent.
    pub tries: Vec<Try>,
    /// A try may have had an effect although no answer said so.
    pub may_have_worked: bool,
    /// How often its archive was uploaded.
    pub(crate) uploads: usize,
    /// How often it had to look for another node.
    pub(crate) detours: usize,
}

impl Operation {
    /// Something that is wanted from `now` on.
    pub fn new(
        id: OperationId,
        request: RequestId,
        bundle: BundleId,
        wish: Wish,
        now: Moment,
    ) -> Operation {
        Operation {
            id,
            request,
            bundle,
            wish,
            begun: now,
            settled: Moment::NEVER,
            outcome: Outcome::Open,
            tries: Vec::new(),
            may_have_worked: false,
            uploads: 0,
            detours: 0,
        }
    }

    /// Whether it was acknowledged.
    pub fn is_ok(&self) -> bool {
        self.outcome == Outcome::Ok
    }

    /// Whether it may have had an effect.
    pub const fn may_have_effect(&self) -> bool {
        !matches!(self.outcome, Outcome::Refused(_))
    }

    /// Whether it was acknowledged before the other was first sent.
    pub fn is_before(&self, other: &Operation) -> bool {
        self.is_ok() && self.settled < other.begun
    }

    pub(crate) fn settle(&mut self, now: Moment, outcome: Outcome) {
        self.settled = now;
        self.outcome = outcome;
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bundle = self.bundle.short();
        match &self.wish {
            Wish::Load => write!(f, "load {bundle}"),
            Wish::Unload => write!(f, "unload {bundle}"),
            Wish::Scale(scale, None) => write!(f, "run {bundle} --scale {scale}"),
            Wish::Scale(scale, Some(beside)) => {
                write!(
                    f,
                    "run {bundle} --scale {scale} --affinity {}",
                    beside.short()
                )
            }
            Wish::Offset(by) => write!(f, "scale {bundle} by {by:+}"),
            Wish::Drain(host) => write!(f, "drain n{host}"),
            Wish::Undrain(host) => write!(f, "undrain n{host}"),
            Wish::Leave => write!(f, "leave"),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Open => f.write_str("open"),
            Outcome::Ok => f.write_str("acknowledged"),
            Outcome::Refused(why) => write!(f, "refused: {why}"),
            Outcome::Unknown => f.write_str("unknown"),
        }
    }
}
