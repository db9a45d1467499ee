//! Messages between fake nodes, and what a store of records does with assignments.

use std::sync::Arc;

use conduct_model::{Span, System};

use crate::assignment::Assignment;
use crate::epoch::Version;
use crate::fuzz::World;
use crate::fuzz::fake::{Happens, Letter, Write};
use crate::host::HostInput;
use crate::message::Message;
use crate::scheduler::Input;

/// How long a write takes.
pub(super) const DISK: Span = Span::millis(3);

impl World {
    pub(super) fn broadcast(&mut self, from: usize, letter: &Letter) {
        for to in 0..self.nodes.len() {
            self.send(from, to, letter.clone());
        }
    }

    pub(super) fn send(&mut self, from: usize, to: usize, letter: Letter) {
        let lost = from != to && self.draw(100) < self.loss;
        if lost || !self.is_wired(from, to) {
            return;
        }
        let life = self.nodes[to].life;
        let delay = Span::millis(if from == to { 0 } else { 1 + self.draw(4) });
        self.after(
            delay,
            Happens::Deliver {
                from,
                to,
                life,
                letter,
            },
        );
    }

    pub(super) fn deliver(&mut self, from: usize, to: usize, letter: Letter) {
        if !self.is_wired(from, to) {
            return;
        }
        let key = self.key(from);
        if self.voters.contains(&key) {
            self.nodes[to].scheduler.heard(self.now, key);
        }
        match letter {
            Letter::Scheduling(Message::Orders(orders)) => {
                self.host(to, HostInput::Orders { from: key, orders });
            }
            Letter::Scheduling(message) => {
                self.schedule(to, Input::Message { from: key, message });
            }
            Letter::Report(report) => {
                self.nodes[to].reports.insert(key, report.turn);
                self.schedule(to, Input::Report { node: key, report });
            }
            Letter::Assignment {
                system,
                assignment,
                proposed,
            } => {
                self.take_assignment((from, to), &system, assignment, proposed);
            }
            Letter::Confirm { system, version } => self.confirm((from, to), &system, version),
            Letter::Outvoted { system, epoch } => {
                self.schedule(to, Input::Outvoted { system, epoch });
            }
        }
    }

    fn take_assignment(
        &mut self,
        (from, to): (usize, usize),
        system: &System,
        assignment: Arc<Assignment>,
        proposed: bool,
    ) {
        let epoch = assignment.version.epoch;
        if proposed && !self.nodes[to].scheduler.may_confirm(system, epoch) {
            let Some(epoch) = self.nodes[to].scheduler.highest(system) else {
                return;
            };
            return self.send(
                to,
                from,
                Letter::Outvoted {
                    system: system.clone(),
                    epoch,
                },
            );
        }
        let known = self.nodes[to]
            .assignments
            .get(system)
            .map(|known| known.version);
        if let Some(later) = known.filter(|known| known.epoch > epoch && proposed) {
            let letter = Letter::Outvoted {
                system: system.clone(),
                epoch: later.epoch,
            };
            return self.send(to, from, letter);
        }
        self.merge(to, system, assignment.clone());
        let tell = proposed.then_some(from);
        let write = Write::Assignment(system.clone(), assignment, tell);
        let life = self.nodes[to].life;
        self.after(
            DISK,
            Happens::Stored {
                node: to,
                life,
                write,
            },
        );
    }

    pub(super) fn merge(&mut self, node: usize, system: &System, assignment: Arc<Assignment>) {
        let known = self.nodes[node].assignments.get(system);
        let old = known.is_some_and(|known| known.version >= assignment.version);
        if old || self.was_removed(system, &assignment) {
            return;
        }
        self.nodes[node]
            .assignments
            .insert(system.clone(), assignment.clone());
        let (system, assignment) = (system.clone(), Some(assignment));
        let seen = Input::Assignment {
            system: system.clone(),
            assignment: assignment.clone(),
        };
        self.schedule(node, seen);
        if !self.nodes[node].quarantined {
            self.host(node, HostInput::Assignment { system, assignment });
        }
    }

    fn confirm(&mut self, (from, to): (usize, usize), system: &System, version: Version) {
        let key = self.key(from);
        let Some((proposed, disks)) = self.nodes[to].proposals.get_mut(system) else {
            return;
        };
        if *proposed != version {
            return;
        }
        disks.insert(key);
        let disks = disks.clone();
        if self.voters.is_quorum(&disks) {
            self.nodes[to].proposals.remove(system);
            let system = system.clone();
            self.schedule(to, Input::Confirmed { system, version });
        }
    }

    pub(super) fn stored(&mut self, node: usize, write: Write) {
        match write {
            Write::Promises(token, promises) => {
                for (system, promise) in promises {
                    match promise {
                        Some(promise) => self.nodes[node].disk.promises.insert(system, promise),
                        None => self.nodes[node].disk.promises.remove(&system),
                    };
                }
                self.schedule(node, Input::Stored(token));
            }
            Write::Host(token, writes) => {
                for write in &writes {
                    self.nodes[node].write(write);
                }
                self.host(node, HostInput::Stored(token));
            }
            Write::Assignment(system, assignment, tell) => {
                let version = assignment.version;
                let disk = &mut self.nodes[node].disk.assignments;
                if disk
                    .get(&system)
                    .is_none_or(|known| known.version < version)
                {
                    disk.insert(system.clone(), assignment);
                }
                if let Some(to) = tell {
                    self.send(node, to, Letter::Confirm { system, version });
                }
            }
        }
    }
}
