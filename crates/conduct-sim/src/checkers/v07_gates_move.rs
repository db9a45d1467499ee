//! V7: no gate stands still: nothing is starting for longer than its time.

use super::liveness::Healed;
use crate::engine::{Moment, millis, secs};

/// What a start may take unless its bundle says otherwise, and a moment.
const START_TIMEOUT: Moment = secs(62);

pub(crate) fn wrong(healed: &Healed<'_>) -> Option<String> {
    let look = healed.look;
    let (instance, real) = look.truth.live().find(|(_, real)| {
        let descriptor = look.clients.bundles().get(&real.bundle);
        let limit = descriptor
            .and_then(|descriptor| descriptor.start_timeout)
            .map_or(START_TIMEOUT, |limit| millis(limit.as_millis()) + secs(2));
        let begun = real.forked.max(healed.since);
        real.is_starting() && healed.core.contains(&real.host) && look.now.since(begun) > limit
    })?;
    Some(format!(
        "{} on n{} starts since {}",
        instance.short(),
        real.host,
        real.forked
    ))
}
