//! A voter's side of confirmations: what it is asked to have on its disk, and what it answers.

use bytes::Bytes;
use conduct_model::{NodeKey, Wall};
use conduct_state::{Dot, Kind, Stamp};

use super::{Brain, Held};
use crate::protocol::{Message, Push, PushAnswer, PushWith, Pushed};

impl Brain {
    /// This node is asked, as a voter.
    pub(super) fn take_push(&mut self, from: NodeKey, push: Push) {
        let Push {
            id,
            dot,
            delta,
            with,
        } = push;
        let answer = |brain: &mut Brain, answer: PushAnswer| {
            let message = Message::Pushed(Pushed { id, dot, answer });
            brain.disk.hold(Held::Send { to: from, message });
        };
        if self.disk.failing().is_some() {
            let message = Message::Pushed(Pushed {
                id,
                dot,
                answer: PushAnswer::DiskFailed,
            });
            return self.send(from, crate::outbox::Way::Stream, &message);
        }
        if let PushWith::Assignment(system, epoch) = &with
            && !self.scheduler.may_confirm(system, *epoch)
        {
            let highest = self.scheduler.highest(system).unwrap_or(*epoch);
            return answer(self, PushAnswer::Outvoted(highest));
        }
        if let Some(delta) = &delta {
            match self.state.apply(delta) {
                Ok(applied) => self.take_applied(applied),
                Err(error) => return self.state_refused(from, &error),
            }
        }
        if !self.state.covers(dot) {
            let digest = Bytes::from(self.state.digest().encode());
            return answer(self, PushAnswer::Behind(digest));
        }
        if let Some(wall) = self.stamp_ahead(dot) {
            return answer(self, PushAnswer::Ahead(wall));
        }
        let archives = match with {
            PushWith::Archives(archives) => self.keep_for(from, (id, dot), &archives),
            PushWith::Nothing | PushWith::Assignment(..) => true,
        };
        answer(self, PushAnswer::Stored { archives });
    }

    /// What this clock says, if a stamp is too far ahead of it.
    fn stamp_ahead(&self, dot: Dot) -> Option<Wall> {
        let record = self.state.record(dot)?;
        // Loads have stamps too, but nothing is decided by them.
        let matters = record.key().kind() != Kind::BUNDLE;
        let Stamp { hlc, .. } = record.stamp().filter(|_| matters)?;
        hlc.admit(self.now.wall).err().map(|refusal| refusal.clock)
    }
}
