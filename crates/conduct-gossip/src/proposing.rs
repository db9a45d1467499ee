//! The ballot that changes the voters, from the proposer's side: which change is wanted, who
//! tries, and what becomes of it.

use conduct_model::{NodeKey, Span, Time};

use crate::ballot::{Accepted, Ballot};
use crate::bounds::ROUND_MAX;
use crate::identity::Standing;
use crate::membership::{Cx, Membership, Phase};
use crate::message::{Body, Class};
use crate::register::{Register, VOTERS_MAX};

/// The longest pause after a failed attempt, in ballots' lengths.
const BACK_OFF_MAX: u64 = 8;

/// An attempt under way.
#[derive(Clone, Debug)]
struct Attempt {
    ballot: Ballot,
    register: Register,
    until: Time,
    stage: Stage,
    /// Who promised or accepted.
    given: Vec<NodeKey>,
}

#[derive(Clone, Debug)]
enum Stage {
    /// Asking for promises; the latest that anybody accepted has to be taken over.
    Preparing { latest: Option<Accepted> },
    /// Asking for acceptance.
    Accepting,
}

/// What this node does as a proposer.
#[derive(Debug, Default)]
pub(crate) struct Proposing {
    attempt: Option<Attempt>,
    /// Since when the wanted change has been wanted.
    wanted: Option<(Register, Time)>,
    round: u32,
    not_before: Time,
    failures: u64,
}

impl Proposing {
    pub(crate) fn wake(&self) -> Time {
        self.attempt
            .as_ref()
            .map_or(Time::NEVER, |attempt| attempt.until)
    }
}

impl Membership {
    /// The change of the voters that this node would make, if any: finish what was begun, remove
    /// who is gone, add the oldest who may vote.
    fn wanted_voters(&self) -> Option<Register> {
        let register = self.electorate.register()?;
        if self.electorate.previous().is_some() {
            return None;
        }
        let begun = self
            .acceptor_of(register.epoch + 1)
            .and_then(|held| held.accepted.as_ref());
        if let Some(begun) = begun {
            return Some(begun.register.clone());
        }
        let is_gone = |key: &&NodeKey| {
            self.table.find(key).is_some_and(|who| {
                let entry = &self.table[who];
                entry.standing.is_over() || entry.standing == Standing::Leaving || !entry.core
            })
        };
        if register.keys().len() > 1
            && let Some(gone) = register.keys().iter().find(is_gone)
        {
            return Some(register.without(gone));
        }
        if register.keys().len() == VOTERS_MAX {
            return None;
        }
        let may_vote = self.table.iter().map(|(_, entry)| entry).filter(|entry| {
            entry.core && entry.standing == Standing::Alive && !register.contains(&entry.key)
        });
        let oldest = may_vote.min_by_key(|entry| (entry.seat, entry.key))?;
        Some(register.with(oldest.key))
    }

    /// How many voters that are here come before this node.
    fn rank(&self) -> u64 {
        let before = self
            .electorate
            .keys()
            .iter()
            .take_while(|key| **key != self.settings.key);
        let here = before.filter_map(|key| self.table.find(key)).filter(|who| {
            let entry = &self.table[*who];
            entry.standing.is_present() && entry.standing != Standing::Suspect
        });
        here.count() as u64
    }

    /// Begins an attempt when a change is wanted and this node is the one to try: the first of
    /// the voters at once, each other one a step later than the one before.
    pub(crate) fn propose_if_wanted(&mut self, cx: &mut Cx<'_>) {
        let me = self.settings.key;
        let may = self.quarantine.is_free() && self.electorate.is_voter(&me);
        if !may || self.proposing.attempt.is_some() {
            return;
        }
        let Some(wanted) = self.wanted_voters() else {
            self.proposing.wanted = None;
            return;
        };
        let since = match &self.proposing.wanted {
            Some((known, since)) if known.epoch == wanted.epoch => *since,
            _ => cx.now,
        };
        self.proposing.wanted = Some((wanted.clone(), since));
        let head_start = self.settings.profile.proposer_step.times(self.rank());
        if cx.now < (since + head_start).max(self.proposing.not_before) {
            return;
        }
        let epoch = wanted.epoch;
        let promised = self
            .acceptor_of(epoch)
            .map_or(0, |held| held.promised.round);
        self.proposing.round = (self.proposing.round.max(promised) + 1).min(ROUND_MAX);
        let ballot = Ballot {
            round: self.proposing.round,
            proposer: me,
        };
        self.proposing.attempt = Some(Attempt {
            ballot,
            register: wanted,
            until: cx.now + self.settings.profile.ballot_within,
            stage: Stage::Preparing { latest: None },
            given: Vec::new(),
        });
        for voter in self.electorate.keys().to_vec() {
            self.send(cx, voter, Class::Stream, Body::Prepare { epoch, ballot });
        }
    }

