//! What changes in the state, and who has to hear of it.

use std::sync::Arc;

use bytes::Bytes;
use conduct_model::{BundleId, NodeKey, System};
use conduct_scheduler::{Closed, HostInput, Input, Wish, Wishes};
use conduct_state::{
    Applied, Change, Lost, LostTo, Record, RecordKey, StateError, Writes, Written,
};

use super::shelf::state_key;
use super::{Brain, Held, Work};
use crate::book::{Meaning, Running, digests};
use crate::descriptor::Descriptor;
use crate::event::EventKind;
use crate::payload::{Payload, Report};

impl Brain {
    /// An own write was made: it goes to disk, and to others after that.
    pub(super) fn take_written(&mut self, written: Written) {
        self.disk.hold(Held::Own(written.dot.version));
        self.take_applied(written.applied);
    }

    /// As [`Brain::take_written`], for a write that may be refused.
    pub(super) fn take_outcome(&mut self, outcome: Result<Written, StateError>) -> bool {
        match outcome {
            Ok(written) => {
                self.take_written(written);
                true
            }
            Err(error) => {
                self.tell(EventKind::WriteRefused {
                    why: error.to_string(),
                });
                false
            }
        }
    }

    pub(super) fn write_state(&mut self, writes: Writes) {
        for (key, value) in writes {
            self.disk.write(state_key(&key), value.map(Bytes::from));
        }
    }

    pub(super) fn take_applied(&mut self, applied: Applied) {
        if !applied.changes.is_empty() {
            self.sync.changed(self.now.time);
        }
        self.write_state(applied.writes);
        if applied.writer_forgotten {
            self.own.new_writer_wanted = true;
        }
        for change in applied.changes {
            self.take_change(change);
        }
        for lost in applied.lost {
            self.take_lost(&lost);
        }
    }

    /// Own writes are on disk: others may be told, and this node counts itself among those that
    /// have them.
    pub(super) fn own_stored(&mut self, version: u64) {
        let applied = self.state.stored(version);
        self.take_applied(applied);
        self.confirm_own();
        self.new_writer_if_wanted();
    }

    /// The disk refused what this node wrote: it is undone, and nobody was told of it.
    pub(super) fn abandon_own_writes(&mut self) {
        let applied = self.state.abandon();
        self.take_applied(applied);
        self.own.everything_changed();
    }

    fn take_change(&mut self, change: Change) {
        let Change { key, before, after } = change;
        let poison = after
            .as_ref()
            .is_some_and(|record| self.is_poison(record.payload()));
        let (meaning, error) = if poison {
            (self.book.leave_unread(&key), None)
        } else {
            if let Some(record) = &after {
                self.poison.begin_record(record.payload());
            }
            self.book.follow(&self.config, &key, after.as_deref())
        };
        if let Some(error) = error {
            let record = key.to_string();
            self.tell(EventKind::Unreadable {
                record,
                why: error.to_string(),
            });
        }
        self.take_meaning(meaning, before.is_some());
        if let Some(system) = self.system_of(&key) {
            let barred = self.book.is_barred(&system);
            self.pass_scheduler(Input::Barred { system, barred });
        }
        self.poison.end_record();
    }

    /// What a record means to its reader, unless it is one that crashed this node before.
    pub(super) fn readable<T: Payload>(&self, record: &Record) -> Option<T> {
        match self.poison.skips(record.payload()) {
            Some(_) => None,
            None => crate::book::read(record).ok(),
        }
    }

    fn system_of(&self, key: &RecordKey) -> Option<System> {
        let bundle = match key {
            RecordKey::Assignment(system) => return Some(system.clone()),
            _ => key.bundle()?,
        };
        self.book
            .bundles
            .get(&bundle)
            .map(|loaded| loaded.descriptor.system.clone())
    }

    fn take_meaning(&mut self, meaning: Meaning, was_there: bool) {
        match meaning {
            Meaning::Bundle { bundle, before } => {
                self.bundle_changed(bundle, was_there, before.as_deref());
            }
            Meaning::Wish(bundle) => self.wish_changed(bundle),
            Meaning::Report {
                node,
                report,
                before,
            } => {
                self.report_changed(node, report.as_deref(), &before);
            }
            Meaning::Holdings { node, before } => self.mirror_holdings(node, &before),
            Meaning::Assignment(system) => self.assignment_changed(&system),
            Meaning::NodeWish(node) => self.node_wish_changed(node, was_there),
            Meaning::Nothing => {}
        }
    }

