//! V2: every core node has the same state.

use super::liveness::Healed;
use crate::engine::{Moment, millis};
use crate::watch::peek;

/// What changed so lately need not be known everywhere.
const NEWS: Moment = millis(2_000);

pub(crate) fn wrong(healed: &Healed<'_>) -> Option<String> {
    let changed = healed.look.truth.changed.max(healed.written);
    if healed.look.now.since(changed) < NEWS {
        return None;
    }
    let summary = |host: usize| healed.look.node(host).and_then(peek::summary);
    let (first, rest) = healed.core.split_first()?;
    let here = summary(*first);
    let other = rest.iter().find(|&&other| summary(other) != here)?;
    Some(format!("n{first} and n{other} differ in their state"))
}
