//! How a life begins among others: greeting, being welcomed or refused, and what members do with
//! those who greet.
//!
//! A node that knows voters from its disk lets others in even before anybody has welcomed it: so
//! a cluster that was stopped altogether finds together again in any order.

use conduct_model::{Incarnation, NodeKey, Span};

use crate::bounds::{SEAT_MAX, START_JUMP_MAX, START_MAX};
use crate::effect::{Effect, Notice, Reason};
use crate::identity::{Record, Standing};
use crate::membership::{Cx, Membership, Phase};
use crate::message::{Body, Class, Refusal};
use crate::news::Item;
use crate::register::Register;
use crate::table::{MEMBERS_MAX, Who, tag};

/// Known members that are greeted at once.
const GREETED_MAX: usize = 4;
/// Every so many greetings a seed is dialled.
const DIAL_EVERY: u32 = 3;
/// After this many tries the node greets less often.
const EAGER_TRIES: u32 = 20;
/// An earlier life at another address that is alive for so long is another node with our key.
const LINGERS_MAX: Span = Span::secs(10);

impl Membership {
    /// Asks for admission: voters first, then other known members, then the seeds.
    pub(crate) fn greet(&mut self, cx: &mut Cx<'_>) {
        let Phase::Greeting { tries, .. } = self.phase else {
            return;
        };
        let me = self.settings.key;
        if self.electorate.is_quorum(|key| *key == me) {
            return self.become_member(cx);
        }
        let every = self.settings.profile.greet_every;
        let every = if tries < EAGER_TRIES {
            every
        } else {
            every.times(3)
        };
        self.phase = Phase::Greeting {
            next: cx.now + every,
            tries: tries.saturating_add(1),
        };
        let is_other = |who: &Who| *who != self.me;
        let voters = self
            .electorate
            .keys()
            .iter()
            .filter_map(|key| self.table.find(key));
        let mut greeted: Vec<Who> = voters.filter(is_other).collect();
        self.dice.draw(&mut greeted, GREETED_MAX);
        let mut others: Vec<Who> = self
            .table
            .iter()
            .map(|(who, _)| who)
            .filter(is_other)
            .collect();
        self.dice.draw(&mut others, GREETED_MAX - greeted.len() / 2);
        greeted.extend(others);
        greeted.sort_unstable();
        greeted.dedup();
        for who in greeted {
            let key = self.table[who].key;
            self.say_hello(cx, key);
        }
        if tries.is_multiple_of(DIAL_EVERY) && !self.settings.seeds.is_empty() {
            let turn = (tries / DIAL_EVERY) as usize % self.settings.seeds.len();
            cx.push(Effect::Dial(self.settings.seeds[turn]));
        }
    }

    pub(crate) fn say_hello(&mut self, cx: &mut Cx<'_>, to: NodeKey) {
        let record = Box::new(self.table.record(self.me));
        let wants_members = !self.phase.is_member();
        let cluster = self.electorate.cluster();
        self.send(
            cx,
            to,
            Class::Stream,
            Body::Hello {
                cluster,
                record,
                wants_members,
            },
        );
    }

    /// Somebody asks for admission.
    pub(crate) fn hear_hello(
        &mut self,
        cx: &mut Cx<'_>,
        from: NodeKey,
        cluster: u64,
        record: &Record,
        wants_members: bool,
    ) {
        let own = record.key == from && record.standing.is_present();
        if !own || !Membership::is_sound_record(record) {
            return self.refuse_forged(cx, from);
        }
        if let Err(why) = self.may_enter(cluster, record) {
            if !matches!(why, Refusal::NoCluster | Refusal::Superseded { .. }) {
                self.notice(cx, Notice::NotAdmitted { key: from, why });
            }
            if let Refusal::Clone | Refusal::Lingering = why {
                self.send(cx, from, Class::Datagram, Body::Twin);
            }
            let Incarnation { start, nonce } = record.incarnation;
            let tag = tag(nonce);
            return self.send(cx, from, Class::Stream, Body::Refused { start, tag, why });
        }
        let start = record.incarnation.start;
        if let Some(who) = self.table.find(&from)
            && self.table[who].incarnation.start == start
            && self.is_down(who, start)
        {
            return self.send(cx, from, Class::Stream, Body::YouAreDown { start });
        }
        let mut record = record.clone();
        if record.seat == 0 {
            let known = self.table.find(&from).map_or(0, |who| self.table[who].seat);
            record.seat = if known > 0 {
                known
            } else {
                (self.table.seat_max() + 1).min(SEAT_MAX)
            };
        }
        self.hear_record(cx, None, &record);
        let (Some(who), Some(register)) = (self.table.find(&from), self.electorate.register())
        else {
            return;
        };
        let (register, previous) = (register.clone(), self.electorate.previous().cloned());
        let seat = self.table[who].seat;
        self.table.set_heard(who, Some(cx.now));
        self.send(
            cx,
            from,
            Class::Stream,
            Body::Welcome {
                register,
                previous,
                seat,
            },
        );
        if wants_members {
            self.send_records(cx, from, u32::MAX, 0);
        }
    }

