//! Probing in another's place.

use conduct_model::Time;

use crate::claims::Claim;
use crate::identity::{Short, Standing};
use crate::membership::{Cx, Membership};
use crate::message::{Body, Class, Found};
use crate::probing::Answered;
use crate::table::Who;

/// Requests under way at one moment; whoever asks beyond that has others to ask.
const RELAYS_MAX: usize = 256;

/// A probe that somebody else asked for.
#[derive(Clone, Copy, Debug)]
struct Job {
    seq: u16,
    origin: Who,
    origin_seq: u16,
    target: Who,
    until: Time,
}

/// All probes in others' places.
#[derive(Debug, Default)]
pub(crate) struct Relays {
    jobs: Vec<Job>,
    seq: u16,
}

impl Relays {
    pub(crate) fn wake(&self) -> Time {
        self.jobs
            .iter()
            .map(|job| job.until)
            .min()
            .unwrap_or(Time::NEVER)
    }

    pub(crate) fn forget(&mut self, who: Who) {
        self.jobs
            .retain(|job| job.origin != who && job.target != who);
    }

    fn take(&mut self, is_it: impl Fn(&Job) -> bool) -> Option<Job> {
        let at = self.jobs.iter().position(is_it)?;
        Some(self.jobs.swap_remove(at))
    }
}

impl Membership {
    /// Asks these to probe the target of a round.
    pub(crate) fn send_relays(&mut self, cx: &mut Cx<'_>, seq: u16, relays: Vec<Who>) {
        let Some(round) = self.rounds.get_mut(seq) else {
            return;
        };
        let target = Short::of(&self.table[round.target].key);
        round.relays.clone_from(&relays);
        for relay in relays {
            let key = self.table[relay].key;
            self.send(cx, key, Class::Datagram, Body::Relay { seq, target });
        }
    }

    /// Somebody asks us to probe in its place.
    pub(crate) fn hear_relay(
        &mut self,
        cx: &mut Cx<'_>,
        origin: Who,
        origin_seq: u16,
        target: Short,
    ) {
        let known = self.table.find_short(target).filter(|who| *who != self.me);
        let Some(target) = known.filter(|_| self.relays.jobs.len() < RELAYS_MAX) else {
            return;
        };
        self.relays.seq = self.relays.seq.wrapping_add(1);
        let seq = self.relays.seq;
        let until = cx.now + self.settings.profile.nack_after;
        self.relays.jobs.push(Job {
            seq,
            origin,
            origin_seq,
            target,
            until,
        });
        let entry = &self.table[origin];
        let (origin, start) = (Short::of(&entry.key), entry.incarnation.start);
        let key = self.table[target].key;
        self.send(
            cx,
            key,
            Class::Datagram,
            Body::ProbeFor { seq, origin, start },
        );
    }

    /// Somebody asks whether we are there, for another.
    pub(crate) fn answer_probe_for(
        &mut self,
        cx: &mut Cx<'_>,
        relay: Who,
        seq: u16,
        origin: Short,
        start: u64,
    ) {
        let down = self.table.find_short(origin).is_some_and(|who| {
            let entry = &self.table[who];
            let over = entry.incarnation.start == start && entry.standing.is_over();
            over || entry.incarnation.start > start || self.bench.has_voted(who, start)
        });
        let contact = self.contact_age(cx.now);
        let key = self.table[relay].key;
        self.send(
            cx,
            key,
            Class::Datagram,
            Body::AnswerFor { seq, contact, down },
        );
    }

    /// The target of a relayed probe answered: its words go to who asked.
    pub(crate) fn hear_answer_for(&mut self, cx: &mut Cx<'_>, from: Who, seq: u16, found: Found) {
        let Some(job) = self.relays.take(|job| job.seq == seq && job.target == from) else {
            return;
        };
        self.report(cx, job, Some(found));
    }

    fn report(&mut self, cx: &mut Cx<'_>, job: Job, found: Option<Found>) {
        let key = self.table[job.origin].key;
        let seq = job.origin_seq;
        self.send(cx, key, Class::Datagram, Body::Relayed { seq, found });
    }

    /// Requests to which nobody answered: who asked learns at least that we are there.
    pub(crate) fn relays_due(&mut self, cx: &mut Cx<'_>) {
        while let Some(job) = self.relays.take(|job| job.until <= cx.now) {
            self.report(cx, job, None);
        }
    }

    /// What came of a probe that we asked for.
    pub(crate) fn hear_relayed(
        &mut self,
        cx: &mut Cx<'_>,
        relay: Who,
        seq: u16,
        found: Option<Found>,
    ) {
        let Some(round) = self
            .rounds
            .get_mut(seq)
            .filter(|round| round.relays.contains(&relay))
        else {
            return;
        };
        round.nacks += 1;
        let target = round.target;
        let Some(found) = found else { return };
        let entry = &self.table[target];
        let header = found.header;
        if header.start != entry.incarnation.start || header.tag != entry.tag() {
            return;
        }
        if header.refutation > entry.refutation && header.standing.is_present() {
            let refutation = header.refutation;
            let standing = header.standing.min(Standing::Leaving);
            let claim = Claim {
                start: header.start,
                refutation,
                standing,
            };
            self.hear_claim(cx, Some(relay), target, claim);
        }
        if found.down {
            let key = self.table[target].key;
            self.hear_refusal_of(cx, key);
            self.rounds.take(seq);
            return;
        }
        self.note_epoch(cx, relay, target, header.epoch);
        let answered = Answered {
            epoch: header.epoch,
            contact: found.contact,
        };
        self.probe_answered(cx, seq, answered);
    }
}
