//! Loading and unloading bundles.

use conduct_model::{BundleId, RequestId};
use conduct_scheduler::State as ExecutionState;
use conduct_state::{Dot, Reading, RecordKey};

use super::Brain;
use super::commands::{Change, refusal_of};
use crate::archives::ArchiveList;
use crate::book::digests;
use crate::command::{Load, Refusal};
use crate::descriptor::OnQuarantine;
use crate::payload::{Decisions, LoadRecord, Origin, Payload, Unknown, Unloaded, decisions_key};

/// The longest descriptor, as it is written: ten thousand of them are still a state that a joiner
/// gets in seconds.
const DESCRIPTOR_BYTES_MAX: usize = 64 << 10;

impl Brain {
    pub(super) fn load(&mut self, request: RequestId, load: Load) -> Result<Change, Refusal> {
        let bundle = load.bundle;
        if let Some(dot) = self.loaded_by(bundle, request) {
            return Ok(Change {
                archives: self.archives_of(Some(bundle), dot),
                ..Change::before(dot)
            });
        }
        if !digests(&bundle).all(|digest| self.archives.has(&digest)) {
            return Err(Refusal::ArchiveMissing(bundle));
        }
        if load.descriptor.exclusive && load.descriptor.on_quarantine == OnQuarantine::Keep {
            return Err(Refusal::ExclusiveKept);
        }
        if self.nobody_else_has_room() {
            return Err(Refusal::NoRoomForArchive(bundle));
        }
        let origin = Origin {
            by: self.me,
            request,
            at: self.now.wall,
            bundle_bytes: load.bundle_bytes,
            configuration_bytes: load.configuration_bytes,
        };
        let record = LoadRecord {
            descriptor: load.descriptor,
            origin,
            unknown: Unknown::default(),
        };
        let payload = record.write();
        if payload.len() > DESCRIPTOR_BYTES_MAX {
            let (bytes, max) = (payload.len(), DESCRIPTOR_BYTES_MAX);
            return Err(Refusal::DescriptorSize { bytes, max });
        }
        let written = self
            .state
            .load(Reading::Own(self.now.wall), bundle, &payload[..])
            .map_err(|error| refusal_of(&error))?;
        let sizes = [load.bundle_bytes, load.configuration_bytes];
        let archives = digests(&bundle).zip(sizes).collect();
        Ok(Change {
            archives,
            ..Change::made(written)
        })
    }

    /// The load that a request made before, through whichever node.
    fn loaded_by(&self, bundle: BundleId, request: RequestId) -> Option<Dot> {
        self.state
            .loads(bundle)
            .find(|record| {
                self.readable::<LoadRecord>(record)
                    .is_some_and(|load| load.origin.request == request)
            })
            .map(|record| record.dot())
    }

    /// The archives that have to be on two disks before a load is sure; none for other writes.
    pub(super) fn archives_of(&self, bundle: Option<BundleId>, dot: Dot) -> ArchiveList {
        let Some(bundle) = bundle else {
            return ArchiveList::new();
        };
        let is_load = self
            .state
            .record(dot)
            .is_some_and(|record| *record.key() == RecordKey::Bundle(bundle));
        match self.book.bundles.get(&bundle) {
            Some(loaded) if is_load => loaded.archives(&bundle),
            _ => ArchiveList::new(),
        }
    }

    /// Whether a second copy would find no place: there are others, and all their disks are full.
    fn nobody_else_has_room(&self) -> bool {
        let mut others = self
            .reachable_cores()
            .filter(|node| *node != self.me)
            .peekable();
        let full = |node| {
            self.book
                .holdings
                .get(&node)
                .is_some_and(|holdings| holdings.full)
        };
        others.peek().is_some() && others.all(full)
    }

    pub(super) fn unload(
        &mut self,
        request: RequestId,
        bundle: BundleId,
    ) -> Result<Change, Refusal> {
        if let Some(dot) = self.unloaded_by(request, bundle) {
            return Ok(Change::before(dot));
        }
        let instances = self.instances_of(bundle);
        if instances > 0 {
            return Err(Refusal::StillRunning { bundle, instances });
        }
        if self.state.loads(bundle).next().is_some() {
            // First, since whoever learns of the unload has to know by whose wish it was: of the
            // bundle itself nothing is left then.
            self.own.note_unload(Unloaded { request, bundle });
            self.write_decisions();
        }
        let written = self
            .state
            .unload(bundle)
            .map_err(|error| refusal_of(&error))?;
        Ok(Change::made(written))
    }

    /// The latest write of the node that a request had made unload a bundle before; whoever has
    /// it has the unload.
    fn unloaded_by(&self, request: RequestId, bundle: BundleId) -> Option<Dot> {
        let unloaded = Unloaded { request, bundle };
        let members = self.membership.members();
        let record = members
            .filter_map(|member| self.state.get(&decisions_key(&member.key)))
            .find(|record| {
                self.readable::<Decisions>(record)
                    .is_some_and(|decisions| decisions.unloads.contains(&unloaded))
            })?;
        let writer = record.dot().writer;
        let known = self.state.digest().vector().get(writer);
        Some(Dot::new(writer, known))
    }

    /// How many instances of a bundle exist or have been given to a node, by all that is known
    /// here.
    fn instances_of(&self, bundle: BundleId) -> u32 {
        let reported = self.book.executions().filter(|(node, held)| {
            held.execution.bundle == bundle
                && !matches!(held.execution.state, ExecutionState::Ended(_))
                && self.counts(node)
        });
        let assigned = self.book.bundles.get(&bundle).map_or(0, |loaded| {
            let system = &loaded.descriptor.system;
            let assignment = self.book.assignments.get(system);
            assignment.map_or(0, |a| {
                a.filled().filter(|(id, _)| id.bundle == bundle).count()
            })
        });
        reported.count().max(assigned) as u32
    }
}
