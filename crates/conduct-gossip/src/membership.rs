//! The machine itself: its parts, its inputs, and what is due when.

use std::collections::{BTreeMap, VecDeque};

use conduct_model::{Incarnation, NodeKey, Time};

use crate::ballot::Acceptor;
use crate::contact::Contact;
use crate::damping::Damping;
use crate::dice::Dice;
use crate::effect::{DiskRecord, Effect, Notice, Slot, Ticket, Token};
use crate::electorate::{Electorate, Seats};
use crate::interface::{Boot, Command, CommandError, Link, Settings};
use crate::judging::{Absence, Bench};
use crate::links::Links;
use crate::message::{Body, Class, Header, Message};
use crate::news::News;
use crate::notices::Notices;
use crate::proposing::Proposing;
use crate::quarantine::Quarantine;
use crate::relays::Relays;
use crate::rollcall::RollCalls;
use crate::rotation::Rotation;
use crate::round::Rounds;
use crate::suspicion::Suspicions;
use crate::table::{Table, Who, tag};

/// Writes whose end is awaited.
const PENDING_MAX: usize = 1_024;

/// One input's time and effects.
pub(crate) struct Cx<'a> {
    pub(crate) now: Time,
    pub(crate) out: &'a mut Vec<Effect>,
}

/// Where this node is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    /// Its start is not on disk: it says nothing.
    Storing {
        incarnation: Incarnation,
        retry: Time,
    },
    /// Nobody has welcomed it yet.
    Greeting { next: Time, tries: u32 },
    /// One of the members.
    Member,
    /// Still a member, waiting to be released from its vote.
    Leaving { until: Time },
    /// It says nothing any more.
    Gone,
}

/// What happens once a write is on disk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Pending {
    /// The life begins.
    Start,
    /// The epoch may be told.
    Voters(u64),
    /// The promise may be given.
    Say(NodeKey, Box<Body>),
    /// The vote counts.
    Vote { who: Who, start: u64 },
}

/// When each recurring thing is due next.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Timers {
    pub(crate) turn: Time,
    pub(crate) dead: Time,
    pub(crate) gossip: Time,
    pub(crate) judge: Time,
    pub(crate) opinions: Time,
    pub(crate) chores: Time,
    pub(crate) compare: Time,
    pub(crate) ask_voters: Time,
    pub(crate) ask_members: Time,
}

/// Who is here, who is not, and whether we count: one node's part of the protocol.
#[derive(Debug)]
pub struct Membership {
    pub(crate) settings: Settings,
    pub(crate) dice: Dice,
    pub(crate) now: Time,
    pub(crate) armed: Option<Time>,
    pub(crate) timers: Timers,
    pub(crate) phase: Phase,
    pub(crate) me: Who,
    pub(crate) table: Table,
    pub(crate) links: Links,
    pub(crate) rotation: Rotation,
    pub(crate) rounds: Rounds,
    pub(crate) relays: Relays,
    /// How many more periods this node grants an answer, because its own health is in doubt.
    pub(crate) ill: u64,
    pub(crate) failed_in_a_row: u32,
    pub(crate) late_answers: u32,
    pub(crate) news: News,
    pub(crate) suspicions: Suspicions,
    pub(crate) absent: BTreeMap<Who, Absence>,
    pub(crate) dead_cursor: Option<Who>,
    pub(crate) damping: Damping,
    pub(crate) bench: Bench,
    pub(crate) electorate: Electorate,
    pub(crate) acceptor: Option<Acceptor>,
    pub(crate) proposing: Proposing,
    pub(crate) contact: Contact,
    pub(crate) rolls: RollCalls,
    /// Voters that voted this life down.
    pub(crate) refused_by: Seats,
    /// An earlier life of ours is said to be alive since then.
    pub(crate) lingering_since: Option<Time>,
    pub(crate) quarantine: Quarantine,
    /// Nobody is judged before: this node stood still.
    pub(crate) muted_until: Time,
    /// What this node says to itself as one of the voters.
    pub(crate) own_mail: VecDeque<Body>,
    pub(crate) pending: BTreeMap<Token, Pending>,
    pub(crate) tokens: u64,
    pub(crate) notices: Notices,
    /// Claims of peers that cannot be.
    pub(crate) refused: u64,
}

