//! What the records of the state mean, kept up as they change: the bundles and their terms, who
//! holds which archive, what runs where, what was assigned.
//!
//! Records are in thousands of hands, so what is kept here is small: of a node that runs nothing
//! and holds nothing there is no entry at all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use conduct_model::{BundleId, Digest, InstanceId, NodeKey, System};
use conduct_scheduler::{Assignment, Terms};
use conduct_state::{Record, RecordKey};

use crate::config::Config;
use crate::descriptor::Descriptor;
use crate::payload::{
    AssignmentRecord, Beginning, Holdings, LoadRecord, NodeWishRecord, Origin, Payload,
    PayloadError, Report, ReportedExecution, Routing, ScaleRecord, holdings_node,
};

/// The meaning of the records.
#[derive(Debug, Default)]
pub(crate) struct Book {
    pub(crate) bundles: BTreeMap<BundleId, Loaded>,
    pub(crate) systems: BTreeMap<System, BTreeSet<BundleId>>,
    /// Which loaded bundles name an archive.
    named: BTreeMap<Digest, BTreeSet<BundleId>>,
    pub(crate) holdings: BTreeMap<NodeKey, Holdings>,
    /// Of nodes that have instances or a proxy.
    pub(crate) running: BTreeMap<NodeKey, Running>,
    pub(crate) assignments: BTreeMap<System, Arc<Assignment>>,
    pub(crate) drained: BTreeSet<NodeKey>,
    /// Records that are not understood here.
    pub(crate) unreadable: BTreeSet<RecordKey>,
}

/// A bundle that is loaded.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) descriptor: Arc<Descriptor>,
    pub(crate) terms: Arc<Terms>,
    pub(crate) origin: Origin,
}

/// What a node runs.
#[derive(Debug, Default)]
pub(crate) struct Running {
    pub(crate) executions: BTreeMap<InstanceId, ReportedExecution>,
    pub(crate) routing: Option<Routing>,
}

/// What a changed record means.
#[derive(Debug)]
pub(crate) enum Meaning {
    /// A bundle came, went or is described anew.
    Bundle {
        bundle: BundleId,
        before: Option<Arc<Descriptor>>,
    },
    /// What is wished for a bundle.
    Wish(BundleId),
    /// What a node says of itself, and what it had said that it runs. Without a report it was
    /// forgotten or is not understood.
    Report {
        node: NodeKey,
        report: Option<Box<Report>>,
        before: Running,
    },
    /// Which archives a node has.
    Holdings { node: NodeKey, before: Holdings },
    /// What was decided for a system.
    Assignment(System),
    /// What operators want of a node.
    NodeWish(NodeKey),
    /// Nothing to this node.
    Nothing,
}

impl Book {
    /// Reads a record that is read now in place of another, or that none is.
    pub(crate) fn follow(
        &mut self,
        config: &Config,
        key: &RecordKey,
        after: Option<&Record>,
    ) -> (Meaning, Option<PayloadError>) {
        let outcome = self.read(config, key, after);
        match outcome {
            Ok(meaning) => {
                self.unreadable.remove(key);
                (meaning, None)
            }
            Err(error) => (self.leave_unread(key), Some(error)),
        }
    }

    /// A record is not to be read, or cannot be: nothing is known of its subject.
    pub(crate) fn leave_unread(&mut self, key: &RecordKey) -> Meaning {
        self.unreadable.insert(key.clone());
        self.unread(key)
    }

