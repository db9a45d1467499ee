//! V4: every loaded bundle has as many good copies as the cluster wants, or as it has disks.

use super::liveness::Healed;

/// What the cluster wants.
const REPLICAS: usize = 3;

pub(crate) fn wrong(healed: &Healed<'_>) -> Option<String> {
    let look = healed.look;
    let first = *healed.core.first()?;
    let wanted = REPLICAS.min(healed.core.len());
    for bundle in &healed.opinions.of(first).bundles {
        let copies = look
            .machines
            .iter()
            .filter(|machine| machine.is_awake() && machine.archives.is_good(bundle.bundle))
            .count();
        if copies < wanted {
            let name = look.bundle_name(*bundle);
            return Some(format!("{name} has {copies} good copies of {wanted}"));
        }
    }
    None
}
