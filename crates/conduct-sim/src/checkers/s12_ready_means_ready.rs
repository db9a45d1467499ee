//! S12: callers are sent only to instances that signalled in their present life, and not for long
//! to what has ended or cannot be reached.

use std::collections::VecDeque;

use conduct_model::InstanceId;
use conduct_node::event::EventKind;

use super::{Opinions, Report};
use crate::engine::{Moment, millis, secs};
use crate::machine::{DiskFault, index_of};
use crate::watch::{Fact, Look};

const NAME: &str = "s12_ready_means_ready";

/// The end of an instance is known everywhere after this.
const WITHDRAWN: Moment = millis(2_000);
/// A node that does not answer is known for it after this: 3 s, 4.5 s, 6 s, and a moment.
const UNREACHABLE_SLACK: Moment = secs(1);

/// What is to be looked at later.
#[derive(Debug, Default)]
pub(crate) struct ReadyMeansReady {
    ended: VecDeque<(Moment, InstanceId, usize)>,
    arrangement: usize,
    judged: bool,
}

impl ReadyMeansReady {
    pub(crate) fn fact(
        &mut self,
        look: &Look<'_>,
        opinions: &Opinions,
        fact: &Fact<'_>,
        report: &mut Report<'_>,
    ) {
        match *fact {
            Fact::Published { host, event } => {
                let (EventKind::ExecutionChanged { on, active: true }, Some(instance)) =
                    (&event.kind, event.instance)
                else {
                    return;
                };
                let on = index_of(*on);
                let ready = look
                    .truth
                    .real(instance, on)
                    .is_some_and(|real| real.started.is_some());
                if !ready {
                    report.object(
                        NAME,
                        format!(
                            "n{host} sends callers to {} on n{on}, which never signalled",
                            instance.short()
                        ),
                    );
                }
            }
            Fact::Ended { host, instance, .. } => {
                let known = opinions.iter().any(|(_, opinion)| {
                    opinion
                        .executions
                        .get(&instance)
                        .is_some_and(|seen| seen.active)
                });
                if known {
                    self.ended.push_back((look.now + WITHDRAWN, instance, host));
                }
            }
            _ => {}
        }
    }

    pub(crate) fn look(&mut self, look: &Look<'_>, opinions: &Opinions, report: &mut Report<'_>) {
        while self.ended.front().is_some_and(|(at, ..)| *at <= look.now) {
            if let Some((at, instance, on)) = self.ended.pop_front() {
                check_ended(look, opinions, instance, on, at.since(WITHDRAWN), report);
            }
        }
        let since = look.truth.sides.unchanged_since();
        let arrangement = look.truth.sides.changes();
        if arrangement != self.arrangement {
            (self.arrangement, self.judged) = (arrangement, false);
        }
        if !self.judged && look.now.since(since) > unreachable_after(look) + UNREACHABLE_SLACK {
            self.judged = true;
            check_unreachable(look, opinions, report);
        }
    }
}

fn check_ended(
    look: &Look<'_>,
    opinions: &Opinions,
    instance: InstanceId,
    on: usize,
    ended: Moment,
    report: &mut Report<'_>,
) {
    if look.truth.fair_weather_for(look.now) < secs(10) {
        return;
    }
    // What a node cannot write it does not tell.
    let disk = look.machines[on].disk.fault();
    if disk != DiskFault::None || look.now.since(look.truth.troubled[on]) < secs(5) {
        return;
    }
    // Whoever could not see the end, or not be told of it, is not to blame.
    let told = |host: usize| {
        let since = ended.since(secs(5));
        let awake = |host: usize| look.truth.awake_since[host].is_some_and(|awake| awake <= since);
        awake(host) && awake(on) && look.truth.sides.joined_throughout(host, on, since)
    };
    for (host, opinion) in opinions.iter() {
        let sends = opinion
            .executions
            .get(&instance)
            .is_some_and(|seen| seen.active);
        if sends && told(host) {
            report.object(
                NAME,
                format!(
                    "n{host} still sends callers to {} on n{on}, which ended at {ended}",
                    instance.short()
                ),
            );
        }
    }
}

/// Nobody sends callers to a machine that stands still or was cut off.
fn check_unreachable(look: &Look<'_>, opinions: &Opinions, report: &mut Report<'_>) {
    if look.truth.fair_weather_for(look.now) < secs(10) {
        return;
    }
    let since = look.truth.sides.unchanged_since();
    for (host, opinion) in opinions.iter() {
        let awake = look.truth.awake_since[host].is_some_and(|awake| awake <= since);
        // A node that knows that it is alone says so to whoever asks it.
        if look.awake(host).is_none() || !awake || opinion.quarantined {
            continue;
        }
        let gone = opinion.executions.iter().find(|(_, seen)| {
            let daemon_there = look.machines[seen.on].daemon.is_some();
            let silent = daemon_there || !look.machines[seen.on].powered;
            seen.active && seen.on != host && silent && !look.sides().joined(host, seen.on)
        });
        if let Some((instance, seen)) = gone {
            report.object(
                NAME,
                format!(
                    "n{host} sends callers to {} on n{}, which cannot be reached since {since}",
                    instance.short(),
                    seen.on
                ),
            );
        }
    }
}

/// How long it takes until a node that does not answer is called unreachable.
fn unreachable_after(look: &Look<'_>) -> Moment {
    match look.machines.len() {
        0..=10 => secs(3),
        11..=100 => millis(4_500),
        _ => secs(6),
    }
}
