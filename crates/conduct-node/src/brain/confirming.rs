//! Making writes sure: asking voters, answering as one, and what follows when it is done.

use std::collections::{BTreeMap, BTreeSet};

use conduct_gossip::Status;
use conduct_model::{Digest, NodeKey, RequestId, Span, System, Time};
use conduct_scheduler::{Epoch, Input, Version};
use conduct_state::Dot;

use super::Brain;
use super::syncing::PART_BYTES;
use crate::confirm::{Confirm, ConfirmId, Electorate, Progress};
use crate::event::EventKind;
use crate::protocol::{Message, Push, PushAnswer, PushWith, Pushed};

/// How long a command may take until its client is told that its fate is unknown.
pub(super) const CONFIRM_SPAN_MAX: Span = Span::secs(10);

/// How far back the guess goes at what a voter has of this node's writes.
const GUESSED_WRITES: u64 = 4;

/// What a confirmation is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    /// A client waits.
    Request(RequestId),
    /// An owner waits.
    Assignment { system: System, version: Version },
}

impl Brain {
    /// Begins to make an own write sure.
    pub(super) fn confirm(
        &mut self,
        dot: Dot,
        purpose: Purpose,
        archives: Vec<(Digest, u64)>,
    ) -> ConfirmId {
        let deadline = self.now.time + CONFIRM_SPAN_MAX;
        self.confirms.begin(dot, purpose, archives, deadline)
    }

    /// Own writes were stored: this node is one of those that have them.
    pub(super) fn confirm_own(&mut self) {
        let stored = Dot::new(self.state.writer(), self.state.stored_version());
        let own = |confirm: &Confirm<Purpose>| {
            confirm.dot.writer == stored.writer && confirm.dot.version <= stored.version
        };
        let ready: Vec<ConfirmId> = self
            .confirms
            .iter()
            .filter(|(_, c)| own(c))
            .map(|(id, _)| id)
            .collect();
        for id in ready {
            self.confirm_here(id);
            self.advance(id);
        }
    }

    /// Counts this node's own disk, unless it promised not to.
    fn confirm_here(&mut self, id: ConfirmId) {
        let Some(confirm) = self.confirms.get(id) else {
            return;
        };
        if let Purpose::Assignment { system, version } = &confirm.purpose
            && !self.scheduler.may_confirm(system, version.epoch)
        {
            return;
        }
        let holds = confirm
            .archives
            .iter()
            .all(|(digest, _)| self.archives.has(digest));
        let me = self.me;
        self.confirms.confirmed(id, me, holds);
    }

    /// Looks at everything that is open: voters may have come, gone or stayed silent.
    pub(super) fn confirm_tick(&mut self) {
        let time = self.now.time;
        if self.confirms.next_due().is_none_or(|due| due > time) {
            return;
        }
        self.advance_all();
    }

    pub(super) fn confirm_due(&self) -> Time {
        self.confirms.next_due().unwrap_or(Time::NEVER)
    }

    pub(super) fn advance_all(&mut self) {
        let all: Vec<(ConfirmId, Time)> = self
            .confirms
            .iter()
            .map(|(id, confirm)| (id, confirm.deadline))
            .collect();
        for (id, deadline) in all {
            match deadline <= self.now.time {
                true => self.give_up(id),
                false => self.advance(id),
            }
        }
    }

    /// Does the next thing for a confirmation.
    pub(super) fn advance(&mut self, id: ConfirmId) {
        let Some(confirm) = self.confirms.get(id) else {
            return;
        };
        if confirm.dot.writer == self.state.writer()
            && confirm.dot.version > self.state.stored_version()
        {
            // Nobody is told before it is on the own disk.
            return;
        }
        let others = self.voters_to_ask(id);
        let membership = &self.membership;
        let is_quorum =
            |nodes: &BTreeSet<NodeKey>| membership.is_quorum(|voter| nodes.contains(voter));
        let electorate = Electorate {
            me: self.me,
            others: &others,
            standing: self.voters_standing(),
            is_quorum: &is_quorum,
        };
        match self.confirms.advance(self.now.time, id, &electorate) {
            None => {}
            Some(Progress::Confirmed(durability)) => self.confirmed(id, durability),
            Some(Progress::Ask(voters)) => {
                for voter in voters {
                    self.push(id, voter, None);
                }
            }
        }
    }

    /// The other voters: those that answer first, each confirmation in another order.
    fn voters_to_ask(&self, id: ConfirmId) -> Vec<NodeKey> {
        let Some(register) = self.membership.voters() else {
            return Vec::new();
        };
        let rank = |voter: &NodeKey| match self.membership.status(voter) {
            Some(Status::Reachable) => 0,
            Some(Status::Unreachable | Status::Restarting) => 1,
            Some(Status::Down | Status::Left) | None => 2,
        };
        let mut voters: Vec<NodeKey> = register
            .keys()
            .iter()
            .filter(|voter| **voter != self.me)
            .copied()
            .collect();
        let turn = id.0 as usize % voters.len().max(1);
        voters.rotate_left(turn);
        voters.sort_by_key(|voter| (rank(voter), !self.has_archives_of(id, voter)));
        voters
    }

    /// How many voters are not down.
    fn voters_standing(&self) -> u32 {
        let Some(register) = self.membership.voters() else {
            return 0;
        };
        let stands = |voter: &&NodeKey| {
            **voter == self.me
                || !matches!(
                    self.membership.status(voter),
                    Some(Status::Down | Status::Left) | None
                )
        };
        register.keys().iter().filter(stands).count() as u32
    }

