//! How often what should now and then be reached was reached.

use std::collections::BTreeMap;

use super::Fact;

/// Counts by label.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Coverage(BTreeMap<&'static str, u64>);

impl Coverage {
    /// One more.
    pub fn reach(&mut self, label: &'static str) {
        *self.0.entry(label).or_insert(0) += 1;
    }

    /// How often.
    pub fn times(&self, label: &str) -> u64 {
        self.0.get(label).copied().unwrap_or(0)
    }

    /// Adds what another simulation reached.
    pub fn add(&mut self, other: &Coverage) {
        for (label, times) in &other.0 {
            *self.0.entry(label).or_insert(0) += times;
        }
    }

    /// Everything that was reached.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.0.iter().map(|(label, times)| (*label, *times))
    }

    pub(crate) fn fact(&mut self, fact: &Fact<'_>) {
        match fact {
            Fact::Published { event, .. } => self.reach(event.kind.name()),
            Fact::Born { .. } => self.reach("daemon started"),
            Fact::Died { .. } => self.reach("daemon died"),
            Fact::Paused { .. } => self.reach("paused"),
            Fact::PoweredOff { .. } => self.reach("power lost"),
            Fact::Wiped { .. } => self.reach("disk replaced"),
            Fact::WallJumped { .. } => self.reach("wall clock set"),
            _ => {}
        }
    }
}
