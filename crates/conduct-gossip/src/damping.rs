//! A member that comes and goes is believed to be back only after some quiet, so that nothing
//! moves to and fro with it.

use std::collections::BTreeMap;

use conduct_model::{Span, Time};

use crate::effect::{Effect, Verdict};
use crate::interface::Status;
use crate::membership::{Cx, Membership};
use crate::table::Who;

/// Flapping members that are kept in mind.
const FLAPPING_MAX: usize = 4_096;

#[derive(Clone, Copy, Debug)]
struct Flaps {
    since: Time,
    count: u8,
    /// When it counts as back, if nothing happens until then.
    due: Option<Time>,
}

/// Members that came back lately.
#[derive(Debug, Default)]
pub(crate) struct Damping {
    flaps: BTreeMap<Who, Flaps>,
}

impl Damping {
    pub(crate) fn is_empty(&self) -> bool {
        self.flaps.values().all(|flaps| flaps.due.is_none())
    }

    pub(crate) fn forget(&mut self, who: Who) {
        self.flaps.remove(&who);
    }

    /// A member is back: tells whether it is believed at once.
    fn is_believed(&mut self, now: Time, who: Who, window: Span, free: u8, quiet: Span) -> bool {
        if self.flaps.len() == FLAPPING_MAX {
            self.flaps
                .retain(|_, flaps| now.since(flaps.since) < window);
            if self.flaps.len() == FLAPPING_MAX {
                return true;
            }
        }
        let flaps = self.flaps.entry(who).or_insert(Flaps {
            since: now,
            count: 0,
            due: None,
        });
        if now.since(flaps.since) >= window {
            (flaps.since, flaps.count) = (now, 0);
        }
        flaps.count = flaps.count.saturating_add(1);
        let believed = flaps.count <= free;
        flaps.due = (!believed).then_some(now + quiet);
        believed
    }

    /// A member that was to be believed soon is in doubt again.
    pub(crate) fn disturb(&mut self, who: Who, now: Time, quiet: Span) {
        if let Some(flaps) = self.flaps.get_mut(&who)
            && flaps.due.is_some()
        {
            flaps.due = Some(now + quiet);
        }
    }

    fn cancel(&mut self, who: Who) {
        if let Some(flaps) = self.flaps.get_mut(&who) {
            flaps.due = None;
        }
    }

    fn take_due(&mut self, now: Time) -> Option<Who> {
        let due = |flaps: &Flaps| flaps.due.is_some_and(|due| due <= now);
        let who = self
            .flaps
            .iter()
            .find(|(_, flaps)| due(flaps))
            .map(|(who, _)| *who)?;
        self.cancel(who);
        Some(who)
    }
}

impl Membership {
    /// Tells the layer above how a member appears, if that is news.
    pub(crate) fn show(&mut self, cx: &mut Cx<'_>, who: Who) {
        let entry = &self.table[who];
        let (status, shown) = (Status::of(entry.standing), entry.shown);
        if who == self.me || status == shown {
            self.damping.cancel(who);
            return;
        }
        let (key, incarnation) = (entry.key, entry.incarnation);
        let profile = self.settings.profile;
        let verdict = match status {
            Status::Reachable => {
                let (window, free) = (profile.flap_window, profile.flaps_free);
                if !self
                    .damping
                    .is_believed(cx.now, who, window, free, profile.flap_quiet)
                {
                    return;
                }
                Verdict::Reachable(key)
            }
            Status::Unreachable => Verdict::Unreachable(key),
            Status::Restarting => Verdict::Restarting(key),
            Status::Down => Verdict::Down { key, incarnation },
            Status::Left => Verdict::Left { key, incarnation },
        };
        self.table.set_shown(who, status);
        cx.push(Effect::Verdict(verdict));
    }

    /// Members that flapped and have been quiet since are back.
    pub(crate) fn damping_due(&mut self, cx: &mut Cx<'_>) {
        while let Some(who) = self.damping.take_due(cx.now) {
            let entry = &self.table[who];
            if entry.standing.is_present() && entry.shown != Status::Reachable {
                let key = entry.key;
                self.table.set_shown(who, Status::Reachable);
                cx.push(Effect::Verdict(Verdict::Reachable(key)));
            }
        }
    }
}
