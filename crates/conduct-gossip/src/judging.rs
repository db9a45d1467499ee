//! From *unreachable* to *down*: what voters think of the absent, and how they vote.
//!
//! A vote binds for ever, so a voter casts it only when a quorum thinks the same at the same
//! moment. A member that returns just then may still be left with some votes against it: those
//! who cast them will never count it again, so after a while the others follow, and the member
//! begins another life.

use std::collections::BTreeMap;

use conduct_model::{NodeKey, Span, Time};

use crate::claims::Claim;
use crate::effect::{DiskRecord, Notice, Slot};
use crate::electorate::{SEATS_MAX, Seats};
use crate::identity::{Short, Standing};
use crate::membership::{Cx, Membership, Pending};
use crate::message::{Body, Class, Opinion, Vote};
use crate::table::Who;

/// Opinions and votes in one message: they fit into a datagram.
const JUDGED_PER_MESSAGE_MAX: usize = 32;
/// Messages to one voter at one moment.
const JUDGE_MESSAGES_MAX: usize = 16;

/// A member that is missed, or was voted down and may come back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Absence {
    pub(crate) since: Time,
    /// When its host said that the daemon is gone.
    pub(crate) hinted: Option<Time>,
}

/// What the voters think of one absent member.
#[derive(Clone, Debug)]
struct Case {
    start: u64,
    opinions: [Option<Time>; SEATS_MAX],
    votes: Seats,
    /// When our own vote was told first.
    cast: Option<Time>,
    /// Our own vote is being written.
    writing: bool,
}

/// All cases, and all lives that this node voted down.
#[derive(Debug, Default)]
pub(crate) struct Bench {
    cases: BTreeMap<Who, Case>,
    voted: BTreeMap<Who, u64>,
}

impl Absence {
    pub(crate) fn since(now: Time) -> Absence {
        Absence {
            since: now,
            hinted: None,
        }
    }
}

impl Case {
    fn new(start: u64) -> Case {
        let opinions = [None; SEATS_MAX];
        Case {
            start,
            opinions,
            votes: Seats::default(),
            cast: None,
            writing: false,
        }
    }
}

impl Bench {
    pub(crate) fn has_voted(&self, who: Who, start: u64) -> bool {
        self.voted.get(&who) == Some(&start)
    }

    /// A vote from before this daemon started: it was perhaps told, so it stands.
    pub(crate) fn set_voted(&mut self, who: Who, start: u64, now: Time) {
        self.voted.insert(who, start);
        let case = self.cases.entry(who).or_insert(Case::new(start));
        case.cast = Some(now);
    }

    pub(crate) fn vote_failed(&mut self, who: Who) {
        if let Some(case) = self.cases.get_mut(&who) {
            case.writing = false;
        }
    }

    /// The member refuted: what was thought of it no longer holds, what was voted does.
    pub(crate) fn back(&mut self, who: Who) {
        if let Some(case) = self.cases.get_mut(&who) {
            case.opinions = [None; SEATS_MAX];
            if case.cast.is_none() && case.votes.is_empty() && !case.writing {
                self.cases.remove(&who);
            }
        }
    }

    /// Ends a case; tells whether a vote of ours is on disk.
    pub(crate) fn life_over(&mut self, who: Who) -> bool {
        self.cases.remove(&who);
        self.voted.remove(&who).is_some()
    }

    pub(crate) fn forget(&mut self, who: Who) {
        self.cases.remove(&who);
        self.voted.remove(&who);
    }

    /// Other voters count from now on: all tell again what they think.
    pub(crate) fn new_voters(&mut self) {
        for case in self.cases.values_mut() {
            case.opinions = [None; SEATS_MAX];
            case.votes = Seats::default();
        }
    }

    /// Whether no vote waits for its verdict.
    pub(crate) fn is_idle(&self) -> bool {
        self.voted.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.cases.len()
    }

    /// Our own votes count under whatever seat we have now.
    fn count_own(&mut self, seat: usize) {
        for case in self.cases.values_mut().filter(|case| case.cast.is_some()) {
            case.votes.add(seat);
        }
    }
}

