//! Which archives are to be copied, by the one node that sees to a bundle.

use std::collections::{BTreeMap, BTreeSet};

use conduct_model::{BundleId, NodeKey, Span, Time};

/// How often bundles with too few copies are looked at.
const LOOK_SPAN: Span = Span::secs(1);

/// How long a bundle is left alone after something about it changed: what is on its way arrives.
const SETTLE_SPAN: Span = Span::secs(2);

/// How long one copy may take before another node is asked.
const COPY_SPAN_MAX: Span = Span::secs(300);

/// A node that is to have a copy is told so again after this: it may have lost what it was told,
/// or its disk.
const AGAIN_SPAN: Span = Span::secs(5);

/// How long a node that could not take a copy is not asked again.
const DECLINED_SPAN: Span = Span::secs(60);

/// So many copies one node has made at a time.
pub(crate) const COPIES_MAX: usize = 8;

/// What is looked at, and what is being copied.
#[derive(Debug)]
pub(crate) struct Copies {
    /// Bundles to look at, and since when.
    touched: BTreeMap<BundleId, Time>,
    new: BTreeSet<BundleId>,
    everything: bool,
    next: Time,
    running: BTreeMap<BundleId, Running>,
    declined: BTreeMap<(BundleId, NodeKey), Time>,
}

#[derive(Clone, Copy, Debug)]
struct Running {
    to: NodeKey,
    since: Time,
    asked: Time,
}

impl Copies {
    pub(crate) fn new() -> Copies {
        Copies {
            touched: BTreeMap::new(),
            new: BTreeSet::new(),
            everything: true,
            next: Time::ZERO,
            running: BTreeMap::new(),
            declined: BTreeMap::new(),
        }
    }

    /// Something about a bundle changed.
    pub(crate) fn touch(&mut self, bundle: BundleId) {
        self.new.insert(bundle);
    }

    /// Something changed that may concern them all.
    pub(crate) fn touch_all(&mut self) {
        self.everything = true;
    }

    pub(crate) fn due(&self) -> Time {
        match self.touched.is_empty() && self.new.is_empty() && !self.everything {
            true => Time::NEVER,
            false => self.next,
        }
    }

    /// The bundles to look at now.
    pub(crate) fn look(&mut self, now: Time, all: impl Iterator<Item = BundleId>) -> Vec<BundleId> {
        self.next = now + LOOK_SPAN;
        self.declined.retain(|_, at| now.since(*at) < DECLINED_SPAN);
        if std::mem::take(&mut self.everything) {
            self.new.extend(all);
        }
        for bundle in std::mem::take(&mut self.new) {
            self.touched.entry(bundle).or_insert(now);
        }
        let settled = |(bundle, since): (&BundleId, &Time)| {
            (now.since(*since) >= SETTLE_SPAN).then_some(*bundle)
        };
        self.touched.iter().filter_map(settled).collect()
    }

    /// Enough nodes have it, or somebody else sees to it.
    pub(crate) fn done(&mut self, bundle: &BundleId) {
        self.touched.remove(bundle);
        self.running.remove(bundle);
    }

    /// Whether a copy is being made to a node that still may finish it.
    pub(crate) fn is_copying(
        &mut self,
        now: Time,
        bundle: &BundleId,
        may_finish: impl Fn(&NodeKey) -> bool,
    ) -> bool {
        let Some(running) = self.running.get(bundle) else {
            return false;
        };
        let goes_on = now.since(running.since) < COPY_SPAN_MAX && may_finish(&running.to);
        if !goes_on {
            self.running.remove(bundle);
        }
        goes_on
    }

    /// Whom to ask again for the copy that it is to have.
    pub(crate) fn asks_again(&mut self, now: Time, bundle: &BundleId) -> Option<NodeKey> {
        let running = self.running.get_mut(bundle)?;
        let again = now.since(running.asked) >= AGAIN_SPAN;
        if again {
            running.asked = now;
        }
        again.then_some(running.to)
    }

    pub(crate) fn running(&self) -> usize {
        self.running.len()
    }

    pub(crate) fn begin(&mut self, now: Time, bundle: BundleId, to: NodeKey) {
        let running = Running {
            to,
            since: now,
            asked: now,
        };
        self.running.insert(bundle, running);
    }

    /// A node cannot take a copy.
    pub(crate) fn decline(&mut self, now: Time, bundle: BundleId, node: NodeKey) {
        self.declined.insert((bundle, node), now);
        if self
            .running
            .get(&bundle)
            .is_some_and(|running| running.to == node)
        {
            self.running.remove(&bundle);
        }
    }

    pub(crate) fn has_declined(&self, bundle: &BundleId, node: &NodeKey) -> bool {
        self.declined.contains_key(&(*bundle, *node))
    }
}
