//! The archives on this node's disk: which are there, which are on their way, which may go.

use std::collections::{BTreeMap, BTreeSet};

use conduct_model::{Digest, NodeKey, Span, Time};

/// Archives with their sizes.
pub(crate) type ArchiveList = Vec<(Digest, u64)>;

/// How soon an archive that could not be had from anyone is looked for again.
const LOOK_AGAIN_SPAN: Span = Span::secs(2);

/// With less room than this a disk takes no further archives.
const RESERVE_BYTES: u64 = 256 << 20;

/// What this node has of archives, and what it is getting.
#[derive(Debug)]
pub(crate) struct Archives {
    held: BTreeMap<Digest, u64>,
    fetches: BTreeMap<Digest, Fetch>,
    /// What nothing loaded names, and when it goes.
    leaving: BTreeMap<Digest, Time>,
    /// Uploads that are sent on as they arrive.
    pub(crate) forwarded: BTreeMap<Digest, NodeKey>,
    full: bool,
}

/// An archive on its way here.
#[derive(Clone, Debug)]
struct Fetch {
    bytes: u64,
    from: Option<NodeKey>,
    /// Who could not give it.
    failed: BTreeSet<NodeKey>,
    /// When it is looked for again, if nobody is giving it now.
    again: Time,
}

/// What comes of a change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Changed {
    Yes,
    No,
}

impl Archives {
    pub(crate) fn new() -> Archives {
        Archives {
            held: BTreeMap::new(),
            fetches: BTreeMap::new(),
            leaving: BTreeMap::new(),
            forwarded: BTreeMap::new(),
            full: false,
        }
    }

    pub(crate) fn has(&self, digest: &Digest) -> bool {
        self.held.contains_key(digest)
    }

    pub(crate) fn held(&self) -> impl Iterator<Item = &Digest> {
        self.held.keys()
    }

    pub(crate) fn len(&self) -> usize {
        self.held.len()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.full
    }

    /// When something is due.
    pub(crate) fn due(&self) -> Time {
        let leaving = self.leaving.values().copied().min();
        let again = self.fetches.values().map(|fetch| fetch.again).min();
        leaving
            .into_iter()
            .chain(again)
            .min()
            .unwrap_or(Time::NEVER)
    }

    /// An archive is here.
    pub(crate) fn arrived(&mut self, digest: Digest, bytes: u64) -> Changed {
        self.fetches.remove(&digest);
        match self.held.insert(digest, bytes) {
            None => Changed::Yes,
            Some(_) => Changed::No,
        }
    }

    /// An archive is not here any more.
    pub(crate) fn gone(&mut self, digest: &Digest) -> Option<u64> {
        self.leaving.remove(digest);
        self.forwarded.remove(digest);
        self.held.remove(digest)
    }

    /// How much room is left.
    pub(crate) fn space(&mut self, free_bytes: u64) -> Changed {
        let full = free_bytes < RESERVE_BYTES;
        match std::mem::replace(&mut self.full, full) == full {
            true => Changed::No,
            false => Changed::Yes,
        }
    }

    /// Something loaded names it, or nothing does: then it goes at `at`, unless that changes.
    pub(crate) fn named(&mut self, digest: Digest, named: bool, at: Time) {
        if named || !self.has(&digest) {
            self.leaving.remove(&digest);
        } else {
            self.leaving.entry(digest).or_insert(at);
        }
    }

    /// What may go now.
    pub(crate) fn take_leaving(&mut self, now: Time) -> Vec<Digest> {
        let due = |(digest, at): (&Digest, &Time)| (*at <= now).then_some(*digest);
        let due: Vec<Digest> = self.leaving.iter().filter_map(due).collect();
        for digest in &due {
            self.leaving.remove(digest);
        }
        due
    }

    /// Begins to want an archive. Answers whether it was not wanted already.
    pub(crate) fn want(&mut self, digest: Digest, bytes: u64, now: Time) -> bool {
        if self.has(&digest) || self.fetches.contains_key(&digest) {
            return false;
        }
        let fetch = Fetch {
            bytes,
            from: None,
            failed: BTreeSet::new(),
            again: now,
        };
        self.fetches.insert(digest, fetch);
        true
    }

    /// Nobody wants it any more. Answers whether it was on its way.
    pub(crate) fn unwant(&mut self, digest: &Digest) -> bool {
        self.fetches
            .remove(digest)
            .is_some_and(|fetch| fetch.from.is_some())
    }

    pub(crate) fn is_wanted(&self, digest: &Digest) -> bool {
        self.fetches.contains_key(digest)
    }

    /// Chooses who gives an archive that nobody is giving now: one of `sources` that has not
    /// failed yet. Answers with it and the size.
    pub(crate) fn choose_source(
        &mut self,
        digest: &Digest,
        sources: impl IntoIterator<Item = NodeKey>,
        now: Time,
    ) -> Option<(NodeKey, u64)> {
        let fetch = self
            .fetches
            .get_mut(digest)
            .filter(|fetch| fetch.from.is_none())?;
        let source = sources
            .into_iter()
            .find(|source| !fetch.failed.contains(source));
        match source {
            Some(source) => {
                (fetch.from, fetch.again) = (Some(source), Time::NEVER);
                Some((source, fetch.bytes))
            }
            None => {
                // Whoever failed may have it by then.
                fetch.failed.clear();
                fetch.again = now + LOOK_AGAIN_SPAN;
                None
            }
        }
    }

    /// Somebody could not give it.
    pub(crate) fn failed(&mut self, digest: &Digest, from: NodeKey, now: Time) {
        if let Some(fetch) = self.fetches.get_mut(digest) {
            fetch.failed.insert(from);
            (fetch.from, fetch.again) = (None, now);
        }
    }

    /// What is to be looked for again.
    pub(crate) fn to_look_for(&self, now: Time) -> Vec<Digest> {
        let due = |(digest, fetch): (&Digest, &Fetch)| (fetch.again <= now).then_some(*digest);
        self.fetches.iter().filter_map(due).collect()
    }
}