    fn bundle_changed(&mut self, bundle: BundleId, was_there: bool, before: Option<&Descriptor>) {
        let now = self
            .book
            .bundles
            .get(&bundle)
            .map(|loaded| loaded.descriptor.clone());
        // A bundle whose record is not understood here is known all the same.
        match (was_there, self.book.knows(&bundle)) {
            (false, true) => {
                let name = now.as_ref().map(|descriptor| descriptor.name.clone());
                let name = name.unwrap_or_else(|| bundle.short());
                self.tell_of(bundle, EventKind::BundleAdded { name });
                self.mirror_known(bundle);
            }
            (true, false) => {
                self.mirror_unknown(bundle);
                self.tell_of(bundle, EventKind::BundleRemoved);
            }
            _ => {}
        }
        let systems = [
            before.map(|d| d.system.clone()),
            now.map(|d| d.system.clone()),
        ];
        for system in systems.into_iter().flatten() {
            self.hand_over_wishes(&system);
            self.hand_over_assignment(&system);
        }
        for digest in digests(&bundle) {
            self.archive_named(digest);
        }
        self.copies.touch(bundle);
        self.prepare_what_waited(bundle);
    }

    fn wish_changed(&mut self, bundle: BundleId) {
        if let Some(loaded) = self.book.bundles.get(&bundle) {
            let system = loaded.descriptor.system.clone();
            self.hand_over_wishes(&system);
        }
    }

    /// Tells the scheduler what is wished for in a system.
    pub(super) fn hand_over_wishes(&mut self, system: &System) {
        if self.scheduler.votes() {
            let wishes = self.wishes(system);
            self.pass_scheduler(Input::Wishes {
                system: system.clone(),
                wishes,
            });
        }
    }

    /// What is wished for in a system: an entry for each bundle that is loaded.
    pub(super) fn wishes(&self, system: &System) -> Wishes {
        let bundles = self.book.systems.get(system).into_iter().flatten();
        bundles
            .filter_map(|bundle| Some((*bundle, self.wish(bundle)?)))
            .collect()
    }

    pub(super) fn wish(&self, bundle: &BundleId) -> Option<Wish> {
        let loaded = self.book.bundles.get(bundle)?;
        let scale = self.state.scale(*bundle);
        Some(Wish {
            terms: Arc::clone(&loaded.terms),
            scale: scale
                .as_ref()
                .map_or(0, |scale| scale.effective.min(super::wishing::SCALE_MAX)),
            affinity: self.affinity(bundle),
            generation: super::wishing::generation(scale.as_ref()),
        })
    }

    fn report_changed(&mut self, node: NodeKey, report: Option<&Report>, before: &Running) {
        self.mirror_report(node, before);
        if let Some(report) = report
            && self.scheduler.votes()
        {
            let report = Arc::new(report.for_hosts());
            self.pass_scheduler(Input::Report { node, report });
        }
        self.note_withdrawals();
    }

    fn assignment_changed(&mut self, system: &System) {
        let assignment = self.book.assignments.get(system).cloned();
        self.pass_scheduler(Input::Assignment {
            system: system.clone(),
            assignment,
        });
        self.hand_over_assignment(system);
    }

    /// Tells the host what is decided: what it does not name is surplus. A node that has not
    /// synced yet knows nothing for sure, and ends nothing.
    pub(super) fn hand_over_assignment(&mut self, system: &System) {
        if self.is_quarantined() {
            return;
        }
        let assignment = self.book.assignments.get(system).cloned();
        if assignment.is_some() || !self.book.systems.contains_key(system) {
            self.pass_host(HostInput::Assignment {
                system: system.clone(),
                assignment,
            });
        }
    }

    fn node_wish_changed(&mut self, node: NodeKey, was_there: bool) {
        let drained = self.book.drained.contains(&node);
        if node == self.me {
            self.pass_host(HostInput::Close {
                why: Closed::Draining,
                closed: drained,
            });
        }
        if drained || was_there {
            self.tell(EventKind::Draining { node, on: drained });
        }
    }

    /// A wish that was acknowledged here does not count any more: whoever made it is told.
    fn take_lost(&mut self, lost: &Lost) {
        let request = self.requests.of_dot(lost.record.dot());
        let Some(bundle) = lost.record.key().bundle() else {
            return;
        };
        let by = match lost.to {
            LostTo::Race(dot) => match self.state.record(dot) {
                Some(winner) => format!("scale {} was asked for at the same time", winner.amount()),
                None => "another was asked for at the same time".to_owned(),
            },
            LostTo::Unload => "the bundle was unloaded".to_owned(),
        };
        self.tell_asked(request, bundle, EventKind::Superseded { by });
    }

    pub(super) fn pass_scheduler(&mut self, input: Input) {
        self.work.push_back(Work::ToScheduler(input));
    }

    pub(super) fn pass_host(&mut self, input: HostInput) {
        self.work.push_back(Work::ToHost(input));
    }
}
