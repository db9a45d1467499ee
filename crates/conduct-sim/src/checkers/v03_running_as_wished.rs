//! V3: of every bundle as many instances run as are wished, or as the machines can take.

use conduct_model::BundleId;

use super::liveness::Healed;
use super::rules::Allowed;
use crate::engine::{Moment, secs};

/// An instance that was killed from outside waits this long at most before it is started again.
const BACK_OFF_MAX: Moment = secs(72);

pub(crate) fn wrong(healed: &Healed<'_>) -> Option<String> {
    let look = healed.look;
    for (bundle, descriptor) in look.clients.bundles() {
        let sound = look
            .programs
            .get(bundle)
            .is_some_and(crate::machine::Program::is_sound);
        if !sound || backs_off(healed, *bundle) || shares_gate(healed, *bundle) {
            continue;
        }
        let running = look
            .truth
            .live()
            .filter(|(_, real)| real.bundle == *bundle && real.started.is_some())
            .filter(|(_, real)| real.told_to_end.is_none() && healed.core.contains(&real.host))
            .count() as u32;
        let capacity = healed.core.len() as u32 * descriptor.max_per_node;
        let allowed = Allowed::at(look.clients, *bundle, look.now, Moment::ZERO);
        let extra = reachable_rest(healed) * descriptor.max_per_node;
        let met = (0..=extra).any(|elsewhere| {
            (0..=allowed.most()).any(|scale| {
                allowed.contains(scale)
                    && running + elsewhere >= scale.min(capacity + extra)
                    && running <= scale
            })
        });
        if !met {
            let name = look.bundle_name(*bundle);
            return Some(format!(
                "{running} of {name} run in the core, {allowed} are wished for"
            ));
        }
    }
    None
}

/// Machines outside the core that it can reach.
fn reachable_rest(healed: &Healed<'_>) -> u32 {
    let first = healed.core.first().copied().unwrap_or_default();
    let rest = healed
        .look
        .sides()
        .peers(first)
        .filter(|host| !healed.core.contains(host));
    rest.count() as u32
}

/// Whether it failed so lately that it may still be waited for.
fn backs_off(healed: &Healed<'_>, bundle: BundleId) -> bool {
    let lately = healed.look.truth.failed_at(bundle);
    lately.is_some_and(|at| healed.look.now.since(at) < BACK_OFF_MAX)
}

/// Whether something that does not start well waits at the same gate.
fn shares_gate(healed: &Healed<'_>, bundle: BundleId) -> bool {
    let bundles = healed.look.clients.bundles();
    let Some(own) = bundles.get(&bundle) else {
        return false;
    };
    bundles.iter().any(|(other, descriptor)| {
        *other != bundle
            && descriptor.system == own.system
            && healed
                .look
                .programs
                .get(other)
                .is_some_and(|program| !program.is_sound())
    })
}
