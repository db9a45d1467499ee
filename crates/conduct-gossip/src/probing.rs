//! Probes: whose turn it is, when one is sent again, who else is asked to try, and what silence
//! means in the end.

use conduct_model::{NodeKey, Time};

use crate::effect::{Effect, Notice};
use crate::identity::Standing;
use crate::membership::{Cx, Membership};
use crate::message::{Body, Class};
use crate::rotation::Turn;
use crate::round::{Errand, RELAYS_MAX, Round};
use crate::table::Who;

/// The most periods that a node in doubt about itself adds to its patience.
pub(crate) const ILL_MAX: u64 = 8;
/// So many answers in a row that came too late, and the profile does not fit the network.
const LATE_ANSWERS_MAX: u32 = 20;

/// What an answer says beside that there is one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answered {
    /// The voters' epoch of who answered.
    pub(crate) epoch: u64,
    /// The age of its majority contact.
    pub(crate) contact: Option<u16>,
}

impl Membership {
    /// Chooses anew whom to probe, and asks for connections to those.
    pub(crate) fn choose_targets(&mut self, cx: &mut Cx<'_>) {
        let voters: Vec<NodeKey> = self
            .electorate
            .seats()
            .iter()
            .map(|seat| seat.key)
            .collect();
        let me = self.settings.key;
        let probe_every = self.settings.profile.probe_every;
        let (rotation, table) = (&mut self.rotation, &self.table);
        rotation.choose(cx.now, table, &me, &voters, probe_every, &mut self.dice);
        let mut wanted = voters;
        wanted.retain(|voter| *voter != me);
        let chosen = self
            .rotation
            .targets()
            .iter()
            .filter(|target| target.chosen);
        wanted.extend(chosen.map(|target| self.table[target.who].key));
        self.links.keep(cx.now, wanted, cx.out);
    }

    /// One member is probed per period.
    pub(crate) fn turn_due(&mut self, cx: &mut Cx<'_>) {
        if cx.now < self.timers.turn {
            return;
        }
        self.timers.turn = self
            .timers
            .turn
            .max(cx.now.before(self.settings.profile.probe_every))
            + self.settings.profile.probe_every;
        if self.rotation.is_stale() {
            self.choose_targets(cx);
        }
        let is_voter = self.electorate.is_voter(&self.settings.key);
        let turn = Turn {
            now: cx.now,
            is_voter,
            contact: self.contact.stamp(),
        };
        if let Some(target) = self
            .rotation
            .next(turn, &self.settings.profile, &self.table)
        {
            let seq = self
                .rounds
                .begin(cx.now, target.who, Errand::Turn, 1 + self.ill);
            let round = self.rounds.get_mut(seq).expect("it has just begun");
            round.chosen = target.chosen;
            self.round_step(cx, seq);
        }
    }

    /// The dead are probed too, one after the other: what was cut finds together again.
    pub(crate) fn dead_due(&mut self, cx: &mut Cx<'_>) {
        if cx.now < self.timers.dead || self.absent.is_empty() {
            return;
        }
        self.timers.dead = cx.now + self.settings.profile.dead_probe_every;
        let after = |who: &Who| self.dead_cursor.is_none_or(|cursor| *who > cursor);
        let next = self
            .absent
            .keys()
            .find(|who| after(who))
            .or(self.absent.keys().next());
        let next = next.copied();
        self.dead_cursor = next;
        if let Some(who) = next {
            self.begin_round(cx, who, Errand::Dead);
        }
    }

    pub(crate) fn begin_round(&mut self, cx: &mut Cx<'_>, who: Who, errand: Errand) {
        let seq = self.rounds.begin(cx.now, who, errand, 1);
        self.round_step(cx, seq);
    }

    pub(crate) fn rounds_due(&mut self, cx: &mut Cx<'_>) {
        while let Some(seq) = self.rounds.due(cx.now) {
            self.round_step(cx, seq);
        }
    }

