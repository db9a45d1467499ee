//! S5: nodes that know the same updates hold the same bytes.

use std::collections::BTreeMap;

use super::Report;
use crate::watch::{Look, peek};

const NAME: &str = "s05_same_updates_same_bytes";

/// Remembers what each set of updates came to, for a while.
#[derive(Debug, Default)]
pub(crate) struct SameUpdatesSameBytes {
    known: BTreeMap<u64, (u64, usize)>,
}

/// Vectors remembered; the cluster moves on.
const KNOWN_MAX: usize = 256;

impl SameUpdatesSameBytes {
    pub(crate) fn look(&mut self, look: &Look<'_>, report: &mut Report<'_>) {
        if self.known.len() > KNOWN_MAX {
            self.known.clear();
        }
        for (host, node) in look.all_awake() {
            let Some(summary) = peek::summary(node) else {
                continue;
            };
            let (records, first) = *self
                .known
                .entry(summary.vector)
                .or_insert((summary.records, host));
            if records != summary.records {
                report.object(
                    NAME,
                    format!(
                        "n{first} and n{host} know the same updates and hold different records"
                    ),
                );
            }
        }
    }
}
