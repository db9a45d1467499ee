//! S13: the events of a life are numbered without gaps, and a snapshot with the events that
//! follow it is the state.

use super::{Opinion, Opinions, Report};
use crate::watch::{Fact, Look};

const NAME: &str = "s13_monotonic_stream";

/// Replays every stream.
#[derive(Debug, Default)]
pub(crate) struct MonotonicStream {
    turn: usize,
}

impl MonotonicStream {
    /// Before the event is taken in.
    pub(crate) fn fact(&mut self, opinions: &Opinions, fact: &Fact<'_>, report: &mut Report<'_>) {
        let Fact::Published { host, event } = *fact else {
            return;
        };
        let Some(next) = opinions.of(host).next_sequence else {
            return;
        };
        if event.sequence != next {
            report.object(
                NAME,
                format!(
                    "n{host} published event {} where {next} was due",
                    event.sequence
                ),
            );
        }
    }

    /// One node after the other: what its events add up to is what it says that it knows.
    pub(crate) fn look(&mut self, look: &Look<'_>, opinions: &Opinions, report: &mut Report<'_>) {
        self.turn = (self.turn + 1) % look.machines.len();
        let host = self.turn;
        let heard = opinions.of(host);
        if look.awake(host).is_none() || heard.life != look.machines[host].life {
            return;
        }
        let Some(view) = look.view(host) else { return };
        if let Some(difference) = difference(heard, &Opinion::of(&view)) {
            report.object(
                NAME,
                format!("the events of n{host} do not add up to its state: {difference}"),
            );
        }
    }
}

fn difference(heard: &Opinion, seen: &Opinion) -> Option<String> {
    if heard.quarantined != seen.quarantined {
        return Some(format!(
            "quarantined {} and {}",
            heard.quarantined, seen.quarantined
        ));
    }
    if heard.voters != seen.voters {
        return Some(format!(
            "voters of epoch {} and {}",
            heard.voters.epoch, seen.voters.epoch
        ));
    }
    if heard.bundles != seen.bundles {
        return Some(format!(
            "{} and {} bundles",
            heard.bundles.len(),
            seen.bundles.len()
        ));
    }
    if heard.executions != seen.executions {
        return Some(format!(
            "executions {:?} and {:?}",
            heard.executions, seen.executions
        ));
    }
    if heard.installations != seen.installations {
        return Some(format!(
            "installations {:?} and {:?}",
            heard.installations, seen.installations
        ));
    }
    let verdicts = |opinion: &Opinion| {
        opinion
            .members
            .iter()
            .map(|(host, (_, verdict))| (*host, *verdict))
            .collect::<Vec<_>>()
    };
    (verdicts(heard) != verdicts(seen))
        .then(|| format!("members {:?} and {:?}", verdicts(heard), verdicts(seen)))
}