    /// Asks a voter, with what it presumably lacks or, once it said what it has, surely lacks.
    fn push(&mut self, id: ConfirmId, to: NodeKey, has: Option<&conduct_state::Digest>) {
        let Some(confirm) = self.confirms.get(id) else {
            return;
        };
        let dot = confirm.dot;
        let with = match &confirm.purpose {
            Purpose::Assignment { system, version } => {
                PushWith::Assignment(system.clone(), version.epoch)
            }
            Purpose::Request(_) if confirm.archives.is_empty() => PushWith::Nothing,
            Purpose::Request(_) => PushWith::Archives(confirm.archives.clone()),
        };
        let delta = match has {
            Some(digest) => self.state.delta(digest, PART_BYTES).ok().flatten(),
            None => {
                let guess = dot.version.saturating_sub(GUESSED_WRITES);
                let known = self.own.known_by.get(&to).copied().unwrap_or(guess);
                self.state.push(known.min(dot.version - 1), PART_BYTES)
            }
        };
        let push = Push {
            id: id.0,
            dot,
            delta,
            with,
        };
        self.send(to, crate::outbox::Way::Stream, &Message::Push(push));
    }

    /// A voter answers.
    pub(super) fn take_pushed(&mut self, from: NodeKey, pushed: Pushed) {
        let id = ConfirmId(pushed.id);
        if self
            .confirms
            .get(id)
            .is_none_or(|confirm| confirm.dot != pushed.dot)
        {
            return;
        }
        match pushed.answer {
            PushAnswer::Stored { archives } => {
                if pushed.dot.writer == self.state.writer() {
                    let known = self.own.known_by.entry(from).or_default();
                    *known = (*known).max(pushed.dot.version);
                }
                self.confirms.confirmed(id, from, archives);
                self.advance(id);
            }
            PushAnswer::NoArchive => {
                self.confirms.unable(id, from);
                self.advance(id);
            }
            PushAnswer::Behind(bytes) => {
                if let Ok(digest) = conduct_state::Digest::decode(&bytes)
                    && self.confirms.may_repeat(id, from, self.now.time)
                {
                    self.push(id, from, Some(&digest));
                }
            }
            PushAnswer::Ahead(clock) => self.stamp_anew(id, clock),
            PushAnswer::Outvoted(epoch) => self.outvoted(id, epoch),
            PushAnswer::DiskFailed => {
                self.confirms.refused(id, from);
                self.advance(id);
            }
        }
    }

    fn confirmed(&mut self, id: ConfirmId, durability: u32) {
        let Some(confirm) = self.confirms.end(id) else {
            return;
        };
        match confirm.purpose {
            Purpose::Request(request) => self.request_sure(request, durability),
            Purpose::Assignment { system, version } => {
                self.pass_scheduler(Input::Confirmed { system, version });
            }
        }
    }

    fn give_up(&mut self, id: ConfirmId) {
        let Some(confirm) = self.confirms.end(id) else {
            return;
        };
        // An owner proposes again by itself.
        if let Purpose::Request(request) = confirm.purpose {
            self.request_unknown(request, confirm.durability());
        }
    }

    fn outvoted(&mut self, id: ConfirmId, epoch: Epoch) {
        let Some(confirm) = self.confirms.end(id) else {
            return;
        };
        if let Purpose::Assignment { system, .. } = confirm.purpose {
            self.pass_scheduler(Input::Outvoted { system, epoch });
        }
    }

    /// Puts a decision on the disks of a quorum.
    pub(super) fn propose(&mut self, system: System, assignment: &conduct_scheduler::Assignment) {
        let version = assignment.version;
        let same = |confirm: &Confirm<Purpose>| {
            confirm.purpose
                == Purpose::Assignment {
                    system: system.clone(),
                    version,
                }
        };
        if self.confirms.iter().any(|(_, confirm)| same(confirm)) {
            return;
        }
        let Some(dot) = self.write_assignment(&system, assignment) else {
            return;
        };
        let id = self.confirm(dot, Purpose::Assignment { system, version }, Vec::new());
        self.confirm_written_before(id, dot);
    }

    /// For a write that may be on the own disk already.
    pub(super) fn confirm_written_before(&mut self, id: ConfirmId, dot: Dot) {
        if dot.writer != self.state.writer() || dot.version <= self.state.stored_version() {
            self.confirm_here(id);
        }
        self.advance(id);
    }

    /// What other nodes are known to have of this node's writes is of one connection and writer.
    pub(super) fn forget_known_by(&mut self, peer: &NodeKey) {
        self.own.known_by.remove(peer);
    }

    /// All voters that answer for this node's commands, for events.
    pub(super) fn voters_reached(&self) -> (u32, u32) {
        let Some(register) = self.membership.voters() else {
            return (0, 0);
        };
        let reached = |voter: &&NodeKey| {
            **voter == self.me || self.membership.status(voter) == Some(Status::Reachable)
        };
        (
            register.keys().iter().filter(reached).count() as u32,
            register.keys().len() as u32,
        )
    }

    /// Tells that a peer speaks what nobody here understands, once in a while.
    pub(super) fn tell_stranger(&mut self, peer: NodeKey, version: u8) {
        self.outbox.strangers.versions += 1;
        if self.sync.tells_skew(self.now.time, peer) {
            self.tell(EventKind::UnknownVersion { peer, version });
        }
    }
}

/// How far others are known to have this node's writes.
pub(super) type KnownBy = BTreeMap<NodeKey, u64>;
