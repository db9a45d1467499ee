//! S10: a node that lost the majority acknowledges nothing, and 15 s later runs nothing that has
//! a lease.

use conduct_node::command::Reply;

use super::{Opinions, Report};
use crate::engine::{Moment, millis, secs};
use crate::machine::{Pause, Phase};
use crate::watch::{Fact, Look};

const NAME: &str = "s10_quarantine_deadline";

/// No instance runs later than this after the cut.
const DEADLINE: Moment = secs(15);
/// Clocks are read in milliseconds, run a little slow, and a kill takes a moment.
const SLACK: Moment = millis(100);

/// Since when each machine has no majority.
#[derive(Debug, Default)]
pub(crate) struct QuarantineDeadline {
    alone_since: Vec<Option<Moment>>,
    arrangement: usize,
    epoch: u64,
}

impl QuarantineDeadline {
    pub(crate) fn fact(
        &mut self,
        look: &Look<'_>,
        opinions: &Opinions,
        fact: &Fact<'_>,
        report: &mut Report<'_>,
    ) {
        self.update(look, opinions);
        let Fact::Answered {
            operation,
            host,
            reply: Reply::Acknowledged { .. },
        } = *fact
        else {
            return;
        };
        let asked = look.clients.get(operation);
        let sent = asked
            .tries
            .iter()
            .rev()
            .find(|t| t.host == host)
            .map_or(asked.begun, |t| t.sent);
        if let Some(since) = self.alone_since.get(host).copied().flatten()
            && sent > since
        {
            report.object(
                NAME,
                format!("n{host} acknowledged {asked}, asked at {sent}, without a majority since {since}"),
            );
        }
    }

    pub(crate) fn look(&mut self, look: &Look<'_>, opinions: &Opinions, report: &mut Report<'_>) {
        self.update(look, opinions);
        for (instance, real) in look.truth.live().filter(|(_, real)| !real.kept) {
            let Some(since) = self.alone_since.get(real.host).copied().flatten() else {
                continue;
            };
            if look.now.since(since) <= DEADLINE + SLACK || !is_held(look, real.host, instance) {
                continue;
            }
            report.object(
                NAME,
                format!(
                    "{} still runs on n{}, which has had no majority since {since}",
                    instance.short(),
                    real.host
                ),
            );
        }
    }

    /// Notes who has a majority within reach, whenever that may have changed.
    fn update(&mut self, look: &Look<'_>, opinions: &Opinions) {
        let arrangement = look.truth.sides.changes();
        let epoch = opinions.newest_voters().epoch;
        if arrangement == self.arrangement
            && epoch == self.epoch
            && self.alone_since.len() == look.machines.len()
        {
            return;
        }
        (self.arrangement, self.epoch) = (arrangement, epoch);
        self.alone_since.resize(look.machines.len(), None);
        for host in 0..look.machines.len() {
            let reaches = opinions.is_quorum(look, look.sides().peers(host));
            let since = &mut self.alone_since[host];
            *since = if reaches {
                None
            } else {
                since.or(Some(look.now))
            };
        }
    }
}

/// Whether a shim holds the instance's lease and can act: the machine is not suspended.
fn is_held(look: &Look<'_>, host: usize, instance: conduct_model::InstanceId) -> bool {
    let machine = &look.machines[host];
    machine.pause != Some(Pause::Machine)
        && machine
            .hands
            .get(instance)
            .is_some_and(|hand| matches!(hand.phase, Phase::Alive { shim: Some(_), .. }))
}
