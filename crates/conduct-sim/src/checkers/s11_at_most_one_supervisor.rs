//! S11: every instance has one keeper, is known to its node, and no signal ever hits a stranger.

use super::{Opinions, Report};
use crate::engine::{Moment, secs};
use crate::watch::{Fact, Look};

const NAME: &str = "s11_at_most_one_supervisor";

/// A daemon that runs for so long has asked all its shims.
const ADOPTED_AFTER: Moment = secs(10);

/// Watches forks, signals, and what nodes know of their own.
#[derive(Debug, Default)]
pub(crate) struct AtMostOneSupervisor;

impl AtMostOneSupervisor {
    pub(crate) fn fact(&mut self, look: &Look<'_>, fact: &Fact<'_>, report: &mut Report<'_>) {
        match *fact {
            Fact::Forked { instance, .. } => {
                let alive = look
                    .truth
                    .called(instance)
                    .filter(|real| real.ended.is_none())
                    .count();
                if alive > 1 {
                    report.object(NAME, format!("{} runs {alive} times", instance.short()));
                }
            }
            Fact::Misfired { host, instance } => {
                let meant = instance.short();
                report.object(
                    NAME,
                    format!("n{host} meant {meant} and signalled a stranger"),
                );
            }
            _ => {}
        }
    }

    pub(crate) fn look(&mut self, look: &Look<'_>, opinions: &Opinions, report: &mut Report<'_>) {
        for (instance, real) in look.truth.live() {
            let host = real.host;
            let awake = look.truth.awake_since[host];
            let settled = awake.is_some_and(|since| look.now.since(since) > ADOPTED_AFTER)
                && look.now.since(real.forked) > ADOPTED_AFTER;
            let known = opinions
                .of(host)
                .executions
                .get(&instance)
                .is_some_and(|seen| seen.on == host);
            if settled && !known && real.told_to_end.is_none() {
                report.object(
                    NAME,
                    format!(
                        "{} runs on n{host}, whose daemon does not know it",
                        instance.short()
                    ),
                );
            }
        }
    }
}
