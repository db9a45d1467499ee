//! S3: a node that runs and can be reached is not declared down. On a network that loses packets
//! such verdicts are counted instead.

use conduct_node::event::EventKind;

use super::{Opinions, Report};
use crate::engine::{Moment, secs};
use crate::machine::index_of;
use crate::watch::{Fact, Look};

const NAME: &str = "s03_verdicts_need_evidence";

/// Whoever was awake and reached a quorum for so long has given no reason.
const WELL_FOR: Moment = secs(30);

/// Counts false verdicts.
#[derive(Debug, Default)]
pub(crate) struct VerdictsNeedEvidence {
    false_downs: u64,
    last: Option<(usize, Moment)>,
}

impl VerdictsNeedEvidence {
    pub(crate) const fn false_downs(&self) -> u64 {
        self.false_downs
    }

    pub(crate) fn fact(
        &mut self,
        look: &Look<'_>,
        opinions: &Opinions,
        fact: &Fact<'_>,
        report: &mut Report<'_>,
    ) {
        let Fact::Published { host, event } = *fact else {
            return;
        };
        let EventKind::MemberDown { member } = &event.kind else {
            return;
        };
        let victim = index_of(*member);
        if !was_well(look, opinions, host) || !was_well(look, opinions, victim) {
            return;
        }
        if look.truth.fair_weather_for(look.now) >= WELL_FOR {
            report.object(
                NAME,
                format!("n{host} says that n{victim} is down, and nothing ails it"),
            );
        } else if self
            .last
            .is_none_or(|(who, at)| who != victim || look.now.since(at) > secs(10))
        {
            // All nodes tell of one verdict: it counts once.
            self.false_downs += 1;
            self.last = Some((victim, look.now));
        }
    }
}

fn was_well(look: &Look<'_>, opinions: &Opinions, host: usize) -> bool {
    let since = look.now.since(WELL_FOR);
    let awake = look.truth.awake_since[host].is_some_and(|awake| awake <= since);
    let sides = &look.truth.sides;
    awake
        && opinions.is_quorum(
            look,
            (0..look.machines.len())
                .filter(|&other| other == host || sides.joined_throughout(host, other, since)),
        )
}
