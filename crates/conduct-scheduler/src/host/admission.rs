//! The last word on room: an instance is admitted against everything that was admitted before.

use conduct_model::{BundleId, Resources};

use crate::fleet::{Closed, Refusal, shortage};
use crate::host::Host;
use crate::terms::Terms;

impl Host {
    /// What is neither used nor promised.
    pub(super) fn free(&self) -> Resources {
        let held = self
            .executions
            .values()
            .filter(|held| held.execution.state.takes_room());
        let taken = held.fold(Resources::default(), |sum, held| {
            sum.plus(&held.terms.needs)
        });
        self.capacity.minus(&taken)
    }

    /// What stands against one more instance, checked in the order in which owners check it.
    /// Roles and affinity are the owner's to judge: they take nothing from this node.
    pub(super) fn objection(&self, bundle: BundleId, terms: &Terms) -> Option<Refusal> {
        if let Some(closed) = self.closed.first() {
            return Some(Refusal::Closed(*closed));
        }
        if self.adopting {
            return Some(Refusal::Closed(Closed::Adopting));
        }
        let lacking = self.settings.kinds.lacking(terms.kinds);
        if !lacking.is_empty() {
            return Some(Refusal::Kinds { lacking });
        }
        let live = self
            .executions
            .values()
            .filter(|held| held.execution.state.takes_room());
        let same = live
            .clone()
            .filter(|held| held.execution.bundle == bundle)
            .count();
        if same >= terms.max_per_node as usize {
            let (name, max_per_node) = (terms.name.clone(), terms.max_per_node);
            return Some(Refusal::Occupied { name, max_per_node });
        }
        if self.executions.len() >= Host::EXECUTIONS_MAX {
            return Some(Refusal::Full {
                instances: live.count() as u64,
            });
        }
        shortage(&terms.needs, &self.free())
    }
}
