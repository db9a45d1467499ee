//! This node stood still: what it did not hear in that time says nothing about others.

use conduct_model::Span;

use crate::effect::{Notice, Reason};
use crate::membership::{Cx, Membership};

impl Membership {
    /// Compares the clock with when this node wanted to be woken.
    pub(crate) fn notice_pause(&mut self, cx: &mut Cx<'_>) {
        let Some(armed) = self.armed else { return };
        let late = cx.now.since(armed);
        if late < self.settings.profile.pause_noticed || !self.phase.is_member() {
            return;
        }
        self.judge_nobody(cx, late);
        if late >= self.settings.profile.pause_quarantine {
            self.notice(cx, Notice::Paused(late));
            self.quarantine_for(cx, Reason::Paused);
        }
    }

    /// For two rounds nobody is judged, and whatever was running against others is put off by as
    /// long as this node was away.
    fn judge_nobody(&mut self, cx: &mut Cx<'_>, late: Span) {
        let profile = self.settings.profile;
        let rounds = profile.probe_every.times(profile.pause_rounds);
        self.muted_until = cx.now + rounds;
        self.rounds.retain(|_| false);
        self.drop_roll();
        self.restart_recovery();
        self.failed_in_a_row = 0;
        self.suspicions.postpone(late + rounds);
        for absence in self.absent.values_mut() {
            absence.since += late;
        }
    }
}
