//! What is said about members, and what of it is believed.

use conduct_model::Incarnation;

use crate::bounds::{REFUTATION_JUMP_MAX, REFUTATION_MAX};
use crate::effect::{DiskRecord, Effect, Notice, Slot, Verdict};
use crate::identity::{Record, Standing};
use crate::interface::Status;
use crate::judging::Absence;
use crate::membership::{Cx, Membership};
use crate::message::{Body, Class};
use crate::news::Item;
use crate::table::{Entry, MEMBERS_MAX, Who};

/// In clusters up to this size one witness is all there may be.
const ONE_WITNESS_MEMBERS_MAX: usize = 3;

/// What is said about one life of a member.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Claim {
    pub(crate) start: u64,
    pub(crate) refutation: u32,
    pub(crate) standing: Standing,
}

/// Whether a claim about the held life says more than what is held.
fn outranks(held: &Entry, claim: &Claim) -> bool {
    if claim.standing.is_over() || held.standing.is_over() {
        return claim.standing > held.standing && claim.standing.is_over();
    }
    (claim.refutation, claim.standing) > (held.refutation, held.standing)
        || (held.standing == Standing::Unknown && claim.standing != Standing::Unknown)
}

impl Membership {
    /// Somebody says how a known life of a member stands.
    pub(crate) fn hear_claim(
        &mut self,
        cx: &mut Cx<'_>,
        source: Option<Who>,
        about: Who,
        claim: Claim,
    ) {
        if about == self.me {
            return self.hear_of_me(cx, source, claim);
        }
        let held = &self.table[about];
        if claim.start != held.incarnation.start || !outranks(held, &claim) {
            return;
        }
        let jumps = held.standing != Standing::Unknown
            && source != Some(about)
            && claim.refutation.saturating_sub(held.refutation) > REFUTATION_JUMP_MAX;
        if jumps || claim.refutation > REFUTATION_MAX {
            return self.notice_forged(cx, source);
        }
        if claim.standing == Standing::Suspect {
            if let Some(source) = source {
                self.accuse(cx, about, source);
            }
            return;
        }
        if claim.standing >= Standing::Unreachable && !self.believes(cx, source, about, claim) {
            return;
        }
        self.apply(cx, about, claim);
    }

    /// Whether a member may be taken for gone because `source` says so. What was heard from the
    /// member itself a moment ago weighs more, and one witness is not enough: it counts as an
    /// accusation, which the member can refute.
    fn believes(&mut self, cx: &mut Cx<'_>, source: Option<Who>, about: Who, claim: Claim) -> bool {
        let Some(source) = source else { return true };
        let held = &self.table[about];
        if source == about || !held.standing.is_present() {
            return true;
        }
        let hint = claim.standing == Standing::Restarting;
        if !hint && held.heard_within(cx.now, self.settings.profile.first_hand) {
            self.tell_accused(cx, about, claim.refutation);
            return false;
        }
        if self.table.present() <= ONE_WITNESS_MEMBERS_MAX {
            return true;
        }
        if self.suspicions.second_witness(about, source) {
            return true;
        }
        self.accuse(cx, about, source);
        self.suspicions.set_witness(cx.now, about, source);
        false
    }

    /// Takes a claim for true, tells it on, and draws the consequences.
    pub(crate) fn apply(&mut self, cx: &mut Cx<'_>, who: Who, claim: Claim) {
        let before = self.table[who].standing;
        self.table.change(who, |entry| {
            entry.refutation = entry.refutation.max(claim.refutation);
            entry.standing = claim.standing;
        });
        if claim.standing != Standing::Suspect {
            let refuted = claim.standing.is_present();
            self.end_suspicion(cx, who, refuted);
            self.news.tell(Item::Standing(who));
        }
        self.settle_absence(cx, who);
        if before.is_present() != claim.standing.is_present() {
            self.presence_changed(who);
        }
        if claim.standing.is_over() {
            self.life_over(cx, who);
        }
        self.show(cx, who);
    }

    /// Keeps the list of the absent in line with a member's standing.
    fn settle_absence(&mut self, cx: &mut Cx<'_>, who: Who) {
        let standing = self.table[who].standing;
        if standing.is_present() {
            self.absent.remove(&who);
            self.bench.back(who);
            return;
        }
        let absence = self.absent.entry(who).or_insert(Absence::since(cx.now));
        if standing == Standing::Restarting && absence.hinted.is_none() {
            absence.hinted = Some(cx.now);
        }
        if standing.is_over() {
            absence.since = cx.now;
        }
    }

    pub(crate) fn presence_changed(&mut self, who: Who) {
        if self.table[who].standing.is_present() {
            self.rotation.consider(&self.table, &self.settings.key, who);
            if self.electorate.is_voter(&self.table[who].key) {
                self.rotation.set_stale();
            }
        } else if self.rotation.contains(who) {
            self.rotation.set_stale();
        }
    }

    fn life_over(&mut self, cx: &mut Cx<'_>, who: Who) {
        let key = self.table[who].key;
        if self.bench.life_over(who) {
            self.erase(cx, Slot::Vote(key));
        }
        self.persist_member(cx, who);
    }

    pub(crate) fn persist_member(&mut self, cx: &mut Cx<'_>, who: Who) {
        let record = self.table.record(who);
        self.persist(cx, DiskRecord::Member(record), None);
    }