    fn read(
        &mut self,
        config: &Config,
        key: &RecordKey,
        after: Option<&Record>,
    ) -> Result<Meaning, PayloadError> {
        match key {
            RecordKey::Bundle(bundle) => {
                let record = after.map(read::<LoadRecord>).transpose()?;
                Ok(self.take_bundle(config, *bundle, record))
            }
            RecordKey::WishScale(bundle) => {
                after.map(read::<ScaleRecord>).transpose()?;
                Ok(Meaning::Wish(*bundle))
            }
            RecordKey::Offset(bundle, _) | RecordKey::OffsetSum(bundle, _) => {
                Ok(Meaning::Wish(*bundle))
            }
            RecordKey::NodeReport(node) => {
                let report = after.map(read::<Report>).transpose()?;
                Ok(self.take_report(*node, report))
            }
            RecordKey::Assignment(system) => {
                let record = after.map(read::<AssignmentRecord>).transpose()?;
                match record {
                    Some(record) => self
                        .assignments
                        .insert(system.clone(), Arc::new(record.assignment)),
                    None => self.assignments.remove(system),
                };
                Ok(Meaning::Assignment(system.clone()))
            }
            RecordKey::NodeWish(node) => {
                let record = after.map(read::<NodeWishRecord>).transpose()?;
                match record.is_some_and(|record| record.drained) {
                    true => self.drained.insert(*node),
                    false => self.drained.remove(node),
                };
                Ok(Meaning::NodeWish(*node))
            }
            _ => match holdings_node(key) {
                Some(node) => {
                    let after = after.map(read::<Holdings>).transpose()?;
                    Ok(self.take_holdings(node, after))
                }
                None => Ok(Meaning::Nothing),
            },
        }
    }

    /// What is left of a subject whose record is not understood: nothing is known about it.
    fn unread(&mut self, key: &RecordKey) -> Meaning {
        match key {
            RecordKey::Bundle(bundle) => self.take_bundle_out(*bundle),
            RecordKey::WishScale(bundle) => Meaning::Wish(*bundle),
            RecordKey::NodeReport(node) => self.take_report(*node, None),
            // What was decided before is true until it is known what replaced it.
            RecordKey::Assignment(system) => Meaning::Assignment(system.clone()),
            RecordKey::NodeWish(node) => Meaning::NodeWish(*node),
            _ => Meaning::Nothing,
        }
    }

    fn take_bundle(
        &mut self,
        config: &Config,
        bundle: BundleId,
        record: Option<LoadRecord>,
    ) -> Meaning {
        let meaning = self.take_bundle_out(bundle);
        let Some(record) = record else { return meaning };
        let terms = Arc::new(terms(config, &record.descriptor));
        self.systems
            .entry(record.descriptor.system.clone())
            .or_default()
            .insert(bundle);
        for digest in digests(&bundle) {
            self.named.entry(digest).or_default().insert(bundle);
        }
        let loaded = Loaded {
            descriptor: record.descriptor,
            terms,
            origin: record.origin,
        };
        self.bundles.insert(bundle, loaded);
        meaning
    }

    fn take_bundle_out(&mut self, bundle: BundleId) -> Meaning {
        let Some(loaded) = self.bundles.remove(&bundle) else {
            return Meaning::Bundle {
                bundle,
                before: None,
            };
        };
        let system = &loaded.descriptor.system;
        if let Some(bundles) = self.systems.get_mut(system) {
            bundles.remove(&bundle);
            if bundles.is_empty() {
                self.systems.remove(system);
            }
        }
        for digest in digests(&bundle) {
            if let Some(bundles) = self.named.get_mut(&digest) {
                bundles.remove(&bundle);
                if bundles.is_empty() {
                    self.named.remove(&digest);
                }
            }
        }
        Meaning::Bundle {
            bundle,
            before: Some(loaded.descriptor),
        }
    }

    fn take_report(&mut self, node: NodeKey, report: Option<Report>) -> Meaning {
        let before = self.running.remove(&node).unwrap_or_default();
        if let Some(report) = &report
            && (!report.executions.is_empty() || report.routing.is_some())
        {
            let (executions, routing) = (report.executions.clone(), report.routing.clone());
            self.running.insert(
                node,
                Running {
                    executions,
                    routing,
                },
            );
        }
        Meaning::Report {
            node,
            report: report.map(Box::new),
            before,
        }
    }

    fn take_holdings(&mut self, node: NodeKey, after: Option<Holdings>) -> Meaning {
        let before = self.holdings.remove(&node).unwrap_or_default();
        if let Some(after) = after {
            self.holdings.insert(node, after);
        }
        Meaning::Holdings { node, before }
    }

