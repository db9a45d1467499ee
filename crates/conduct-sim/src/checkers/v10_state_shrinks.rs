//! V10: what was removed leaves nothing behind: the state is bounded by what there is.

use super::liveness::Healed;
use super::s18_bounded_memory::excess;

pub(crate) fn wrong(healed: &Healed<'_>) -> Option<String> {
    healed
        .core
        .iter()
        .find_map(|&host| excess(healed.look, healed.opinions, host, 1))
}
