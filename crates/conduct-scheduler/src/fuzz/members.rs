//! Membership as it comes out in the end, leases, and the gossip that repairs what was lost.

use std::collections::BTreeSet;
use std::sync::Arc;

use conduct_model::{InstanceId, NodeKey, Span, System};

use crate::assignment::Assignment;
use crate::execution::Cause;
use crate::fleet::{Closed, Standing};
use crate::fuzz::World;
use crate::fuzz::fake::{Happens, Letter};
use crate::host::HostInput;
use crate::ownership::Part;
use crate::scheduler::Input;

/// Membership, as slow as it may be.
const TICK: Span = Span::millis(250);
const UNREACHABLE_AFTER: Span = Span::secs(3);
const GONE_AFTER: Span = Span::secs(8);
const QUARANTINED_AFTER: Span = Span::secs(4);
const LEASE: Span = Span::secs(15);

impl World {
    /// Membership, leases and the gossip that repairs what was lost.
    pub(super) fn tick(&mut self) {
        self.after(TICK, Happens::Tick);
        for a in 0..self.nodes.len() {
            for b in 0..self.nodes.len() {
                if self.is_wired(a, b) {
                    self.wired[a][b] = self.now;
                }
            }
        }
        for node in 0..self.nodes.len() {
            self.judge(node);
        }
        for node in 0..self.nodes.len() {
            self.see_to_contact(node);
            self.end_leases(node);
        }
        if self.now.as_millis().is_multiple_of(1_000) {
            self.sync_all();
            self.forget_unloaded();
        }
    }

    /// A quorum gives nodes up that are silent for long, and everybody it reaches hears of it.
    fn judge(&mut self, node: usize) {
        let silent = (0..self.nodes.len()).filter(|other| {
            let since = self.wired[*other][node];
            self.voters.contains(&self.key(*other))
                && self.has_majority(*other)
                && self.now.since(since) >= GONE_AFTER
        });
        let judges: Vec<NodeKey> = silent.map(|other| self.key(other)).collect();
        if self.voters.is_quorum(&judges) {
            self.gone[node] = true;
        }
        for other in 0..self.nodes.len() {
            if !self.nodes[other].up || other == node {
                continue;
            }
            let silent = self.now.since(self.wired[other][node]);
            let (key, since) = (self.key(node), self.now);
            let standing = match (self.gone[node], self.has_majority(other)) {
                (true, true) if !self.is_wired(other, node) => Standing::Gone { since },
                _ if silent >= UNREACHABLE_AFTER => Standing::Unreachable,
                _ => Standing::Reachable,
            };
            if self.is_wired(other, node) {
                self.nodes[other].scheduler.heard(self.now, key);
            }
            let alike = match (self.nodes[other].verdicts.insert(key, standing), standing) {
                (Some(Standing::Gone { .. }), Standing::Gone { .. }) => true,
                (before, standing) => before == Some(standing),
            };
            if !alike {
                self.schedule(
                    other,
                    Input::Standing {
                        node: key,
                        standing,
                    },
                );
            }
        }
    }

    fn has_majority(&self, node: usize) -> bool {
        let reached = (0..self.nodes.len()).filter(|other| self.is_wired(node, *other));
        let reached: Vec<NodeKey> = reached.map(|other| self.key(other)).collect();
        self.voters.is_quorum(&reached)
    }

    fn see_to_contact(&mut self, node: usize) {
        if !self.nodes[node].up {
            return;
        }
        let in_contact = self.has_majority(node);
        if in_contact {
            self.nodes[node].contact = self.now;
            self.nodes[node].hands.lease = self.now + LEASE;
        }
        let lost = self.now.since(self.nodes[node].contact) >= QUARANTINED_AFTER;
        let quarantined = match self.nodes[node].quarantined {
            true => !in_contact,
            false => lost,
        };
        if quarantined == self.nodes[node].quarantined {
            return;
        }
        self.nodes[node].quarantined = quarantined;
        if !quarantined {
            if std::mem::take(&mut self.gone[node]) {
                self.returned[node] = self.now;
            }
            self.catch_up(node);
        }
        let part = if quarantined {
            Part::Suspended
        } else {
            Part::Full
        };
        self.schedule(node, Input::Part(part));
        self.host(
            node,
            HostInput::Close {
                why: Closed::Quarantined,
                closed: quarantined,
            },
        );
    }