    /// Takes one step of a round.
    fn round_step(&mut self, cx: &mut Cx<'_>, seq: u16) {
        let round = self
            .rounds
            .get_mut(seq)
            .expect("only rounds on their way have steps");
        let step = round.step;
        round.step += 1;
        match round.errand {
            Errand::Turn => self.turn_step(cx, seq, step),
            Errand::Hint => self.hint_step(cx, seq, step),
            Errand::Roll => self.roll_step(cx, seq, step),
            Errand::Dead | Errand::Fallback => {
                if step == 0 {
                    self.wait_until_late(seq);
                    let errand = self.rounds.get_mut(seq).map(|round| round.errand);
                    let stream = errand == Some(Errand::Fallback);
                    let class = if stream {
                        Class::Stream
                    } else {
                        Class::Datagram
                    };
                    self.send_probe(cx, seq, class);
                } else {
                    self.rounds.take(seq);
                }
            }
        }
    }

    /// Nothing more happens in this round, but an answer would still prove something.
    fn wait_until_late(&mut self, seq: u16) {
        let late = self.settings.profile.late_answer_within;
        if let Some(round) = self.rounds.get_mut(seq) {
            round.next = (round.sent + late).max(round.next + late);
        }
    }

    fn turn_step(&mut self, cx: &mut Cx<'_>, seq: u16, step: u8) {
        let profile = self.settings.profile;
        let Some(round) = self.rounds.get_mut(seq) else {
            return;
        };
        let (sent, patience) = (round.sent, round.patience);
        let key = self.table[round.target].key;
        let judged = sent + profile.round.times(patience);
        if step > profile.resends + 1 {
            self.rounds.take(seq);
            return;
        }
        if step == profile.resends + 1 {
            self.wait_until_late(seq);
            return self.judge_silence(cx, seq);
        }
        round.next = match step {
            0 => sent + profile.answer_within.times(patience),
            step if step < profile.resends => cx.now + profile.resend_every.times(patience),
            _ => judged,
        };
        let up = self.links.is_up(&key);
        if up {
            self.send_probe(cx, seq, Class::Datagram);
        }
        if step == 1 || (step == 0 && !up) {
            self.ask_relays(cx, seq);
        }
        if step == 2 {
            cx.push(Effect::AskKernel(key));
        }
    }

    pub(crate) fn send_probe(&mut self, cx: &mut Cx<'_>, seq: u16, class: Class) {
        let Some(round) = self.rounds.get_mut(seq) else {
            return;
        };
        let (target, chosen) = (round.target, round.chosen);
        let entry = &self.table[target];
        let (key, standing) = (entry.key, entry.standing);
        // News told to somebody who is perhaps not there are perhaps not told.
        let doubtful = standing == Standing::Suspect || !standing.is_present();
        let updates = if doubtful {
            Vec::new()
        } else {
            self.take_updates()
        };
        self.send(
            cx,
            key,
            class,
            Body::Probe {
                seq,
                chosen,
                updates,
            },
        );
    }

    /// Nobody answered in time. What that means depends on whether a connection stands, on
    /// whether those who were asked to try answered us at all, and on whether we just slept.
    fn judge_silence(&mut self, cx: &mut Cx<'_>, seq: u16) {
        let profile = self.settings.profile;
        let Some(round) = self.rounds.get_mut(seq) else {
            return;
        };
        let Round { target, nacks, .. } = *round;
        let key = self.table[target].key;
        if self
            .links
            .is_connecting(&key, cx.now, profile.connect_within)
            || cx.now < self.muted_until
        {
            return;
        }
        if nacks == 0 {
            self.ill = (self.ill + 1).min(ILL_MAX);
        }
        self.failed_in_a_row += 1;
        if self.failed_in_a_row >= 2 {
            self.doubt(cx);
        }
        self.accuse(cx, target, self.me);
    }

