//! The border to the store of archives: what is wanted, what came, what may go.

use std::collections::BTreeSet;

use conduct_model::{Digest, InstanceId, NodeKey};
use conduct_state::Dot;

use super::{Brain, Held};
use crate::archive::{ArchiveEvent, ArchiveOrder, FetchFailure, GoneWhy};
use crate::archives::{ArchiveList, Changed};
use crate::book::digests;
use crate::confirm::ConfirmId;
use crate::dice::mixed;
use crate::effect::Effect;
use crate::event::EventKind;
use crate::payload::HOLDINGS_MAX;
use crate::protocol::{Message, PushAnswer, Pushed};

/// A node that asked this one, as a voter, to have archives: it is answered when they are here.
#[derive(Clone, Debug)]
pub(crate) struct Asker {
    from: NodeKey,
    id: u64,
    dot: Dot,
    archives: ArchiveList,
}

/// So many such questions are remembered; whoever asked the oldest asks again.
const ASKERS_MAX: usize = 256;

impl Brain {
    pub(super) fn take_archive(&mut self, event: ArchiveEvent) {
        match event {
            ArchiveEvent::Holdings { archives } => {
                for (digest, bytes) in archives {
                    self.archive_arrived(digest, bytes);
                }
                self.own.holdings_changed = true;
            }
            ArchiveEvent::Arriving { digest, .. } => self.send_on(digest),
            ArchiveEvent::Aborted { digest } => {
                self.archives.forwarded.remove(&digest);
            }
            ArchiveEvent::Verified { digest, bytes } => {
                if self.archive_arrived(digest, bytes) == Changed::Yes {
                    self.tell_of_archive(&digest, EventKind::ArchiveVerified { archive: digest });
                }
            }
            ArchiveEvent::FetchFailed { digest, from, why } => self.fetch_failed(digest, from, why),
            ArchiveEvent::Gone { digest, why } => self.archive_gone(digest, why),
            ArchiveEvent::Space { free_bytes } => {
                if self.archives.space(free_bytes) == Changed::Yes {
                    self.own.holdings_changed = true;
                }
            }
        }
    }

    fn archive_order(&mut self, order: ArchiveOrder) {
        self.out.push(Effect::Archive(order));
    }

    fn archive_arrived(&mut self, digest: Digest, bytes: u64) -> Changed {
        let changed = self.archives.arrived(digest, bytes);
        if changed == Changed::Yes {
            self.own.holdings_changed = true;
            self.archive_named(digest);
            let waiting: Vec<InstanceId> = self
                .hands
                .iter()
                .filter(|(_, hand)| hand.waits)
                .map(|(id, _)| *id)
                .collect();
            for instance in waiting {
                self.prepare(instance);
            }
            self.answer_askers();
        }
        changed
    }

    /// A bundle that names an archive came or went.
    pub(super) fn archive_named(&mut self, digest: Digest) {
        let named = self.book.names(&digest);
        let goes = self.now.time + self.config.retain;
        self.archives.named(digest, named, goes);
        if !named && self.archives.unwant(&digest) {
            self.archive_order(ArchiveOrder::Cancel { digest });
        }
    }

    /// Wants an archive here, from `source` if it has one to suggest.
    pub(super) fn want_archive(&mut self, digest: Digest, bytes: u64, source: Option<NodeKey>) {
        if self.archives.len() < HOLDINGS_MAX && self.archives.want(digest, bytes, self.now.time) {
            self.look_for(digest, source);
        }
    }

    /// Asks whoever has an archive for it.
    fn look_for(&mut self, digest: Digest, source: Option<NodeKey>) {
        let me = self.me;
        let mut sources: Vec<NodeKey> = self
            .book
            .holdings
            .iter()
            .filter(|(node, holdings)| **node != me && holdings.has(&digest) && self.serves(node))
            .map(|(node, _)| *node)
            .collect();
        let turn = |node: &NodeKey| {
            mixed(&[
                first_bytes(node.digest()),
                first_bytes(&digest),
                first_bytes(me.digest()),
            ])
        };
        sources.sort_by_key(turn);
        let sources = source
            .into_iter()
            .filter(|source| *source != me)
            .chain(sources);
        if let Some((from, bytes)) = self.archives.choose_source(&digest, sources, self.now.time) {
            self.archive_order(ArchiveOrder::Fetch {
                digest,
                bytes,
                from,
            });
        }
    }

    fn fetch_failed(&mut self, digest: Digest, from: NodeKey, why: FetchFailure) {
        if !self.archives.is_wanted(&digest) {
            return;
        }
        let told = EventKind::ReplicationFailed {
            archive: digest,
            from,
            why: why.to_string(),
        };
        self.tell_of_archive(&digest, told);
        if matches!(why, FetchFailure::NoSpace | FetchFailure::Disk) {
            // Nobody could give it: there is no place for it.
            self.archives.unwant(&digest);
            self.decline_askers(&digest);
            return self.decline_copies(&digest);
        }
        self.archives.failed(&digest, from, self.now.time);
        self.look_for(digest, None);
    }

