//! The border to the scheduler: what owners decide, and what they have to know.

use std::sync::Arc;

use conduct_model::System;
use conduct_scheduler::{Assignment, Effect as Decided, HostInput, Input, Message as Scheduling};
use conduct_state::{Dot, Kind};

use super::shelf::{disk_value, promise_key};
use super::{Brain, Held};
use crate::outbox::Way;
use crate::payload::{AssignmentRecord, Payload, Report, Unknown};
use crate::protocol::Message;

impl Brain {
    pub(super) fn scheduler_effect(&mut self, effect: Decided) {
        match effect {
            Decided::Send { to, message } if to == self.me => self.take_scheduling(to, message),
            Decided::Send { to, message } => {
                self.send(to, Way::Stream, &Message::Scheduling(message));
            }
            Decided::Persist { token, promises } => {
                for (system, promise) in promises {
                    let value = promise.map(|promise| disk_value(&promise));
                    self.disk.write(promise_key(&system), value);
                }
                self.disk.hold(Held::Scheduler(token));
            }
            Decided::Propose { system, assignment } => self.propose(system, &assignment),
            Decided::Event(event) => self.tell_scheduling(*event),
            Decided::Refill => self.refill(),
            Decided::Arm(at) => self.alarms.scheduler = at,
        }
    }

    /// What schedulers and hosts say to each other goes to whichever of the two is meant.
    pub(super) fn take_scheduling(&mut self, from: conduct_model::NodeKey, message: Scheduling) {
        match message {
            Scheduling::Orders(orders) => self.pass_host(HostInput::Orders { from, orders }),
            message => self.pass_scheduler(Input::Message { from, message }),
        }
    }

    /// Writes a decision. Nothing is written when a later one is known, or nothing may be.
    pub(super) fn write_assignment(
        &mut self,
        system: &System,
        assignment: &Assignment,
    ) -> Option<Dot> {
        if self.own.new_writer_wanted {
            return None;
        }
        let record = AssignmentRecord {
            assignment: assignment.clone(),
            unknown: self.unknown_of(system),
        };
        let (epoch, sequence) = (rank(assignment), assignment.version.sequence);
        let payload = record.write();
        let written = self
            .state
            .assign(system.clone(), epoch, sequence, &payload[..]);
        match written {
            Ok(written) => {
                let dot = written.dot;
                self.take_written(written);
                Some(dot)
            }
            Err(error) => {
                self.take_outcome(Err(error));
                None
            }
        }
    }

    /// What an owner of a newer version had decided beside what is understood here.
    fn unknown_of(&self, system: &System) -> Unknown {
        let key = conduct_state::RecordKey::Assignment(system.clone());
        let record = self.state.get(&key);
        let before = record.and_then(|record| self.readable::<AssignmentRecord>(record));
        before.map(|before| before.unknown).unwrap_or_default()
    }

    /// This node votes now: its scheduler has to know of everyone.
    fn refill(&mut self) {
        let nodes: Vec<_> = self.membership.members().map(|member| member.key).collect();
        for node in nodes {
            if let Some(standing) = self.standing(&node) {
                self.pass_scheduler(Input::Standing { node, standing });
            }
        }
        let reports: Vec<_> = self
            .state
            .of_kind(Kind::NODE_REPORT)
            .filter_map(|record| match record.key() {
                conduct_state::RecordKey::NodeReport(node) => {
                    Some((*node, self.readable::<Report>(record)?.for_hosts()))
                }
                _ => None,
            })
            .collect();
        for (node, report) in reports {
            self.pass_scheduler(Input::Report {
                node,
                report: Arc::new(report),
            });
        }
        let systems: Vec<System> = self.book.systems.keys().cloned().collect();
        for system in systems {
            self.hand_over_wishes(&system);
        }
    }

    /// The scheduler's view of every assignment and of what it may not decide, at the start.
    pub(super) fn hand_over_all_assignments(&mut self) {
        let assignments: Vec<_> = self
            .book
            .assignments
            .iter()
            .map(|(system, assignment)| (system.clone(), Arc::clone(assignment)))
            .collect();
        for (system, assignment) in assignments {
            if self.book.is_barred(&system) {
                self.pass_scheduler(Input::Barred {
                    system: system.clone(),
                    barred: true,
                });
            }
            self.pass_scheduler(Input::Assignment {
                system,
                assignment: Some(assignment),
            });
        }
    }

    /// Nothing of a system is loaded and nothing is assigned: its owner removes the record.
    pub(super) fn remove_idle_assignments(&mut self) {
        let idle: Vec<System> = self
            .book
            .assignments
            .iter()
            .filter(|(system, assignment)| {
                !self.book.systems.contains_key(*system)
                    && assignment.slots.is_empty()
                    && self
                        .scheduler
                        .holder(system)
                        .is_none_or(|holder| holder == self.me)
            })
            .map(|(system, _)| system.clone())
            .collect();
        for system in idle {
            match self
                .state
                .remove(&conduct_state::RecordKey::Assignment(system))
            {
                Ok(Some(written)) => self.take_written(written),
                Ok(None) => {}
                Err(error) => {
                    self.take_outcome(Err(error));
                }
            }
        }
    }
}

/// The place of an epoch among those of its system, as records are ranked: the number, and where
/// two claimed the same one, the owner's key, whose first bytes are enough to tell voters apart.
fn rank(assignment: &Assignment) -> u64 {
    let epoch = assignment.version.epoch;
    let key = epoch.owner.digest().as_bytes();
    let owner = u64::from(key[0]) << 16 | u64::from(key[1]) << 8 | u64::from(key[2]);
    epoch.number << 24 | owner
}