    /// Three probes in quick succession decide whether a hint is true.
    fn hint_step(&mut self, cx: &mut Cx<'_>, seq: u16, step: u8) {
        let profile = self.settings.profile;
        let Some(round) = self.rounds.get_mut(seq) else {
            return;
        };
        if step < profile.hint_probes {
            round.next = cx.now + profile.hint_probe_every;
            return self.send_probe(cx, seq, Class::Datagram);
        }
        if let Some(round) = self.rounds.take(seq)
            && cx.now >= self.muted_until
        {
            self.believe_hint(cx, round.target);
        }
    }

    /// A probe asks whether we are there.
    pub(crate) fn answer_probe(&mut self, cx: &mut Cx<'_>, who: Who, seq: u16, chosen: bool) {
        if chosen {
            self.rotation.was_chosen_by(cx.now, who);
        }
        let key = self.table[who].key;
        let contact = self.contact_age(cx.now);
        let updates = self.take_updates();
        self.send(
            cx,
            key,
            Class::Datagram,
            Body::Answer {
                seq,
                contact,
                updates,
            },
        );
    }

    /// A probe of ours was answered, directly or through another.
    pub(crate) fn probe_answered(&mut self, cx: &mut Cx<'_>, seq: u16, answered: Answered) {
        let profile = self.settings.profile;
        let Some(round) = self.rounds.take(seq) else {
            return;
        };
        let on_time = cx.now.since(round.sent) <= profile.round.times(round.patience);
        if round.errand == Errand::Turn {
            self.failed_in_a_row = 0;
            self.ill = self.ill.saturating_sub(u64::from(on_time));
            self.count_late_answer(cx, round.sent);
        }
        let key = self.table[round.target].key;
        self.voter_answered(cx, &key, round.sent, answered);
        if round.errand == Errand::Roll {
            self.roll_answered(cx, &key, round.sent);
        }
    }

    /// An answer later than the profile's round, however patient this node was, speaks against
    /// the profile.
    fn count_late_answer(&mut self, cx: &mut Cx<'_>, sent: Time) {
        if cx.now.since(sent) <= self.settings.profile.round {
            self.late_answers = 0;
            return;
        }
        self.late_answers += 1;
        if self.late_answers >= LATE_ANSWERS_MAX {
            self.late_answers = 0;
            self.notice(cx, Notice::SlowNetwork);
        }
    }

    /// Whom to ask to try in our place: voters first, because everybody is connected to them.
    pub(crate) fn ask_relays(&mut self, cx: &mut Cx<'_>, seq: u16) {
        let Some(round) = self.rounds.get_mut(seq) else {
            return;
        };
        if !round.relays.is_empty() {
            return;
        }
        let (target, count) = (round.target, self.settings.profile.relays.min(RELAYS_MAX));
        let is_fit = |who: Who| {
            let entry = &self.table[who];
            who != target && entry.standing.is_present() && self.links.is_up(&entry.key)
        };
        let fit = |voter: bool| {
            let targets = self.rotation.targets().iter();
            targets
                .filter(move |target| target.voter == voter)
                .map(|target| target.who)
        };
        let mut relays: Vec<Who> = fit(true).filter(|who| is_fit(*who)).collect();
        let mut others: Vec<Who> = fit(false).filter(|who| is_fit(*who)).collect();
        self.dice.draw(&mut relays, count);
        self.dice.draw(&mut others, count - relays.len());
        relays.extend(others);
        self.send_relays(cx, seq, relays);
    }

    /// Tells how long the last contact of a voter is ago, for those that do not vote.
    pub(crate) fn contact_age(&self, now: Time) -> Option<u16> {
        let is_voter = self.electorate.is_voter(&self.settings.key);
        let stamp = self.contact.stamp().filter(|_| is_voter)?;
        let age = now.since(stamp);
        if age >= self.settings.profile.contact_window {
            return None;
        }
        u16::try_from(age.as_millis()).ok()
    }
}