    /// Whether this life may become a member, or is one.
    fn may_enter(&self, cluster: u64, record: &Record) -> Result<(), Refusal> {
        let Some(register) = self.electorate.register() else {
            return Err(Refusal::NoCluster);
        };
        if cluster != 0 && cluster != register.cluster {
            return Err(Refusal::OtherCluster);
        }
        let Some(who) = self.table.find(&record.key) else {
            let full = self.table.len() == MEMBERS_MAX && self.absent.is_empty();
            return if full { Err(Refusal::Full) } else { Ok(()) };
        };
        let held = &self.table[who];
        let lives = held.standing.is_present() && held.standing != Standing::Suspect;
        let Incarnation { start, nonce } = record.incarnation;
        if held.incarnation.start > start {
            return Err(Refusal::Superseded {
                start: held.incarnation.start,
            });
        }
        if held.incarnation.start == start {
            return match held.incarnation.nonce == nonce {
                true => Ok(()),
                false if lives => Err(Refusal::Clone),
                false => Err(Refusal::Superseded { start }),
            };
        }
        // A daemon that restarts is where it was. At another address it might be a copy, while
        // the member itself lives on: that is decided by waiting.
        if lives && held.address() != record.card.address {
            return Err(Refusal::Lingering);
        }
        Ok(())
    }

    /// Whether this life is over, or was voted down by this node.
    pub(crate) fn is_down(&self, who: Who, start: u64) -> bool {
        self.table[who].standing.is_over() || self.bench.has_voted(who, start)
    }

    /// Somebody let this node in.
    pub(crate) fn hear_welcome(
        &mut self,
        cx: &mut Cx<'_>,
        from: NodeKey,
        (register, previous): (Register, Option<Register>),
        seat: u32,
    ) {
        let mine = self.electorate.cluster();
        if mine != 0 && register.cluster != mine {
            return;
        }
        if seat > SEAT_MAX {
            return self.refuse_forged(cx, from);
        }
        self.hear_voters(cx, from, register, previous);
        if self.electorate.register().is_none() {
            return;
        }
        if self.table[self.me].seat == 0 {
            self.table.change(self.me, |entry| entry.seat = seat);
        }
        if let Phase::Greeting { .. } = self.phase {
            self.become_member(cx);
        }
    }

    pub(crate) fn become_member(&mut self, cx: &mut Cx<'_>) {
        self.phase = Phase::Member;
        self.persist_member(cx, self.me);
        self.news.tell(Item::Member(self.me));
        self.start_timers(cx);
    }

    /// Somebody did not let this node in.
    pub(crate) fn hear_refused(&mut self, cx: &mut Cx<'_>, from: NodeKey, why: Refusal) {
        let member = self.phase.is_member();
        let voter = self.electorate.is_voter(&from);
        let own = self.incarnation();
        match why {
            Refusal::Superseded { start } if !member && start >= own.start => {
                // One word must not use up all lives; who told the truth tells it again.
                let furthest = own.start.saturating_add(START_JUMP_MAX).min(START_MAX);
                if start >= furthest {
                    self.refuse_forged(cx, from);
                }
                let start = start.saturating_add(1).min(furthest);
                let nonce = self.dice.next();
                self.begin_life(cx, Incarnation { start, nonce });
            }
            Refusal::Superseded { start }
                if member && start.saturating_sub(own.start) > START_JUMP_MAX =>
            {
                self.refuse_forged(cx, from);
            }
            // Those who let us in were cut off from those who knew better.
            Refusal::Superseded { start } if voter && start > own.start => {
                self.end_refused(cx, Refusal::Clone);
            }
            Refusal::Clone if !member || voter => self.end_refused(cx, why),
            Refusal::OtherCluster if !member && self.electorate.register().is_none() => {
                self.end_refused(cx, why);
            }
            Refusal::Lingering if !member => self.hear_lingering(cx),
            _ => {}
        }
    }

    fn hear_lingering(&mut self, cx: &mut Cx<'_>) {
        let since = *self.lingering_since.get_or_insert(cx.now);
        if cx.now.since(since) >= LINGERS_MAX {
            self.end_refused(cx, Refusal::Clone);
        }
    }

    /// Somebody will never count this life again. Whoever is behind learns first who votes now.
    pub(crate) fn hear_you_are_down(
        &mut self,
        cx: &mut Cx<'_>,
        from: NodeKey,
        start: u64,
        epoch: u64,
    ) {
        if start != self.incarnation().start {
            return;
        }
        if let Phase::Greeting { .. } = self.phase {
            return self.begin_again(cx);
        }
        if epoch > self.electorate.epoch() {
            return self.send(cx, from, Class::Stream, Body::AskVoters);
        }
        self.hear_refusal_of(cx, from);
    }

    /// Nobody's word alone ends a life: a quorum of the voters must have given it. The roll-call
    /// finds out whether it has.
    pub(crate) fn hear_refusal_of(&mut self, cx: &mut Cx<'_>, from: NodeKey) {
        if !self.phase.is_member() {
            return;
        }
        if let Some(seat) = self.electorate.seat(&from) {
            self.refused_by.add(seat);
        }
        if self.electorate.is_quorum_of(self.refused_by) {
            self.quarantine_for(cx, Reason::VotedDown);
            self.begin_again(cx);
        } else {
            self.doubt(cx);
        }
    }

    /// Begins the next life.
    fn begin_again(&mut self, cx: &mut Cx<'_>) {
        let nonce = self.dice.next();
        let start = self.incarnation().start + 1;
        if let Phase::Leaving { .. } = self.phase {
            return self.depart(cx);
        }
        self.refused_by = Default::default();
        self.contact.forget();
        self.electorate.forget_round_trips();
        self.begin_life(cx, Incarnation { start, nonce });
    }
}
