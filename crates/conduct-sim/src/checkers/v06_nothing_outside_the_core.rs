//! V6: on machines that do not reach the core nothing runs that has a lease.

use super::liveness::Healed;

pub(crate) fn wrong(healed: &Healed<'_>) -> Option<String> {
    let look = healed.look;
    let first = *healed.core.first()?;
    let (instance, real) = look.truth.live().find(|(instance, real)| {
        !real.kept
            && !healed.core.contains(&real.host)
            && !look.sides().joined(first, real.host)
            && !is_unheld(healed, real.host, *instance)
    })?;
    Some(format!(
        "{} runs on n{}, outside the core",
        instance.short(),
        real.host
    ))
}

/// Whether its shim was killed and no daemon has given it another.
fn is_unheld(healed: &Healed<'_>, host: usize, instance: conduct_model::InstanceId) -> bool {
    let machine = &healed.look.machines[host];
    machine
        .hands
        .get(instance)
        .is_some_and(|hand| matches!(hand.phase, crate::machine::Phase::Alive { shim: None, .. }))
}