    /// A member in full: perhaps a new one, or a new life.
    pub(crate) fn hear_record(&mut self, cx: &mut Cx<'_>, source: Option<Who>, record: &Record) {
        if !Membership::is_sound_record(record) {
            return self.notice_forged(cx, source);
        }
        let claim = Claim {
            start: record.incarnation.start,
            refutation: record.refutation,
            standing: record.standing,
        };
        let Some(who) = self.table.find(&record.key) else {
            self.add_member(cx, record);
            return;
        };
        if who == self.me {
            return self.hear_record_of_me(cx, source, record, claim);
        }
        let held = self.table[who].incarnation;
        match record.incarnation.start.cmp(&held.start) {
            std::cmp::Ordering::Less => {}
            std::cmp::Ordering::Greater => self.new_life(cx, who, record),
            std::cmp::Ordering::Equal if record.incarnation.nonce != held.nonce => {
                self.notice(cx, Notice::Clone(record.key));
                // Both lives were let in on different sides of a cut. All must choose the same
                // one, and nothing else tells them apart.
                if record.incarnation.nonce < held.nonce && !self.table[who].standing.is_over() {
                    self.new_life(cx, who, record);
                }
            }
            std::cmp::Ordering::Equal => {
                self.hear_card(cx, who, record);
                self.hear_claim(cx, source, who, claim);
            }
        }
    }

    /// The card of a known life: as new as the refutation that it came with.
    fn hear_card(&mut self, cx: &mut Cx<'_>, who: Who, record: &Record) {
        let entry = &self.table[who];
        let seat = record.seat;
        if seat != 0 && (entry.seat == 0 || seat < entry.seat) {
            self.table.change(who, |entry| entry.seat = seat);
        }
        let newer = record.refutation > self.table[who].refutation
            || (record.refutation == self.table[who].refutation && record.standing.is_present());
        if newer && self.table.set_card(who, &record.card) {
            self.news.tell(Item::Member(who));
            self.rotation.set_stale();
            self.persist_member(cx, who);
            cx.push(Effect::Verdict(Verdict::Changed(record.key)));
        }
    }

    /// A member that was unknown.
    pub(crate) fn add_member(&mut self, cx: &mut Cx<'_>, record: &Record) -> Option<Who> {
        if !self.make_room(cx) {
            return None;
        }
        let mut record = record.clone();
        if record.standing == Standing::Suspect {
            record.standing = Standing::Alive;
        }
        let over = record.standing.is_over();
        let who = self.table.insert(&record, Status::Reachable);
        self.persist_member(cx, who);
        let Record {
            key, incarnation, ..
        } = record;
        // One that is gone already is named all the same, and then said to be gone: the layer
        // above tells of everyone whom it shows.
        cx.push(Effect::Verdict(Verdict::Joined {
            key,
            incarnation,
            replaces: None,
        }));
        if over {
            self.absent.insert(who, Absence::since(cx.now));
            self.show(cx, who);
            return Some(who);
        }
        self.news.tell(Item::Member(who));
        self.settle_absence(cx, who);
        self.presence_changed(who);
        self.show(cx, who);
        Some(who)
    }

    /// A known member begins another life.
    pub(crate) fn new_life(&mut self, cx: &mut Cx<'_>, who: Who, record: &Record) {
        let entry = &self.table[who];
        let key = entry.key;
        let replaces = (!entry.standing.is_over()).then_some(entry.incarnation);
        self.end_suspicion(cx, who, false);
        self.rounds.retain(|round| round.target != who);
        self.damping.forget(who);
        self.absent.remove(&who);
        if self.bench.life_over(who) {
            self.erase(cx, Slot::Vote(key));
        }
        let standing = match record.standing {
            Standing::Suspect => Standing::Alive,
            other => other,
        };
        self.table.set_card(who, &record.card);
        self.table.set_heard(who, None);
        self.table.change(who, |entry| {
            entry.incarnation = record.incarnation;
            entry.refutation = record.refutation;
            entry.standing = standing;
            if entry.seat == 0 {
                entry.seat = record.seat;
            }
        });
        self.news.tell(Item::Member(who));
        self.persist_member(cx, who);
        self.rotation.set_stale();
        let incarnation: Incarnation = record.incarnation;
        if !standing.is_over() {
            self.table.set_shown(who, Status::Reachable);
            cx.push(Effect::Verdict(Verdict::Joined {
                key,
                incarnation,
                replaces,
            }));
        }
        self.settle_absence(cx, who);
        self.show(cx, who);
    }

    /// Forgets who is gone for good, the longest gone first, until there is room for one more.
    fn make_room(&mut self, cx: &mut Cx<'_>) -> bool {
        if self.table.len() < MEMBERS_MAX {
            return true;
        }
        let over = self
            .absent
            .iter()
            .filter(|(who, _)| self.table[**who].standing.is_over());
        let Some(oldest) = over
            .min_by_key(|(_, absence)| absence.since)
            .map(|(who, _)| *who)
        else {
            return false;
        };
        self.forget(cx, oldest);
        true
    }

    /// Forgets a member whose life is over.
    pub(crate) fn forget(&mut self, cx: &mut Cx<'_>, who: Who) {
        let key = self.table[who].key;
        self.rounds
            .retain(|round| round.target != who && !round.relays.contains(&who));
        self.relays.forget(who);
        self.rotation.forget(who);
        self.suspicions.forget(who);
        self.damping.forget(who);
        self.news.forget(who);
        self.absent.remove(&who);
        self.bench.forget(who);
        self.pending.retain(|_, pending| {
            !matches!(pending, crate::membership::Pending::Vote { who: about, .. } if *about == who)
        });
        self.table.remove(who);
        self.erase(cx, Slot::Member(key));
    }

    /// Lets a member know that it is said to be gone, so that it can refute.
    pub(crate) fn tell_accused(&mut self, cx: &mut Cx<'_>, who: Who, refutation: u32) {
        let key = self.table[who].key;
        self.send(cx, key, Class::Datagram, Body::Accused { refutation });
    }
}