    /// Before a node leaves quarantine it has synced with a quorum.
    fn catch_up(&mut self, node: usize) {
        let systems: BTreeSet<System> = self.wishes.keys().cloned().collect();
        for system in systems {
            self.sync_wishes(node, &system);
        }
        for other in 0..self.nodes.len() {
            if !self.is_wired(node, other) {
                continue;
            }
            for (system, assignment) in self.nodes[other].assignments.clone() {
                self.merge(node, &system, assignment);
            }
            let (key, report) = (self.key(other), self.nodes[other].reported.clone());
            self.schedule(node, Input::Report { node: key, report });
        }
        for (system, assignment) in self.nodes[node].assignments.clone() {
            if self.was_removed(&system, &assignment) {
                self.remove(node, &system);
                continue;
            }
            let assignment = Some(assignment);
            self.host(node, HostInput::Assignment { system, assignment });
        }
    }

    fn end_leases(&mut self, node: usize) {
        if self.nodes[node].hands.lease > self.now {
            return;
        }
        let living: Vec<InstanceId> = self.nodes[node].hands.living().map(|(id, _)| id).collect();
        for instance in living {
            self.end(node, instance, Cause::LeaseEnded);
        }
    }

    fn sync_all(&mut self) {
        for node in 0..self.nodes.len() {
            if !self.nodes[node].up {
                continue;
            }
            for other in (0..self.nodes.len()).filter(|other| *other != node) {
                self.sync(node, other);
            }
        }
    }

    pub(super) fn era(&self, system: &System) -> u64 {
        self.eras.get(system).copied().unwrap_or(0)
    }

    /// Whether an assignment was written before its system was removed.
    pub(super) fn was_removed(&self, system: &System, assignment: &Arc<Assignment>) -> bool {
        let mut written = self.written.iter().rev();
        let same = written.find(|(known, _)| Arc::ptr_eq(known, assignment));
        same.is_some_and(|(_, era)| *era < self.era(system))
    }

    fn remove(&mut self, node: usize, system: &System) {
        self.nodes[node].assignments.remove(system);
        self.nodes[node].disk.assignments.remove(system);
        let gone = Input::Assignment {
            system: system.clone(),
            assignment: None,
        };
        self.schedule(node, gone);
        let (system, assignment) = (system.clone(), None);
        self.host(node, HostInput::Assignment { system, assignment });
    }

    /// What is unloaded and assigned nowhere leaves every node that is there to hear of it.
    fn forget_unloaded(&mut self) {
        let known = self
            .nodes
            .iter()
            .flat_map(|node| node.assignments.keys().cloned());
        let systems: BTreeSet<System> = known.collect();
        for system in systems {
            let loaded = self
                .wishes
                .get(&system)
                .is_some_and(|wishes| !wishes.is_empty());
            let settled = self.nodes.iter().all(|node| {
                let assigned = node.assignments.get(&system);
                let empty = assigned.is_none_or(|assigned| assigned.slots.is_empty());
                !node.up || !node.quarantined && empty
            });
            if loaded || !settled {
                continue;
            }
            *self.eras.entry(system.clone()).or_default() += 1;
            for node in 0..self.nodes.len() {
                if self.nodes[node].up {
                    self.remove(node, &system);
                }
            }
        }
    }

    /// Tells another node what it does not know.
    fn sync(&mut self, from: usize, to: usize) {
        let (key, report) = (self.key(from), self.nodes[from].reported.clone());
        if self.nodes[to]
            .reports
            .get(&key)
            .is_none_or(|known| *known < report.turn)
        {
            self.send(from, to, Letter::Report(report));
        }
        for (system, assignment) in self.nodes[from].assignments.clone() {
            let known = self.nodes[to].assignments.get(&system);
            if known.is_none_or(|known| known.version < assignment.version) {
                let letter = Letter::Assignment {
                    system,
                    assignment,
                    proposed: false,
                };
                self.send(from, to, letter);
            }
        }
    }
}
