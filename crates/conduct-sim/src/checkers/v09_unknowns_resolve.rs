//! V9: asked again under its request id, every command whose outcome was unknown has one.

use super::liveness::Healed;
use crate::clients::Outcome;

pub(crate) fn wrong(healed: &Healed<'_>) -> Option<String> {
    let open = healed.look.clients.history().iter().find(|operation| {
        operation.begun < healed.since
            && operation.outcome == Outcome::Unknown
            && operation.settled > healed.since
    })?;
    Some(format!(
        "nobody knows what came of {open}, asked at {}",
        open.begun
    ))
}
