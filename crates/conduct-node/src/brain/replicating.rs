//! Copies of archives: as many core nodes as wanted have each, one copy at a time per bundle.

use conduct_gossip::Status;
use conduct_model::{BundleId, Digest, NodeKey};

use super::Brain;
use super::archiving::first_bytes;
use crate::copies::COPIES_MAX;
use crate::dice::mixed;
use crate::event::EventKind;
use crate::outbox::Way;
use crate::protocol::{Copy, Message};

impl Brain {
    pub(super) fn copy_tick(&mut self) {
        let time = self.now.time;
        if self.copies.due() > time {
            return;
        }
        let all: Vec<BundleId> = self.book.bundles.keys().copied().collect();
        let bundles = self.copies.look(time, all.into_iter());
        if self.is_quarantined() || bundles.is_empty() {
            return;
        }
        let cores: Vec<NodeKey> = self.reachable_cores().collect();
        for bundle in bundles {
            self.see_to_copies(bundle, &cores);
        }
        self.remove_idle_assignments();
    }

    fn see_to_copies(&mut self, bundle: BundleId, cores: &[NodeKey]) {
        let Some(archives) = self
            .book
            .bundles
            .get(&bundle)
            .map(|loaded| loaded.archives(&bundle))
        else {
            return self.copies.done(&bundle);
        };
        if !self.sees_to(&bundle) {
            return self.copies.done(&bundle);
        }
        let holders: Vec<NodeKey> = self
            .book
            .holders(&bundle)
            .filter(|node| self.is_core_that_counts(node))
            .collect();
        let takers: Vec<NodeKey> = cores
            .iter()
            .filter(|node| !holders.contains(node) && self.takes_copies(node, &bundle))
            .copied()
            .collect();
        let wanted = self.config.nr_of_replicas as usize;
        if holders.len() >= wanted || takers.is_empty() {
            return self.copies.done(&bundle);
        }
        let time = self.now.time;
        let may_finish = |node: &NodeKey| takers.contains(node);
        let turn =
            |node: &NodeKey| mixed(&[first_bytes(node.digest()), first_bytes(&bundle.bundle)]);
        let from = holders
            .iter()
            .filter(|node| self.serves(node))
            .copied()
            .min_by_key(turn);
        let Some(from) = from else { return };
        let copy = Copy {
            bundle,
            archives,
            from,
        };
        if self.copies.is_copying(time, &bundle, may_finish) {
            if let Some(to) = self.copies.asks_again(time, &bundle) {
                self.ask_for_copy(to, copy);
            }
        } else if self.copies.running() < COPIES_MAX
            && let Some(to) = takers.iter().copied().min_by_key(turn)
        {
            self.copies.begin(time, bundle, to);
            let archive = bundle.bundle;
            self.tell_of(bundle, EventKind::ReplicationStarted { archive, to });
            self.ask_for_copy(to, copy);
        }
    }

    fn ask_for_copy(&mut self, to: NodeKey, copy: Copy) {
        match to == self.me {
            true => self.take_copy(&copy),
            false => self.send(to, Way::Stream, &Message::Copy(copy)),
        }
    }

    /// Whether this node is the one that sees to a bundle: by hashing over the voters that
    /// answer. Two that do so for a moment copy to the same node.
    fn sees_to(&self, bundle: &BundleId) -> bool {
        let Some(register) = self.membership.voters() else {
            return false;
        };
        let answers = |voter: &&NodeKey| {
            **voter == self.me || self.membership.status(voter) == Some(Status::Reachable)
        };
        let turn =
            |voter: &&NodeKey| mixed(&[first_bytes(&bundle.bundle), first_bytes(voter.digest())]);
        register.keys().iter().filter(answers).min_by_key(turn) == Some(&self.me)
    }

    fn is_core_that_counts(&self, node: &NodeKey) -> bool {
        self.counts(node)
            && self
                .membership
                .member(node)
                .is_some_and(|member| member.card.core)
    }

    fn takes_copies(&self, node: &NodeKey, bundle: &BundleId) -> bool {
        let full = self
            .book
            .holdings
            .get(node)
            .is_some_and(|holdings| holdings.full);
        !full && !self.copies.has_declined(bundle, node)
    }

    /// This node is to have a copy.
    pub(super) fn take_copy(&mut self, copy: &Copy) {
        if !self.book.bundles.contains_key(&copy.bundle) {
            return;
        }
        for (digest, bytes) in &copy.archives {
            self.want_archive(*digest, *bytes, Some(copy.from));
        }
    }

    /// There is no place here for an archive: whoever wants it copied asks another.
    pub(super) fn decline_copies(&mut self, digest: &Digest) {
        let bundles: Vec<BundleId> = self.book.named_by(digest).collect();
        let voters = self
            .membership
            .voters()
            .map(|register| register.keys().to_vec());
        for voter in voters.unwrap_or_default() {
            for bundle in &bundles {
                match voter == self.me {
                    true => self.take_declined(voter, *bundle),
                    false => self.send(voter, Way::Stream, &Message::Declined(*bundle)),
                }
            }
        }
    }

    pub(super) fn take_declined(&mut self, from: NodeKey, bundle: BundleId) {
        self.copies.decline(self.now.time, bundle, from);
        self.copies.touch(bundle);
    }
}