impl Membership {
    /// Looks after suspects, the absent, and those that come and go.
    pub(crate) fn judge_due(&mut self, cx: &mut Cx<'_>) {
        if cx.now < self.timers.judge {
            return;
        }
        self.timers.judge = cx.now + self.settings.profile.gossip_every;
        self.damping_due(cx);
        if cx.now < self.muted_until {
            return;
        }
        self.judge_suspects(cx);
        if self.electorate.is_voter(&self.settings.key) {
            self.judge_absent(cx);
        }
    }

    /// When this node, as a voter, thinks that an absent member can be voted down.
    fn can_be_judged_at(&self, who: Who, absence: &Absence) -> Option<Time> {
        let entry = &self.table[who];
        let free_since = self.quarantine.free_since()?;
        if !entry.standing.is_absent() {
            return None;
        }
        let profile = &self.settings.profile;
        let quiet = absence.since.max(free_since).max(self.muted_until) + profile.hold_down;
        // A hint may lengthen the wait, never shorten it.
        Some(
            absence
                .hinted
                .map_or(quiet, |hinted| quiet.max(hinted + profile.restart_wait)),
        )
    }

    fn judge_absent(&mut self, cx: &mut Cx<'_>) {
        let Some(seat) = self.electorate.seat(&self.settings.key) else {
            return;
        };
        self.bench.count_own(seat);
        let mut fresh = false;
        let mut due = Vec::new();
        for (who, absence) in &self.absent {
            if self
                .can_be_judged_at(*who, absence)
                .is_some_and(|at| at <= cx.now)
            {
                due.push(*who);
            }
        }
        for who in &due {
            let start = self.table[*who].incarnation.start;
            let case = self.bench.cases.entry(*who).or_insert(Case::new(start));
            fresh |= case.opinions[seat].is_none();
            case.opinions[seat] = Some(cx.now);
        }
        let votes = self.bench.cases.values().any(|case| case.cast.is_some());
        let again = cx.now >= self.timers.opinions && (votes || !due.is_empty());
        if fresh || again {
            self.timers.opinions = cx.now + self.settings.profile.judge_every;
            self.tell_judgements(cx, &due);
        }
        for who in due {
            self.consider_vote(cx, who);
        }
    }

    /// Tells the other voters what this one thinks, and what it voted.
    fn tell_judgements(&mut self, cx: &mut Cx<'_>, due: &[Who]) {
        let named = |who: &Who| {
            let entry = &self.table[*who];
            (Short::of(&entry.key), entry.incarnation.start)
        };
        let opinion = |who: &Who| {
            let (member, start) = named(who);
            Opinion { member, start }
        };
        let opinions: Vec<Opinion> = due.iter().map(opinion).collect();
        let cast = self
            .bench
            .cases
            .iter()
            .filter_map(|(who, case)| Some((who, case.cast?)));
        let vote = |(who, cast): (&Who, Time)| {
            let (member, start) = named(who);
            let age = u16::try_from(cx.now.since(cast).as_millis()).unwrap_or(u16::MAX);
            Vote { member, start, age }
        };
        let votes: Vec<Vote> = cast.map(vote).collect();
        let count = opinions
            .len()
            .max(votes.len())
            .div_ceil(JUDGED_PER_MESSAGE_MAX);
        let voters = self.other_voters();
        for part in 0..count.min(JUDGE_MESSAGES_MAX) {
            let part = part * JUDGED_PER_MESSAGE_MAX;
            for voter in &voters {
                let opinions = opinions.iter().skip(part).take(JUDGED_PER_MESSAGE_MAX);
                let votes = votes.iter().skip(part).take(JUDGED_PER_MESSAGE_MAX);
                let body = Body::Judge {
                    opinions: opinions.copied().collect(),
                    votes: votes.copied().collect(),
                };
                self.send(cx, *voter, Class::Datagram, body);
            }
        }
    }

    pub(crate) fn other_voters(&self) -> Vec<NodeKey> {
        let me = self.settings.key;
        self.electorate
            .seats()
            .iter()
            .map(|seat| seat.key)
            .filter(|key| *key != me)
            .collect()
    }

