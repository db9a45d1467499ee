//! S19: no timeout and no order looks at the wall clock: with and without jumping clocks the same
//! seed makes the same decisions at the same moments.

use conduct_model::BundleId;
use conduct_node::event::EventKind;

use crate::engine::Moment;
use crate::watch::{Fact, Look};

/// Something that a node decided.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    /// When.
    pub at: Moment,
    /// Which node.
    pub host: usize,
    /// The bundle that it is about.
    pub bundle: Option<BundleId>,
    /// What.
    pub what: &'static str,
}

/// Keeps every decision.
#[derive(Debug, Default)]
pub(crate) struct NoWallClock {
    decisions: Vec<Decision>,
}

/// Decisions are kept up to this many.
const DECISIONS_MAX: usize = 100_000;

impl NoWallClock {
    pub(crate) fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    pub(crate) fn fact(&mut self, look: &Look<'_>, fact: &Fact<'_>) {
        let Fact::Published { host, event } = *fact else {
            return;
        };
        if is_decision(&event.kind) && self.decisions.len() < DECISIONS_MAX {
            let what = event.kind.name();
            self.decisions.push(Decision {
                at: look.now,
                host,
                bundle: event.bundle,
                what,
            });
        }
    }
}

const fn is_decision(kind: &EventKind) -> bool {
    matches!(
        kind,
        EventKind::MemberUnreachable { .. }
            | EventKind::MemberRestarting { .. }
            | EventKind::MemberDown { .. }
            | EventKind::Quarantined { .. }
            | EventKind::Released
            | EventKind::Placed { .. }
            | EventKind::Starting { .. }
            | EventKind::Stopping { .. }
            | EventKind::Parked { .. }
    )
}

/// The first difference between the decisions of two runs of one seed, of which one had its wall
/// clocks set.
pub fn same_decisions(calm: &[Decision], jumping: &[Decision]) -> Result<(), String> {
    let differs = calm.iter().zip(jumping).find(|(one, other)| one != other);
    if let Some((one, other)) = differs {
        return Err(format!(
            "s19_no_wall_clock: n{} decided {} at {} with right clocks, and n{} {} at {} with jumping ones",
            one.host, one.what, one.at, other.host, other.what, other.at
        ));
    }
    if calm.len() == jumping.len() {
        Ok(())
    } else {
        Err(format!(
            "s19_no_wall_clock: {} decisions with right clocks, {} with jumping ones",
            calm.len(),
            jumping.len()
        ))
    }
}
