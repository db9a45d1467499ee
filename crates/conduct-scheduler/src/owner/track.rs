//! What an owner remembers of a slot beyond its record.

use conduct_model::{Span, Time};

/// Moments, all by this node's own clock.
#[derive(Clone, Debug)]
pub(super) struct Track {
    /// The next instance waits until then.
    pub(super) resume: Time,
    /// What the host said when it was ready last, and when that came.
    pub(super) ready: Option<(Time, Time)>,
    /// What was ordered last, and when.
    pub(super) ordered: Option<(Ordered, Time)>,
    /// When it was granted the gate.
    pub(super) granted: Option<Time>,
    /// Until then it may be starting, whatever is heard of it.
    pub(super) gate_until: Time,
}

/// What was ordered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ordered {
    Prepare,
    /// With this word of being ready.
    Start(Time),
    Stop,
    Tell,
}

impl Track {
    /// Of an instance that was just placed.
    pub(super) const fn placed() -> Track {
        Track::waiting(Time::ZERO)
    }

    /// Of a slot that stays empty until `resume`.
    pub(super) const fn waiting(resume: Time) -> Track {
        Track {
            resume,
            ready: None,
            ordered: None,
            granted: None,
            gate_until: Time::ZERO,
        }
    }

    /// Of a slot that another owner left. What was granted may have begun a moment ago.
    pub(super) fn inherited(now: Time) -> Track {
        Track {
            granted: Some(now),
            ..Track::waiting(now)
        }
    }

    /// Whether the same was ordered less than `span` ago.
    pub(super) fn was_ordered(&self, now: Time, order: Ordered, span: Span) -> bool {
        self.ordered
            .is_some_and(|(last, at)| last == order && now.since(at) < span)
    }
}
