//! V12: over many seeds everything was reached that the rules are about; a rule about what never
//! happens proves nothing.

use crate::watch::Coverage;

/// What a thousand seeds must have reached, each at least so often.
pub const REQUIRED: &[(&str, u64)] = &[
    ("acknowledged", 1_000),
    ("quarantined", 10),
    ("unknown", 10),
    ("refused", 10),
    ("daemon died", 100),
    ("paused", 100),
    ("power lost", 10),
    ("disk replaced", 10),
    ("wall clock set", 10),
    ("write failed", 10),
    ("lease terminated", 10),
    ("lease killed", 1),
    ("rotten archive found", 1),
    ("replay refused", 10),
    ("forgery refused", 10),
    ("flipped bits refused", 10),
    ("poison met", 3),
    ("memberUnreachable", 100),
    ("memberRestarting", 10),
    ("memberDown", 100),
    ("memberJoined", 0),
    ("quarantined", 100),
    ("released", 100),
    ("reborn", 10),
    ("owning", 1_000),
    ("declined", 1),
    ("parked", 10),
    ("superseded", 1),
    ("surplus", 10),
    ("votersChanged", 10),
    ("archiveLost", 1),
    ("poisonSkipped", 1),
];

/// What was reached less often than it must be.
pub fn never_reached(coverage: &Coverage) -> Vec<String> {
    REQUIRED
        .iter()
        .filter(|(label, least)| coverage.times(label) < *least)
        .map(|(label, least)| format!("{label}: {} of {least}", coverage.times(label)))
        .collect()
}
