//! Ways to end: leaving for good, shutting down, stopping the daemon.
//!
//! Only the first two move instances, and both wait for that. A daemon that only stops says so to
//! its peers and goes; its instances live on under their leases and find it again.

use conduct_gossip::Command as MemberCommand;
use conduct_model::{RequestId, Span, Time};
use conduct_scheduler::{Closed, HostInput, Input};

use super::Brain;
use crate::command::{ClientHandle, Command, Refusal, Reply};
use crate::effect::{Effect, End};
use crate::event::EventKind;

/// How long a drain may take before the node goes anyway.
const DRAIN_SPAN_MAX: Span = Span::secs(60);

/// How often it is looked whether the drain is done.
const LOOK_SPAN: Span = Span::millis(200);

/// A node on its way out.
#[derive(Clone, Debug)]
pub(super) struct Departure {
    client: ClientHandle,
    request: RequestId,
    goal: Goal,
    stage: Stage,
    look: Time,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Goal {
    Leave,
    Shutdown,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Stage {
    /// Its instances are moved, until this moment at the latest.
    Draining(Time),
    /// Its vote is given up.
    Leaving,
    /// Everything is said; at the end of the step it is over.
    Over(End),
}

impl Brain {
    pub(super) fn depart(
        &mut self,
        client: ClientHandle,
        request: RequestId,
        command: &Command,
    ) -> Option<Reply> {
        if self.departure.is_some() {
            return Some(Reply::Refused(Refusal::Departing));
        }
        let now = self.now.time;
        let goal = match command {
            Command::Leave => Goal::Leave,
            Command::Shutdown => Goal::Shutdown,
            _ => {
                self.stop_daemon(client, request);
                return None;
            }
        };
        let stage = Stage::Draining(now + DRAIN_SPAN_MAX);
        let look = now + LOOK_SPAN;
        self.departure = Some(Departure {
            client,
            request,
            goal,
            stage,
            look,
        });
        self.tell(EventKind::Draining {
            node: self.me,
            on: true,
        });
        self.pass_host(HostInput::Close {
            why: Closed::Draining,
            closed: true,
        });
        self.pass_scheduler(Input::Part(self.part()));
        None
    }

    fn stop_daemon(&mut self, client: ClientHandle, request: RequestId) {
        // A node that belongs to no cluster has nobody to tell.
        let _ = self.member_command(MemberCommand::Stop);
        let stage = Stage::Over(End::Stopped);
        let (goal, look) = (Goal::Shutdown, Time::NEVER);
        self.departure = Some(Departure {
            client,
            request,
            goal,
            stage,
            look,
        });
    }

    pub(super) fn depart_due(&self) -> Time {
        self.departure
            .as_ref()
            .map_or(Time::NEVER, |departure| departure.look)
    }

    pub(super) fn depart_tick(&mut self) {
        let now = self.now.time;
        let Some(departure) = &mut self.departure else {
            return;
        };
        if departure.look > now {
            return;
        }
        departure.look = now + LOOK_SPAN;
        let Stage::Draining(until) = departure.stage else {
            departure.look = Time::NEVER;
            return;
        };
        let goal = departure.goal;
        let empty = self
            .host
            .report()
            .executions
            .iter()
            .all(|held| !held.state.takes_room());
        if !empty && now < until {
            return;
        }
        match goal {
            Goal::Shutdown => {
                let _ = self.member_command(MemberCommand::Stop);
                self.set_stage(Stage::Over(End::Stopped));
            }
            Goal::Leave => {
                self.set_stage(Stage::Leaving);
                if self.member_command(MemberCommand::Leave).is_err() {
                    self.set_stage(Stage::Over(End::Left));
                }
            }
        }
    }

    fn set_stage(&mut self, stage: Stage) {
        if let Some(departure) = &mut self.departure {
            departure.stage = stage;
        }
    }

    /// Membership has said its last word.
    pub(super) fn gone(&mut self) {
        match &self.departure {
            Some(departure) if departure.stage == Stage::Leaving => {
                self.set_stage(Stage::Over(End::Left));
            }
            // A daemon that only stops has said its last word, too.
            Some(_) => {}
            None => self.end(End::Left),
        }
    }

    pub(super) fn is_departing(&self) -> bool {
        self.departure.is_some()
    }

    /// At the end of a step in which everything was said: answers the client, and ends.
    pub(super) fn finish_departure(&mut self) {
        let Some(Departure {
            client,
            request,
            stage: Stage::Over(end),
            ..
        }) = &self.departure
        else {
            return;
        };
        let (client, request, end) = (*client, *request, end.clone());
        self.out.push(Effect::Reply {
            client,
            request,
            reply: Reply::Done,
        });
        self.end(end);
    }
}