    /// Another voter says what it thinks and what it voted.
    pub(crate) fn hear_judgements(
        &mut self,
        cx: &mut Cx<'_>,
        voter: Who,
        opinions: &[Opinion],
        votes: &[Vote],
    ) {
        let own = self.electorate.is_voter(&self.settings.key);
        let Some(seat) = self.electorate.seat(&self.table[voter].key) else {
            return;
        };
        if !own || opinions.len() + votes.len() > 2 * JUDGED_PER_MESSAGE_MAX {
            return;
        }
        for opinion in opinions {
            if let Some(who) = self.living(opinion.member, opinion.start)
                && self.table[who].standing.is_absent()
            {
                let case = self
                    .bench
                    .cases
                    .entry(who)
                    .or_insert(Case::new(opinion.start));
                case.opinions[seat] = Some(cx.now);
                self.consider_vote(cx, who);
            }
        }
        for vote in votes {
            if let Some(who) = self.living(vote.member, vote.start) {
                let case = self.bench.cases.entry(who).or_insert(Case::new(vote.start));
                case.votes.add(seat);
                let age = Span::millis(vote.age.into());
                let stands = age >= self.settings.profile.vote_followed_after;
                if stands && self.quarantine.is_free() {
                    self.cast_vote(cx, who);
                }
                self.count_votes(cx, who);
            }
        }
    }

    /// The member with this short key, if this is its life and not yet over.
    fn living(&self, member: Short, start: u64) -> Option<Who> {
        let who = self
            .table
            .find_short(member)
            .filter(|who| *who != self.me)?;
        let entry = &self.table[who];
        (entry.incarnation.start == start && !entry.standing.is_over()).then_some(who)
    }

    /// Votes, if this voter and a quorum with it think at this moment that it is time.
    fn consider_vote(&mut self, cx: &mut Cx<'_>, who: Who) {
        let Some(seat) = self.electorate.seat(&self.settings.key) else {
            return;
        };
        let Some(case) = self.bench.cases.get(&who) else {
            return;
        };
        let fresh = |seat: usize| {
            let opinion = case.opinions[seat];
            opinion.is_some_and(|at| cx.now.since(at) < self.settings.profile.opinion_fresh)
        };
        let agrees = |key: &_| self.electorate.seat(key).is_some_and(fresh);
        if cx.now >= self.muted_until && fresh(seat) && self.electorate.is_quorum(agrees) {
            self.cast_vote(cx, who);
        }
    }

    fn cast_vote(&mut self, cx: &mut Cx<'_>, who: Who) {
        let Some(case) = self.bench.cases.get_mut(&who) else {
            return;
        };
        if case.cast.is_some() || case.writing {
            return;
        }
        case.writing = true;
        let start = case.start;
        let key = self.table[who].key;
        self.persist(
            cx,
            DiskRecord::Vote { key, start },
            Some(Pending::Vote { who, start }),
        );
    }

    /// The vote is on disk. Nobody has heard of it yet: if the member came back meanwhile, it is
    /// as if it had not been cast.
    pub(crate) fn vote_stored(&mut self, cx: &mut Cx<'_>, who: Who, start: u64) {
        let entry = &self.table[who];
        let key = entry.key;
        let current = entry.incarnation.start == start && !entry.standing.is_over();
        let Some(case) = self.bench.cases.get_mut(&who).filter(|_| current) else {
            return self.erase(cx, Slot::Vote(key));
        };
        case.writing = false;
        let alone = case.votes.is_empty();
        if entry.standing.is_present() && alone {
            self.bench.back(who);
            self.erase(cx, Slot::Vote(key));
            return self.notice(cx, Notice::VoteWithdrawn(key));
        }
        case.cast = Some(cx.now);
        if let Some(seat) = self.electorate.seat(&self.settings.key) {
            case.votes.add(seat);
        }
        self.bench.voted.insert(who, start);
        self.timers.opinions = cx.now + self.settings.profile.judge_every;
        self.tell_judgements(cx, &[]);
        self.count_votes(cx, who);
    }

    /// A quorum of votes is the verdict.
    fn count_votes(&mut self, cx: &mut Cx<'_>, who: Who) {
        let Some(case) = self.bench.cases.get(&who) else {
            return;
        };
        if !self.electorate.is_quorum_of(case.votes) {
            return;
        }
        let start = case.start;
        let refutation = self.table[who].refutation;
        self.apply(
            cx,
            who,
            Claim {
                start,
                refutation,
                standing: Standing::Down,
            },
        );
    }
}