    /// Whether any loaded bundle names an archive.
    pub(crate) fn names(&self, digest: &Digest) -> bool {
        self.named.contains_key(digest)
    }

    /// The loaded bundles that name an archive.
    pub(crate) fn named_by(&self, digest: &Digest) -> impl Iterator<Item = BundleId> {
        self.named.get(digest).into_iter().flatten().copied()
    }

    /// The loaded bundles that name an archive which begins so.
    pub(crate) fn naming(&self, beginning: &Beginning) -> impl Iterator<Item = BundleId> {
        let bound = |rest: u8| {
            let mut bytes = [rest; 32];
            bytes[..beginning.len()].copy_from_slice(beginning);
            Digest::from_bytes(bytes)
        };
        self.named
            .range(bound(0)..=bound(0xff))
            .flat_map(|(_, bundles)| bundles.iter().copied())
    }

    /// Whether a bundle is loaded, be its record understood here or not.
    pub(crate) fn knows(&self, bundle: &BundleId) -> bool {
        self.bundles.contains_key(bundle) || self.unreadable.contains(&RecordKey::Bundle(*bundle))
    }

    /// Every bundle that is loaded.
    pub(crate) fn known(&self) -> impl Iterator<Item = BundleId> {
        let unread = self.unreadable.iter().filter_map(|key| match key {
            RecordKey::Bundle(bundle) => Some(*bundle),
            _ => None,
        });
        self.bundles.keys().copied().chain(unread)
    }

    /// The known bundles whose archives are all there.
    pub(crate) fn known_of(&self, holdings: &Holdings) -> Vec<BundleId> {
        let known = self.bundles.keys();
        known
            .filter(|bundle| holdings.has_all(bundle))
            .copied()
            .collect()
    }

    /// Who has every archive of a bundle.
    pub(crate) fn holders(&self, bundle: &BundleId) -> impl Iterator<Item = NodeKey> {
        let has = move |(node, holdings): (&NodeKey, &Holdings)| {
            holdings.has_all(bundle).then_some(*node)
        };
        self.holdings.iter().filter_map(has)
    }

    /// Every instance that any node reports, with its node.
    pub(crate) fn executions(&self) -> impl Iterator<Item = (NodeKey, &ReportedExecution)> {
        self.running
            .iter()
            .flat_map(|(node, running)| running.executions.values().map(move |held| (*node, held)))
    }

    /// Whether something about a system is not understood here: then others decide for it.
    pub(crate) fn is_barred(&self, system: &System) -> bool {
        let bundles = self.systems.get(system);
        self.unreadable.iter().any(|key| match key {
            RecordKey::Assignment(unread) => unread == system,
            RecordKey::WishScale(bundle) => bundles.is_some_and(|all| all.contains(bundle)),
            _ => false,
        })
    }
}

/// The archives of a bundle.
pub(crate) fn digests(bundle: &BundleId) -> impl Iterator<Item = Digest> + use<> {
    std::iter::once(bundle.bundle).chain(bundle.configuration)
}

impl Loaded {
    /// The archives of the bundle with their sizes.
    pub(crate) fn archives(&self, bundle: &BundleId) -> Vec<(Digest, u64)> {
        let sizes = [self.origin.bundle_bytes, self.origin.configuration_bytes];
        digests(bundle).zip(sizes).collect()
    }
}

/// What a payload means to its reader.
pub(crate) fn read<T: Payload>(record: &Record) -> Result<T, PayloadError> {
    T::read(&Bytes::from_owner(Arc::clone(record.payload())))
}

/// What the scheduler needs to know of a bundle.
pub(crate) fn terms(config: &Config, descriptor: &Descriptor) -> Terms {
    Terms {
        name: descriptor.name.as_str().into(),
        needs: descriptor.needs,
        roles: descriptor.roles.clone(),
        kinds: descriptor.kinds.iter().copied().collect(),
        max_per_node: descriptor.max_per_node.max(1),
        exclusive: descriptor.exclusive,
        start_timeout: descriptor.start_timeout.unwrap_or(config.start_timeout),
        stop_grace: descriptor.stop_grace.unwrap_or(config.stop_grace),
    }
}
