//! Input that crashed earlier lives of this node.
//!
//! A piece of input that panics a node reaches it again after its restart: peers repeat what was
//! not answered. So the driver notes what a step that panicked was busy with, and the third crash
//! on one input within a minute is the last: from then on it is skipped. One bad record may cost a
//! node three restarts, never its life.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
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
    section: Option<Bytes>,
    record: Option<Arc<[u8]>>,
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
        Poison {
            skipped,
            ..Poison::default()
        }
    }

    /// Begins to handle a section of a packet.
    pub(crate) fn begin_section(&mut self, body: &Bytes) {
        self.section = Some(body.clone());
    }

    pub(crate) fn end_section(&mut self) {
        self.section = None;
    }

    /// Begins to handle a record, perhaps on account of a section.
    pub(crate) fn begin_record(&mut self, payload: &Arc<[u8]>) {
        self.record = Some(Arc::clone(payload));
    }

    pub(crate) fn end_record(&mut self) {
        self.record = None;
    }

    /// The input's fingerprint, if it is to be skipped. Nothing is computed while nothing is.
    pub(crate) fn skips(&self, input: &[u8]) -> Option<Fingerprint> {
        if self.skipped.is_empty() {
            return None;
        }
        Some(Fingerprint::of(input)).filter(|input| self.skipped.contains(input))
    }

    /// What is being handled, the inner before the outer.
    pub(crate) fn handling(&self) -> Option<Fingerprint> {
        match (&self.record, &self.section) {
            (Some(payload), _) => Some(Fingerprint::of(payload)),
            (None, Some(body)) => Some(Fingerprint::of(body)),
            (None, None) => None,
        }
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

    fn crashes(input: &[u8], at: &[u64]) -> Vec<Crash> {
        let crash = |at: &u64| Crash {
            handling: Fingerprint::of(input),
            at: Wall::from_millis(*at * 1000),
        };
        at.iter().map(crash).collect()
    }

    #[test]
    fn the_third_crash_on_one_input_within_a_minute_is_the_last() {
        let mut notes = crashes(b"one", &[100, 130, 160]);
        notes.extend(crashes(b"two", &[100, 130]));
        notes.extend(crashes(b"three", &[100, 150, 200, 250]));
        let mut poison = Poison::new(&notes);
        let skipped = poison.skips(b"one").expect("three crashes within a minute");
        assert!(poison.skips(b"two").is_none());
        assert!(
            poison.skips(b"three").is_none(),
            "never three within a minute"
        );
        assert!(poison.tell(skipped) && !poison.tell(skipped));
    }

    #[test]
    fn a_crash_is_put_down_to_the_record_and_not_to_the_packet_that_brought_it() {
        let mut poison = Poison::default();
        poison.begin_section(&Bytes::from_static(b"packet"));
        poison.begin_record(&Arc::from(&b"record"[..]));
        assert_eq!(poison.handling(), Some(Fingerprint::of(b"record")));
        poison.end_record();
        assert_eq!(poison.handling(), Some(Fingerprint::of(b"packet")));
        poison.end_section();
        assert_eq!(poison.handling(), None);
    }
}
