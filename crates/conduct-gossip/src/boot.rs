//! The first moment of a machine, and of each of its lives.

use std::collections::{BTreeMap, VecDeque};

use conduct_model::{Incarnation, Time};

use crate::contact::Contact;
use crate::dice::Dice;
use crate::effect::{DiskRecord, Effect, Reason};
use crate::electorate::Electorate;
use crate::identity::{Card, Record, Standing};
use crate::interface::{Boot, Settings, Status};
use crate::judging::Absence;
use crate::membership::{Cx, Membership, Pending, Phase, Timers};
use crate::proposing::Proposing;
use crate::quarantine::Quarantine;
use crate::register::Register;
use crate::table::{MEMBERS_MAX, Table};

/// A datagram must hold at least one member in full.
const UPDATE_BYTES_MIN: usize = 256;

impl Membership {
    pub(crate) fn booted(settings: Settings, boot: Boot, cx: &mut Cx<'_>) -> Membership {
        assert!(
            settings.update_bytes_max >= UPDATE_BYTES_MIN,
            "news need room"
        );
        assert!(
            settings.card.note.len() <= Card::NOTE_BYTES_MAX,
            "the note is bounded"
        );
        let mut table = Table::default();
        let me = table.insert(&own_record(&settings), Status::Reachable);
        let dice = Dice::new(settings.dice);
        let mut membership = Membership {
            settings,
            dice,
            now: cx.now,
            armed: None,
            timers: Timers::default(),
            phase: Phase::Gone,
            me,
            table,
            links: Default::default(),
            rotation: Default::default(),
            rounds: Default::default(),
            relays: Default::default(),
            ill: 0,
            failed_in_a_row: 0,
            late_answers: 0,
            news: Default::default(),
            suspicions: Default::default(),
            absent: BTreeMap::new(),
            dead_cursor: None,
            damping: Default::default(),
            bench: Default::default(),
            electorate: Electorate::default(),
            acceptor: None,
            proposing: Proposing::default(),
            contact: Contact::default(),
            rolls: Default::default(),
            refused_by: Default::default(),
            lingering_since: None,
            quarantine: Quarantine::held(Reason::Starting),
            muted_until: Time::ZERO,
            own_mail: VecDeque::new(),
            pending: BTreeMap::new(),
            tokens: 0,
            notices: Default::default(),
            refused: 0,
        };
        match boot {
            Boot::Disk(records) => membership.read_disk(cx, records),
            Boot::Warm {
                start,
                register,
                members,
            } => {
                membership.warm_up(cx, start, register, members);
            }
        }
        membership
    }

    fn read_disk(&mut self, cx: &mut Cx<'_>, records: Vec<DiskRecord>) {
        let mut start = 0;
        let mut votes = Vec::new();
        for record in records {
            match record {
                DiskRecord::Start(stored) => start = stored,
                DiskRecord::Voters { register, previous } => {
                    self.electorate.stored = register.epoch;
                    self.electorate.adopt(register, previous);
                }
                DiskRecord::Acceptor(acceptor) => self.acceptor = Some(acceptor),
                DiskRecord::Vote { key, start } => votes.push((key, start)),
                DiskRecord::Member(record) => self.remember(cx, record),
            }
        }
        if let Some(register) = self.electorate.register() {
            cx.push(Effect::Voters(register.clone()));
        }
        for (key, start) in votes {
            if let Some(who) = self.table.find(&key)
                && self.table[who].incarnation.start == start
            {
                self.bench.set_voted(who, start, cx.now);
            }
        }
        self.table
            .change(self.me, |entry| entry.incarnation.start = start);
        cx.push(Effect::Quarantined(Reason::Starting));
        let nonce = self.settings.nonce;
        self.begin_life(
            cx,
            Incarnation {
                start: start.saturating_add(1),
                nonce,
            },
        );
    }

    /// Takes a member from disk: where it was, but not whether it is still there.
    fn remember(&mut self, cx: &mut Cx<'_>, mut record: Record) {
        if record.key == self.settings.key {
            self.table.change(self.me, |entry| entry.seat = record.seat);
            return;
        }
        if self.table.len() == MEMBERS_MAX || self.table.find(&record.key).is_some() {
            return;
        }
        if !record.standing.is_over() {
            record.standing = Standing::Unknown;
            record.refutation = 0;
        }
        let who = self.table.insert(&record, Status::of(record.standing));
        if record.standing != Standing::Left {
            self.absent.insert(who, Absence::since(cx.now));
        }
    }

    fn warm_up(&mut self, cx: &mut Cx<'_>, start: u64, register: Register, members: Vec<Record>) {
        let nonce = self.settings.nonce;
        self.table.change(self.me, |entry| {
            entry.incarnation = Incarnation { start, nonce };
            entry.standing = Standing::Alive;
        });
        for record in members {
            if record.key == self.settings.key {
                self.table.change(self.me, |entry| entry.seat = record.seat);
            } else {
                self.table.insert(&record, Status::of(record.standing));
            }
        }
        self.electorate.stored = register.epoch;
        cx.push(Effect::Voters(register.clone()));
        self.electorate.adopt(register, None);
        self.contact.renew(cx.now);
        self.quarantine = Quarantine::free(cx.now);
        self.phase = Phase::Member;
        self.start_timers(cx);
        cx.push(Effect::Life(self.incarnation()));
        cx.push(Effect::Released);
    }

    /// Begins a life by writing its start; nothing is said before that is on disk.
    pub(crate) fn begin_life(&mut self, cx: &mut Cx<'_>, incarnation: Incarnation) {
        self.rounds.retain(|_| false);
        self.phase = Phase::Storing {
            incarnation,
            retry: Time::NEVER,
        };
        self.persist(
            cx,
            DiskRecord::Start(incarnation.start),
            Some(Pending::Start),
        );
    }

    /// The start could not be written: tries again.
    pub(crate) fn store_start_due(&mut self, cx: &mut Cx<'_>, retry: Time) {
        if let Phase::Storing { incarnation, .. } = self.phase
            && retry <= cx.now
        {
            self.begin_life(cx, incarnation);
        }
    }

    /// The start is on disk: the life begins.
    pub(crate) fn live(&mut self, cx: &mut Cx<'_>) {
        let Phase::Storing { incarnation, .. } = self.phase else {
            return;
        };
        assert!(
            incarnation.start >= self.incarnation().start,
            "a start never falls: {incarnation:?} after {:?}",
            self.incarnation()
        );
        self.table.change(self.me, |entry| {
            entry.incarnation = incarnation;
            entry.refutation = 0;
            entry.standing = Standing::Joining;
        });
        self.phase = Phase::Greeting {
            next: cx.now,
            tries: 0,
        };
        cx.push(Effect::Life(incarnation));
    }

    /// This node is a member from now on.
    pub(crate) fn start_timers(&mut self, cx: &mut Cx<'_>) {
        let profile = self.settings.profile;
        let soon = |dice: &mut Dice, span| cx.now + dice.span(span);
        self.timers = Timers {
            turn: soon(&mut self.dice, profile.probe_every),
            dead: soon(&mut self.dice, profile.dead_probe_every),
            gossip: soon(&mut self.dice, profile.gossip_every),
            chores: soon(&mut self.dice, profile.chores_every),
            ..Timers::default()
        };
        self.rotation.set_stale();
        self.failed_in_a_row = 0;
        self.choose_targets(cx);
    }
}

fn own_record(settings: &Settings) -> Record {
    Record {
        key: settings.key,
        incarnation: Incarnation::default(),
        refutation: 0,
        standing: Standing::Joining,
        seat: 0,
        card: settings.card.clone(),
    }
}