    /// Ends an attempt that took too long.
    pub(crate) fn proposal_due(&mut self, cx: &mut Cx<'_>) {
        if self.proposing.wake() <= cx.now {
            self.back_off(cx);
        }
    }

    /// Other voters count: attempts begin anew with the epoch that follows.
    pub(crate) fn abandon_proposal(&mut self) {
        self.proposing.attempt = None;
        self.proposing.wanted = None;
        self.proposing.round = 0;
    }

    /// Gives up for now; longer the more often it failed, and never all as long.
    fn back_off(&mut self, cx: &mut Cx<'_>) {
        let profile = self.settings.profile;
        self.proposing.attempt = None;
        self.proposing.failures = (self.proposing.failures + 1).min(BACK_OFF_MAX);
        let longest = profile.ballot_within.times(self.proposing.failures);
        let half = Span::millis(longest.as_millis() / 2);
        self.proposing.not_before = cx.now + half + self.dice.span(longest);
    }

    fn attempt_for(&mut self, epoch: u64, ballot: Ballot) -> Option<&mut Attempt> {
        let attempt = self.proposing.attempt.as_mut()?;
        (attempt.ballot == ballot && attempt.register.epoch == epoch).then_some(attempt)
    }

    pub(crate) fn hear_promise(
        &mut self,
        cx: &mut Cx<'_>,
        from: NodeKey,
        epoch: u64,
        ballot: Ballot,
        accepted: Option<Accepted>,
    ) {
        let Some(current) = self.electorate.register().cloned() else {
            return;
        };
        let sound = accepted
            .as_ref()
            .is_none_or(|held| current.is_followed_by(&held.register));
        let me = self.settings.key;
        let Some(attempt) = self.attempt_for(epoch, ballot).filter(|_| sound) else {
            return;
        };
        let Stage::Preparing { latest } = &mut attempt.stage else {
            return;
        };
        if accepted.as_ref().map(|held| held.ballot) > latest.as_ref().map(|held| held.ballot) {
            *latest = accepted;
        }
        attempt.given.push(from);
        // Our own promise on disk keeps us from making the same attempt again after a restart,
        // for other voters.
        let sealed = attempt.given.contains(&me);
        if !sealed || !current.is_quorum(|key| attempt.given.contains(key)) {
            return;
        }
        if let Some(latest) = latest.take() {
            attempt.register = latest.register;
        }
        attempt.stage = Stage::Accepting;
        attempt.given.clear();
        let register = attempt.register.clone();
        for voter in both(&current, &register) {
            let body = Body::Accept {
                ballot,
                register: register.clone(),
            };
            self.send(cx, voter, Class::Stream, body);
        }
    }

    pub(crate) fn hear_accepted(
        &mut self,
        cx: &mut Cx<'_>,
        from: NodeKey,
        epoch: u64,
        ballot: Ballot,
    ) {
        let Some(current) = self.electorate.register().cloned() else {
            return;
        };
        let Some(attempt) = self.attempt_for(epoch, ballot) else {
            return;
        };
        let Stage::Accepting = attempt.stage else {
            return;
        };
        attempt.given.push(from);
        let has = |key: &NodeKey| attempt.given.contains(key);
        if !current.is_quorum(has) || !attempt.register.is_quorum(has) {
            return;
        }
        let register = attempt.register.clone();
        self.proposing.failures = 0;
        self.proposing.not_before = cx.now;
        self.adopt_voters(cx, register, Some(current));
    }

    pub(crate) fn hear_declined(
        &mut self,
        cx: &mut Cx<'_>,
        epoch: u64,
        ballot: Ballot,
        promised: Option<Ballot>,
    ) {
        if self.attempt_for(epoch, ballot).is_none() {
            return;
        }
        if let Some(promised) = promised {
            self.proposing.round = self.proposing.round.max(promised.round);
        }
        self.back_off(cx);
    }

    /// Looks after what is rarely due.
    pub(crate) fn chores_due(&mut self, cx: &mut Cx<'_>) {
        if cx.now < self.timers.chores {
            return;
        }
        let profile = self.settings.profile;
        self.timers.chores = cx.now + profile.chores_every;
        if self.electorate.take_unsaved() {
            self.persist_voters(cx);
        }
        self.settle_voters(cx);
        self.propose_if_wanted(cx);
        let gone = self.absent.iter().find(|(who, absence)| {
            let over = self.table[**who].standing.is_over();
            over && cx.now.since(absence.since) >= profile.forget_after
        });
        if let Some((who, _)) = gone {
            let who = *who;
            self.forget(cx, who);
        }
        if let Phase::Leaving { .. } = self.phase {
            self.leave_if_released(cx);
        }
    }
}

/// The voters of both registers.
fn both(one: &Register, two: &Register) -> Vec<NodeKey> {
    let mut keys = [one.keys(), two.keys()].concat();
    keys.sort_unstable();
    keys.dedup();
    keys
}
