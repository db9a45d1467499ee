//! Majority contact: positive evidence that a quorum of the voters answered us, and when what
//! they answered was sent.

use conduct_model::{NodeKey, Span, Time};

use crate::effect::{Effect, Reason};
use crate::membership::{Cx, Membership};
use crate::message::{Body, Class};
use crate::probing::Answered;
use crate::table::Who;

/// Progress smaller than this is not worth telling.
const TOLD_EVERY: Span = Span::millis(200);

/// The last contact, and what the layer above knows of it.
#[derive(Debug, Default)]
pub(crate) struct Contact {
    stamp: Option<Time>,
    told: Option<Time>,
}

impl Contact {
    pub(crate) fn stamp(&self) -> Option<Time> {
        self.stamp
    }

    pub(crate) fn is_fresh(&self, now: Time, window: Span) -> bool {
        self.stamp.is_some_and(|stamp| now.since(stamp) < window)
    }

    pub(crate) fn renew(&mut self, stamp: Time) {
        self.stamp = self.stamp.max(Some(stamp));
    }

    /// Another life: nobody answered it yet.
    pub(crate) fn forget(&mut self) {
        self.stamp = None;
    }
}

impl Membership {
    /// A voter answered what was sent at `sent`.
    pub(crate) fn voter_answered(
        &mut self,
        cx: &mut Cx<'_>,
        voter: &NodeKey,
        sent: Time,
        answered: Answered,
    ) {
        let Some(seat) = self.electorate.seat(voter) else {
            return;
        };
        self.electorate.round_trip(seat, sent);
        let me = self.settings.key;
        if let Some(stamp) = self.electorate.contact(&me) {
            self.contact.renew(stamp.min(cx.now));
        }
        // The age was taken after our packet left, so that counting it back from there can only
        // make the stamp older than it is.
        if let Some(age) = answered.contact
            && !self.electorate.is_voter(&me)
            && self.electorate.is_voter(voter)
            && answered.epoch >= self.electorate.epoch()
        {
            self.contact.renew(sent.before(Span::millis(age.into())));
        }
        self.tell_contact(cx);
    }

    /// Tells the layer above how far contact reaches. A life that has not been let in again says
    /// nothing of the sort: what an earlier one ran may be running elsewhere by now.
    pub(crate) fn tell_contact(&mut self, cx: &mut Cx<'_>) {
        let Some(stamp) = self.contact.stamp else {
            return;
        };
        if self.quarantine.is_of_new_life() {
            return;
        }
        if self
            .contact
            .told
            .is_none_or(|told| stamp >= told + TOLD_EVERY)
        {
            self.contact.told = Some(stamp);
            cx.push(Effect::Contact { stamp });
        }
    }

    fn counts_alone(&self) -> bool {
        self.electorate.is_quorum(|key| *key == self.settings.key)
    }

    /// Doubts and ends contact that has become old.
    pub(crate) fn contact_due(&mut self, cx: &mut Cx<'_>) {
        if self.counts_alone() {
            self.contact.renew(cx.now);
            self.tell_contact(cx);
        }
        let profile = self.settings.profile;
        if !self.quarantine.is_free() {
            return;
        }
        if !self.contact.is_fresh(cx.now, profile.contact_window) {
            self.quarantine_for(cx, Reason::ContactLost);
        } else if !self.contact.is_fresh(cx.now, profile.contact_doubt) {
            self.doubt(cx);
        }
    }

    pub(crate) fn contact_wake(&self) -> Time {
        let Some(stamp) = self.contact.stamp.filter(|_| self.quarantine.is_free()) else {
            return Time::NEVER;
        };
        let profile = &self.settings.profile;
        let doubt = stamp + profile.contact_doubt;
        if doubt > self.now && !self.counts_alone() {
            return doubt;
        }
        stamp + profile.contact_window
    }

    /// What a member says of the voters' epoch: whoever is behind asks.
    pub(crate) fn note_epoch(&mut self, cx: &mut Cx<'_>, source: Who, about: Who, epoch: u64) {
        if !self.is_likely_epoch(epoch) {
            return self.notice_forged(cx, Some(source));
        }
        let key = self.table[about].key;
        self.electorate.has_stored(&key, epoch);
        self.settle_voters(cx);
        if epoch > self.electorate.epoch() && cx.now >= self.timers.ask_voters {
            self.timers.ask_voters = cx.now + self.settings.profile.answer_within.times(2);
            let key = self.table[source].key;
            self.send(cx, key, Class::Stream, Body::AskVoters);
        }
    }
}
