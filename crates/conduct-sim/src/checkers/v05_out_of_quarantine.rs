//! V5: the core accepts changes, and so does every node that reaches it.

use super::liveness::Healed;

pub(crate) fn wrong(healed: &Healed<'_>) -> Option<String> {
    let first = *healed.core.first()?;
    let stuck = healed.look.sides().peers(first).find(|&host| {
        healed.opinions.of(host).quarantined && !healed.look.machines[host].has_left
    })?;
    Some(format!("n{stuck} is quarantined"))
}