    fn archive_gone(&mut self, digest: Digest, why: GoneWhy) {
        let Some(bytes) = self.archives.gone(&digest) else {
            return;
        };
        self.own.holdings_changed = true;
        if why != GoneWhy::Deleted {
            self.tell_of_archive(&digest, EventKind::ArchiveLost { archive: digest });
        }
        if self.book.names(&digest) && self.config.duty.is_core() {
            self.want_archive(digest, bytes, None);
        }
    }

    /// An upload begins: a second node gets it as it arrives, so that no second pass is needed.
    fn send_on(&mut self, digest: Digest) {
        let me = self.me;
        let takes = |node: &NodeKey| {
            let holdings = self.book.holdings.get(node);
            *node != me && holdings.is_none_or(|holdings| !holdings.full && !holdings.has(&digest))
        };
        let mut targets: Vec<NodeKey> = match self.membership.voters() {
            Some(register) => register.keys().to_vec(),
            None => Vec::new(),
        };
        targets.retain(|node| takes(node) && self.serves(node));
        let turn = |node: &NodeKey| mixed(&[first_bytes(node.digest()), first_bytes(&digest)]);
        if let Some(to) = targets.into_iter().min_by_key(turn) {
            self.archives.forwarded.insert(digest, to);
            self.archive_order(ArchiveOrder::Forward { digest, to });
        }
    }

    /// As a voter that is to have archives: whether all of them are here. If not, they are got,
    /// and the asking node hears of it.
    pub(super) fn keep_for(
        &mut self,
        from: NodeKey,
        (id, dot): (u64, Dot),
        archives: &[(Digest, u64)],
    ) -> bool {
        if archives.iter().all(|(digest, _)| self.archives.has(digest)) {
            return true;
        }
        self.askers
            .retain(|asker| (asker.from, asker.id) != (from, id));
        if self.askers.len() == ASKERS_MAX {
            self.askers.remove(0);
        }
        self.askers.push(Asker {
            from,
            id,
            dot,
            archives: archives.to_vec(),
        });
        for (digest, bytes) in archives {
            self.want_archive(*digest, *bytes, Some(from));
        }
        false
    }

    fn answer_askers(&mut self) {
        let archives = &self.archives;
        let here = |asker: &Asker| {
            asker
                .archives
                .iter()
                .all(|(digest, _)| archives.has(digest))
        };
        let (ready, waiting) = std::mem::take(&mut self.askers).into_iter().partition(here);
        self.askers = waiting;
        self.answer_all(ready, &PushAnswer::Stored { archives: true });
    }

    fn decline_askers(&mut self, digest: &Digest) {
        let wants = |asker: &Asker| asker.archives.iter().any(|(wanted, _)| wanted == digest);
        let (declined, waiting) = std::mem::take(&mut self.askers)
            .into_iter()
            .partition(wants);
        self.askers = waiting;
        self.answer_all(declined, &PushAnswer::NoArchive);
    }

    fn answer_all(&mut self, askers: Vec<Asker>, answer: &PushAnswer) {
        for Asker { from, id, dot, .. } in askers {
            let message = Message::Pushed(Pushed {
                id,
                dot,
                answer: answer.clone(),
            });
            self.disk.hold(Held::Send { to: from, message });
        }
    }

    pub(super) fn archive_tick(&mut self) {
        let time = self.now.time;
        if self.archives.due() > time {
            return;
        }
        for digest in self.archives.to_look_for(time) {
            self.look_for(digest, None);
        }
        for digest in self.archives.take_leaving(time) {
            let used = self
                .hands
                .values()
                .any(|hand| hand.waits && digests(&hand.bundle).any(|needed| needed == digest));
            if !used && !self.book.names(&digest) {
                // From here on it cannot be relied on, whenever the disk gets to it.
                self.archives.gone(&digest);
                self.own.holdings_changed = true;
                self.archive_order(ArchiveOrder::Delete { digest });
                self.tell(EventKind::ArchiveDeleted { archive: digest });
            }
        }
    }

    /// Voters that have, or are getting, what a confirmation needs are asked first.
    pub(super) fn has_archives_of(&self, id: ConfirmId, voter: &NodeKey) -> bool {
        let Some(confirm) = self.confirms.get(id) else {
            return false;
        };
        let holdings = self.book.holdings.get(voter);
        let has = |digest: &Digest| {
            self.archives.forwarded.get(digest) == Some(voter)
                || holdings.is_some_and(|holdings| holdings.has(digest))
        };
        confirm.archives.iter().all(|(digest, _)| has(digest))
    }

    fn tell_of_archive(&mut self, digest: &Digest, kind: EventKind) {
        let naming: BTreeSet<_> = self.book.named_by(digest).collect();
        match naming.first() {
            Some(bundle) => self.tell_of(*bundle, kind),
            None => self.tell(kind),
        }
    }
}

/// The first bytes of a digest, for choices that differ from one to the next.
pub(super) fn first_bytes(digest: &Digest) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&digest.as_bytes()[..8]);
    u64::from_be_bytes(first)
}