impl Cx<'_> {
    pub(crate) fn push(&mut self, effect: Effect) {
        self.out.push(effect);
    }
}

impl Phase {
    pub(crate) fn is_member(self) -> bool {
        matches!(self, Phase::Member | Phase::Leaving { .. })
    }
}

impl Membership {
    /// Starts a life. Nothing is sent before its start is on disk.
    pub fn new(settings: Settings, boot: Boot, now: Time, out: &mut Vec<Effect>) -> Membership {
        let mut cx = Cx { now, out };
        let mut membership = Membership::booted(settings, boot, &mut cx);
        membership.arm(&mut cx);
        membership
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Time, out: &mut Vec<Effect>) {
        self.step(now, out, |_, _| ());
    }

    /// A peer says something; the transport has proved who it is.
    pub fn message(&mut self, now: Time, from: NodeKey, message: Message, out: &mut Vec<Effect>) {
        self.step(now, out, |this, cx| this.hear_message(cx, from, message));
    }

    /// News of the connection to a peer.
    pub fn link(&mut self, now: Time, peer: NodeKey, link: Link, out: &mut Vec<Effect>) {
        self.step(now, out, |this, cx| this.hear_link(cx, peer, link));
    }

    /// A write is on disk.
    pub fn stored(&mut self, now: Time, token: Token, out: &mut Vec<Effect>) {
        self.step(now, out, |this, cx| this.hear_stored(cx, token));
    }

    /// A write failed and is not on disk.
    pub fn store_failed(&mut self, now: Time, token: Token, out: &mut Vec<Effect>) {
        self.step(now, out, |this, cx| this.hear_store_failed(cx, token));
    }

    /// The state of this voter was pulled.
    pub fn synced(&mut self, now: Time, ticket: Ticket, with: NodeKey, out: &mut Vec<Effect>) {
        self.step(now, out, |this, cx| this.hear_synced(cx, ticket, with));
    }

    /// Does what an operator asks for.
    ///
    /// # Errors
    /// When the command makes no sense now; nothing happened then.
    pub fn command(
        &mut self,
        now: Time,
        command: Command,
        out: &mut Vec<Effect>,
    ) -> Result<(), CommandError> {
        self.step(now, out, |this, cx| this.obey(cx, command))
    }

