//! Those who watch: the checkers, whoever keeps the record, and the count of what was reached.

mod coverage;
mod fact;
mod fingerprint;
mod look;
pub mod peek;
mod record;
mod timeline;

pub use coverage::Coverage;
pub use fact::Fact;
pub use fingerprint::Fingerprint;
pub use look::Look;
pub use record::{Record, Recording};
pub use timeline::Line;

use conduct_node::effect::Effect;

use crate::checkers::{Checkers, Merge};
use crate::engine::Moment;
use crate::network::Forgery;
use crate::world::Occurrence;

/// A rule that was broken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// The checker that noticed.
    pub checker: &'static str,
    /// When.
    pub at: Moment,
    /// What it saw.
    pub what: String,
}

/// Everybody who watches a simulation.
pub struct Watch {
    checkers: Checkers,
    record: Record,
    coverage: Coverage,
    fingerprint: Fingerprint,
    violations: Vec<Violation>,
    refused_packets: u64,
}

impl Watch {
    /// Watches `hosts` machines and keeps this kind of record.
    pub fn new(hosts: usize, recording: Recording) -> Watch {
        Watch {
            checkers: Checkers::new(hosts),
            record: Record::new(recording),
            coverage: Coverage::default(),
            fingerprint: Fingerprint::default(),
            violations: Vec::new(),
            refused_packets: 0,
        }
    }

    /// Nobody checks anything: for measurements of large clusters. What nodes hold of each other
    /// is noted only if somebody wants it.
    #[must_use]
    pub fn without_checkers(mut self, opinions: bool) -> Watch {
        self.checkers.rest(opinions);
        self
    }

    /// Whether no rule was broken.
    pub const fn is_content(&self) -> bool {
        self.violations.is_empty()
    }

    /// The rules that were broken; the first one stops a simulation.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// What was reached.
    pub const fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// The record that was kept.
    pub const fn record(&self) -> &Record {
        &self.record
    }

    /// A number that two runs share only if everything in them was the same.
    pub const fn fingerprint(&self) -> u64 {
        self.fingerprint.value()
    }

    /// Packets that were dropped at the door because somebody had meddled with them.
    pub const fn refused_packets(&self) -> u64 {
        self.refused_packets
    }

    /// What the checkers counted.
    pub const fn checkers(&self) -> &Checkers {
        &self.checkers
    }

    /// The liveness checkers begin to demand what they demand of a calm cluster.
    pub fn demand_liveness(&mut self, core: &[usize], since: Moment) {
        self.checkers.demand_liveness(core, since);
    }

    /// A rule was broken.
    pub fn object(&mut self, checker: &'static str, at: Moment, what: String) {
        self.violations.push(Violation { checker, at, what });
    }

    /// Something that is to be reached now and then was reached.
    pub fn cover(&mut self, label: &'static str) {
        self.coverage.reach(label);
    }

    /// States are merged wrongly when the laws of merging are checked.
    pub fn merge_one_sidedly(&mut self) {
        self.checkers.merge_like(Merge::OneSided);
    }

    pub(crate) fn fact(&mut self, look: &Look<'_>, fact: &Fact<'_>) {
        self.record.fact(look, fact);
        self.coverage.fact(fact);
        self.checkers.fact(look, fact, &mut self.violations);
    }

    pub(crate) fn stepped(&mut self, look: &Look<'_>, host: usize) {
        self.checkers.stepped(look, host);
    }

    pub(crate) fn look(&mut self, look: &Look<'_>) {
        self.checkers.look(look, &mut self.violations);
    }

    pub(crate) fn finish(&mut self, look: &Look<'_>) {
        self.checkers.finish(look, &mut self.violations);
    }

    pub(crate) fn count(&mut self, at: Moment, occurrence: &Occurrence) {
        self.fingerprint.occurrence(at, occurrence);
    }

    pub(crate) fn mark(&mut self, host: usize, effect: &Effect) {
        self.fingerprint.effect(host, effect);
    }

    pub(crate) fn refused(&mut self, forgery: Forgery, taken: bool) {
        if !taken {
            self.refused_packets += 1;
            self.coverage.reach(match forgery {
                Forgery::Replay => "replay refused",
                Forgery::Forged => "forgery refused",
                Forgery::Flipped => "flipped bits refused",
            });
        }
    }
}
