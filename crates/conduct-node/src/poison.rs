//! Input that crashed earlier lives of this node.
//!
//! A piece of input that panics a node reaches it again after its restart: peers repeat what was
//! not answered. So the driver notes what a step that panicked was busy with, and the third crash
//! on one input within a minute is the last: from then on it is skipped. One bad record may cost a
//! node three restarts, never its life.

use std::collections::{BTreeMap, BTreeSet};

use conduct_model::{Span, Wall};

use crate::restored::{Crash, Fingerprint};

/// So many crashes on one input, and it is skipped.
const CRASHES_MAX: usize = 3;

/// Within this time.
const CRASHES_SPAN: Span = Span::secs(60);

/// What this node does not touch any more, and what it is touching now.
#[derive(Debug, Default)]
pub(crate) struct Poison {
    skipped: BTreeSet<Fingerprint>,
    /// What was told about already.
    told: BTreeSet<Fingerprint>,
    handling: Option<Fingerprint>,
}

impl Poison {
    /// Learns from the crashes of earlier lives.
    pub(crate) fn new(crashes: &[Crash]) -> Poison {
        let mut by_input: BTreeMap<Fingerprint, Vec<Wall>> = BTreeMap::new();
        for crash in crashes {
            by_input.entry(crash.handling).or_default().push(crash.at);
        }
        let skipped = by_input
            .into_iter()
            .filter_map(|(input, times)| is_poison(times).then_some(input))
            .collect();
        Poison { skipped, ..Poison::default() }
    }

    /// Begins to handle an input; `false` when it is to be skipped.
    pub(crate) fn begin(&mut self, input: Fingerprint) -> bool {
        if self.skipped.contains(&input) {
            return false;
        }
        self.handling = Some(input);
        true
    }

    /// Nothing that could come again is being handled.
    pub(crate) fn end(&mut self) {
        self.handling = None;
    }

    /// What is being handled.
    pub(crate) fn handling(&self) -> Option<Fingerprint> {
        self.handling
    }

    /// Whether a skipped input is to be told about: once in a life.
    pub(crate) fn tell(&mut self, input: Fingerprint) -> bool {
        self.told.insert(input)
    }
}

fn is_poison(mut times: Vec<Wall>) -> bool {
    times.sort_unstable();
    times.windows(CRASHES_MAX).any(|crashes| {
        let (first, last) = (crashes[0].as_millis(), crashes[CRASHES_MAX - 1].as_millis());
        last - first <= CRASHES_SPAN.as_millis()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crashes(input: u64, at: &[u64]) -> Vec<Crash> {
        let crash = |at: &u64| Crash {
            handling: Fingerprint(input),
            at: Wall::from_millis(*at * 1000),
        };
        at.iter().map(crash).collect()
    }

    #[test]
    fn the_third_crash_on_one_input_within_a_minute_is_the_last() {
        let mut notes = crashes(1, &[100, 130, 160]);
        notes.extend(crashes(2, &[100, 130]));
        notes.extend(crashes(3, &[100, 150, 200, 250]));
        let mut poison = Poison::new(&notes);
        assert!(!poison.begin(Fingerprint(1)));
        assert!(poison.begin(Fingerprint(2)));
        assert!(poison.begin(Fingerprint(3)), "never three within a minute");
        assert_eq!(poison.handling(), Some(Fingerprint(3)));
        poison.end();
        assert_eq!(poison.handling(), None);
        assert!(poison.tell(Fingerprint(1)) && !poison.tell(Fingerprint(1)));
    }
}