    fn step<R>(
        &mut self,
        now: Time,
        out: &mut Vec<Effect>,
        act: impl FnOnce(&mut Membership, &mut Cx<'_>) -> R,
    ) -> R {
        self.now = self.now.max(now);
        let mut cx = Cx { now: self.now, out };
        self.notice_pause(&mut cx);
        let result = act(self, &mut cx);
        if self.armed.is_none_or(|armed| armed <= cx.now) {
            self.run_due(&mut cx);
        }
        self.read_own_mail(&mut cx);
        self.arm(&mut cx);
        result
    }

    fn run_due(&mut self, cx: &mut Cx<'_>) {
        match self.phase {
            Phase::Gone => return,
            Phase::Storing { retry, .. } => return self.store_start_due(cx, retry),
            Phase::Greeting { next, .. } => {
                if next <= cx.now {
                    self.greet(cx);
                }
                return;
            }
            Phase::Member => {}
            Phase::Leaving { until } => self.leave_due(cx, until),
        }
        self.rounds_due(cx);
        self.relays_due(cx);
        self.turn_due(cx);
        self.dead_due(cx);
        self.judge_due(cx);
        self.roll_due(cx);
        self.contact_due(cx);
        self.recovery_due(cx);
        self.chores_due(cx);
        self.proposal_due(cx);
        self.gossip_due(cx);
    }

    /// When something is due next.
    fn wake(&self) -> Time {
        match self.phase {
            Phase::Gone => return Time::NEVER,
            Phase::Storing { retry, .. } => return retry,
            Phase::Greeting { next, .. } => return next,
            Phase::Member | Phase::Leaving { .. } => {}
        }
        let when = |wanted: bool, time: Time| if wanted { time } else { Time::NEVER };
        let judging = !(self.absent.is_empty()
            && self.suspicions.is_empty()
            && self.damping.is_empty()
            && self.bench.is_idle());
        [
            self.rounds.wake(),
            self.relays.wake(),
            self.timers.turn,
            when(!self.absent.is_empty(), self.timers.dead),
            when(judging, self.timers.judge),
            self.rolls.wake(&self.settings.profile),
            self.contact_wake(),
            self.recovery_wake(),
            self.timers.chores,
            self.proposing.wake(),
            when(!self.news.is_empty(), self.timers.gossip),
        ]
        .into_iter()
        .fold(Time::NEVER, Time::min)
    }

    fn arm(&mut self, cx: &mut Cx<'_>) {
        // What was idle for long is due at once, which does not mean that we stood still.
        let wake = self.wake().max(cx.now);
        if self
            .armed
            .is_none_or(|armed| armed <= cx.now || wake < armed)
        {
            self.armed = Some(wake);
            if wake != Time::NEVER {
                cx.push(Effect::Arm(wake));
            }
        }
    }

    /// What every message of ours begins with.
    pub(crate) fn header(&self) -> Header {
        let entry = &self.table[self.me];
        Header {
            start: entry.incarnation.start,
            tag: tag(entry.incarnation.nonce),
            refutation: entry.refutation,
            standing: entry.standing,
            epoch: self.electorate.stored,
            view: self.table.view(),
        }
    }

    /// Sends, unless this node has nothing to say any more. A datagram becomes a stream where no
    /// connection stands, because that makes one.
    pub(crate) fn send(&mut self, cx: &mut Cx<'_>, to: NodeKey, class: Class, body: Body) {
        if matches!(self.phase, Phase::Storing { .. } | Phase::Gone) {
            return;
        }
        if to == self.settings.key {
            self.own_mail.push_back(body);
            return;
        }
        let class = if self.links.is_up(&to) {
            class
        } else {
            Class::Stream
        };
        let message = Message {
            header: self.header(),
            body,
        };
        cx.push(Effect::Send { to, class, message });
    }

    fn read_own_mail(&mut self, cx: &mut Cx<'_>) {
        while let Some(body) = self.own_mail.pop_front() {
            let me = self.settings.key;
            self.hear_voter(cx, me, body);
        }
    }

    /// Writes a record; `then` happens once it is on disk.
    pub(crate) fn persist(&mut self, cx: &mut Cx<'_>, record: DiskRecord, then: Option<Pending>) {
        self.tokens += 1;
        let token = Token(self.tokens);
        if let Some(then) = then {
            if self.pending.len() == PENDING_MAX {
                return;
            }
            self.pending.insert(token, then);
        }
        cx.push(Effect::Persist {
            token,
            slot: record.slot(),
            record: Some(record),
        });
    }

    pub(crate) fn erase(&mut self, cx: &mut Cx<'_>, slot: Slot) {
        self.tokens += 1;
        cx.push(Effect::Persist {
            token: Token(self.tokens),
            slot,
            record: None,
        });
    }

    fn hear_stored(&mut self, cx: &mut Cx<'_>, token: Token) {
        match self.pending.remove(&token) {
            None => {}
            Some(Pending::Start) => self.live(cx),
            Some(Pending::Voters(epoch)) => self.voters_stored(cx, epoch),
            Some(Pending::Say(to, body)) => self.send(cx, to, Class::Stream, *body),
            Some(Pending::Vote { who, start }) => self.vote_stored(cx, who, start),
        }
    }

    fn hear_store_failed(&mut self, cx: &mut Cx<'_>, token: Token) {
        match self.pending.remove(&token) {
            // The asker hears nothing, and asks again.
            None | Some(Pending::Say(..)) => {}
            Some(Pending::Start) => {
                if let Phase::Storing { retry, .. } = &mut self.phase {
                    *retry = cx.now + self.settings.profile.greet_every;
                }
            }
            Some(Pending::Voters(_)) => self.electorate.set_unsaved(),
            Some(Pending::Vote { who, .. }) => self.bench.vote_failed(who),
        }
    }

    pub(crate) fn notice(&mut self, cx: &mut Cx<'_>, notice: Notice) {
        if self.notices.is_new(cx.now, notice) {
            cx.push(Effect::Notice(notice));
        }
    }
}
