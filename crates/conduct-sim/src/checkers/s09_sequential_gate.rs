//! S9: of one system in one version at most one instance is starting on a side, and only the
//! first of a side is told of no others.

use conduct_model::InstanceId;

use super::{Opinions, Report};
use crate::engine::{Moment, secs};
use crate::watch::{Fact, Look};
use crate::world::Real;

const NAME: &str = "s09_sequential_gate";

/// Two machines that could talk for so long know of each other's instances.
const KNOWN_AFTER: Moment = secs(20);

/// Watches every fork.
#[derive(Debug, Default)]
pub(crate) struct SequentialGate;

impl SequentialGate {
    pub(crate) fn fact(
        &mut self,
        look: &Look<'_>,
        opinions: &Opinions,
        fact: &Fact<'_>,
        report: &mut Report<'_>,
    ) {
        match *fact {
            Fact::Forked { host, instance, .. } => forked(look, host, instance, report),
            Fact::Ordered {
                host,
                instance,
                bundle,
                seeds: 0,
            } => {
                let Some(descriptor) = look.clients.bundles().get(&bundle) else {
                    return;
                };
                let elder = look.truth.live().find(|(other, real)| {
                    *other != instance
                        && real.system == descriptor.system
                        && real.told_to_end.is_none()
                        && is_served(opinions, *other)
                        && real.started.is_some_and(|at| look.now.since(at) > secs(5))
                        && is_known(look, host, real, KNOWN_AFTER)
                });
                if let Some((other, _)) = elder {
                    report.object(
                        NAME,
                        format!(
                            "n{host} starts {} as the first of its system, beside {}",
                            instance.short(),
                            other.short()
                        ),
                    );
                }
            }
            _ => {}
        }
    }
}

fn forked(look: &Look<'_>, host: usize, instance: InstanceId, report: &mut Report<'_>) {
    let Some(new) = look.truth.real(instance, host) else {
        return;
    };
    let other = look.truth.live().find(|(other, real)| {
        (*other != instance || real.host != host)
            && real.system == new.system
            && real.is_starting()
            && is_known(look, host, real, look.now.since(real.forked))
    });
    if let Some((other, real)) = other {
        report.object(
            NAME,
            format!(
                "{} on n{host} and {} on n{} of system {} are starting at the same time",
                instance.short(),
                other.short(),
                real.host,
                new.system
            ),
        );
    }
}

/// Whether all nodes still send callers to the instance: what is being drained is no peer to join.
fn is_served(opinions: &Opinions, instance: InstanceId) -> bool {
    opinions.iter().all(|(_, opinion)| {
        opinion
            .executions
            .get(&instance)
            .is_none_or(|seen| seen.active)
    })
}

/// Whether whoever decides for `host` must have known of `real`: the two machines were awake and
/// could talk for that long and somewhat longer, over a good network.
fn is_known(look: &Look<'_>, host: usize, real: &Real, long: Moment) -> bool {
    let long = long.max(KNOWN_AFTER);
    let since = look.now.since(long);
    let awake = |host: usize| look.truth.awake_since[host].is_some_and(|at| at <= since);
    look.now > long
        && awake(host)
        && awake(real.host)
        && look.truth.fair_weather_for(look.now) >= long
        && (host == real.host || look.truth.sides.joined_throughout(host, real.host, since))
}
