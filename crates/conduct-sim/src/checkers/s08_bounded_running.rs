//! S8: never more instances than wished. For most bundles this holds among machines that the
//! majority has reached all along; for exclusive ones everywhere and always.

use std::collections::BTreeMap;

use conduct_model::BundleId;

use super::rules::{Allowed, may_be_drained};
use super::{Opinions, Report};
use crate::engine::{Moment, secs};
use crate::watch::{Fact, Look};

const NAME: &str = "s08_bounded_running";

/// Nodes act on a wish that was replaced for so long: news, draining, SIGTERM, SIGKILL.
const GRACE: Moment = secs(20);
/// Machines that were reached for so long have stopped whatever a cut had left on them.
const STEADY: Moment = secs(30);

/// Counts what really runs.
#[derive(Debug, Default)]
pub(crate) struct BoundedRunning;

impl BoundedRunning {
    pub(crate) fn fact(
        &mut self,
        look: &Look<'_>,
        opinions: &Opinions,
        fact: &Fact<'_>,
        report: &mut Report<'_>,
    ) {
        if let Fact::Forked { host, instance, .. } = *fact
            && let Some(real) = look.truth.real(instance, host)
        {
            check(look, opinions, real.bundle, real.exclusive, report);
        }
    }

    /// A wish may have been lowered long enough ago.
    pub(crate) fn look(&mut self, look: &Look<'_>, opinions: &Opinions, report: &mut Report<'_>) {
        let bundles: BTreeMap<BundleId, bool> = look
            .truth
            .live()
            .map(|(_, real)| (real.bundle, real.exclusive))
            .collect();
        for (bundle, exclusive) in bundles {
            check(look, opinions, bundle, exclusive, report);
        }
    }
}

fn check(
    look: &Look<'_>,
    opinions: &Opinions,
    bundle: BundleId,
    exclusive: bool,
    report: &mut Report<'_>,
) {
    let running: Vec<usize> = look
        .truth
        .live()
        .filter(|(_, real)| real.bundle == bundle && real.told_to_end.is_none())
        .filter(|(_, real)| exclusive || counts(look, opinions, real.host))
        .map(|(_, real)| real.host)
        .collect();
    let most = most(look, bundle, exclusive);
    if running.len() > most as usize {
        report.object(
            NAME,
            format!(
                "{} runs {} times on {running:?}, at most {most} were wished for",
                look.bundle_name(bundle),
                running.len()
            ),
        );
    }
}

fn most(look: &Look<'_>, bundle: BundleId, exclusive: bool) -> u32 {
    // A cut delays news of a lower scale; whoever is told later stops later.
    let grace = if exclusive { STEADY + GRACE } else { GRACE };
    let allowed = Allowed::at(look.clients, bundle, look.now, grace.max(unsettled(look)));
    allowed.most()
}

/// Whether what runs on the machine is bounded at all: it is reached, and nobody empties it.
fn counts(look: &Look<'_>, opinions: &Opinions, host: usize) -> bool {
    is_steady(look, opinions, host)
        && !may_be_drained(look.clients, host, look.now, unsettled(look))
}

/// For how long nodes may have been kept from learning of a wish.
fn unsettled(look: &Look<'_>) -> Moment {
    if look.truth.calm_for(look.now, STEADY) {
        GRACE
    } else {
        secs(300)
    }
}

/// Whether the machine was awake, and reached a quorum over a good network, for so long that
/// nothing on it is left over from worse times.
fn is_steady(look: &Look<'_>, opinions: &Opinions, host: usize) -> bool {
    let since = look.now.since(STEADY);
    look.now > STEADY
        && look.truth.fair_weather_for(look.now) >= STEADY
        && look.truth.awake_since[host].is_some_and(|awake| awake <= since)
        && opinions.is_quorum(
            look,
            (0..look.machines.len()).filter(|&other| {
                other == host || look.truth.sides.joined_throughout(host, other, since)
            }),
        )
}
