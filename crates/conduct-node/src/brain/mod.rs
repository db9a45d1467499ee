//! The inside of a node: its machines, and how one step runs through them.
//!
//! A step takes one input. Each machine answers with effects of its own; those meant for another
//! machine become *work*, which is done until none is left. Then everything that was written
//! gets one number and goes to the disk, what waits for no write is said, and the timer is set.
//! No machine knows another: what one tells the next is translated here, a file for each border.

mod archiving;
mod boot;
mod commands;
mod confirming;
mod departing;
mod hands;
mod hosting;
mod inputs;
mod loading;
mod members;
mod mirroring;
mod owning;
mod records;
mod replicating;
mod reporting;
mod requesting;
mod shelf;
mod syncing;
mod telling;
mod viewing;
mod voting;
mod wishing;

use std::collections::{BTreeMap, VecDeque};

use conduct_gossip::Membership;
use conduct_model::{InstanceId, NodeKey, Now, Time};
use conduct_scheduler::{Host, HostEffect, HostInput, Scheduler};
use conduct_state::{Pool, State, Tidy};

use crate::archives::Archives;
use crate::book::Book;
use crate::command::QuarantineReason;
use crate::config::Config;
use crate::confirm::Confirms;
use crate::copies::Copies;
use crate::dice::Dice;
use crate::disk::Disk;
use crate::effect::Effect;
use crate::input::Input;
use crate::journal::Journal;
use crate::outbox::{Outbox, Way};
use crate::poison::Poison;
use crate::protocol::Message;
use crate::requests::Requests;
use crate::sync::Sync;

use confirming::Purpose;
use departing::Departure;
use hosting::Hand;
use reporting::Own;

/// A node in its life.
pub(crate) struct Brain {
    /// What is to be done before anything else.
    awakening: Option<boot::Awakening>,
    config: Config,
    me: NodeKey,
    now: Now,
    dice: Dice,
    /// What this step does, in order.
    out: Vec<Effect>,
    work: VecDeque<Work>,

    membership: Membership,
    state: State,
    scheduler: Scheduler,
    host: Host,

    disk: Disk<Held>,
    outbox: Outbox,
    book: Book,
    /// How the nodes stand, as far as listeners were told.
    reaches: mirroring::Reaches,
    sync: Sync,
    tidy: Tidy,
    confirms: Confirms<Purpose>,
    requests: Requests,
    archives: Archives,
    /// Who waits for archives to be here.
    askers: Vec<archiving::Asker>,
    copies: Copies,
    journal: Journal,
    poison: Poison,
    hands: BTreeMap<InstanceId, Hand>,
    own: Own,
    quarantine: Option<QuarantineReason>,
    departure: Option<Departure>,
    alarms: Alarms,
    pool: Option<Pool>,
    ended: bool,
}

/// What one machine wants of another.
pub(crate) enum Work {
    Membership(conduct_gossip::Effect),
    Host(HostEffect),
    Scheduler(conduct_scheduler::Effect),
    ToHost(HostInput),
    ToScheduler(conduct_scheduler::Input),
}

/// What must not happen before a write is on disk.
pub(crate) enum Held {
    /// This is not said before.
    Send {
        to: NodeKey,
        message: Message,
    },
    /// These machines are told when their writes are there.
    Membership(conduct_gossip::Token),
    Host(conduct_scheduler::Token),
    Scheduler(conduct_scheduler::Token),
    /// Own writes up to this version may be shown to others.
    Own(u64),
}

/// When each machine wants to be woken.
#[derive(Clone, Copy, Debug)]
struct Alarms {
    membership: Time,
    host: Time,
    scheduler: Time,
    /// What the driver was asked for last.
    armed: Time,
}

impl Alarms {
    const fn new() -> Alarms {
        Alarms {
            membership: Time::NEVER,
            host: Time::NEVER,
            scheduler: Time::NEVER,
            armed: Time::NEVER,
        }
    }
}

/// A rung: a moment that has come, once.
fn rings(alarm: &mut Time, now: Time) -> bool {
    let due = *alarm <= now;
    if due {
        *alarm = Time::NEVER;
    }
    due
}

impl Brain {
    /// Takes one input, to its end.
    pub(crate) fn step(&mut self, now: Now, input: Input, effects: &mut Vec<Effect>) {
        if self.ended {
            return;
        }
        self.now = now;
        if input == Input::Timer {
            self.alarms.armed = Time::NEVER;
        }
        self.take(input);
        self.wake();
        self.settle();
        effects.append(&mut self.out);
    }

    /// What a step that does not return was busy with.
    pub(crate) fn handling(&self) -> Option<crate::restored::Fingerprint> {
        self.poison.handling()
    }

    /// Lets every machine do what is due.
    fn wake(&mut self) {
        let time = self.now.time;
        if rings(&mut self.alarms.membership, time) {
            self.with_membership(|membership, out| membership.tick(time, out));
        }
        if rings(&mut self.alarms.host, time) {
            self.work.push_back(Work::ToHost(HostInput::Timer));
        }
        if rings(&mut self.alarms.scheduler, time) {
            self.work
                .push_back(Work::ToScheduler(conduct_scheduler::Input::Timer));
        }
        self.sync_tick();
        self.confirm_tick();
        self.archive_tick();
        self.copy_tick();
        self.depart_tick();
    }

    /// Does all work, writes what has to be written, says what may be said.
    fn settle(&mut self) {
        loop {
            while let Some(work) = self.work.pop_front() {
                self.do_work(work);
            }
            self.write_own_records();
            let released = self.disk.flush(self.now.time, &mut self.out);
            if released.is_empty() && self.work.is_empty() {
                break;
            }
            for held in released {
                self.release(held);
            }
        }
        self.tell_news();
        self.finish_departure();
        self.outbox.flush(&mut self.out);
        self.arm();
    }

    fn do_work(&mut self, work: Work) {
        let time = self.now.time;
        match work {
            Work::Membership(effect) => self.membership_effect(effect),
            Work::Host(effect) => self.host_effect(effect),
            Work::Scheduler(effect) => self.scheduler_effect(effect),
            Work::ToHost(input) => {
                let mut effects = Vec::new();
                self.host.step(time, input, &mut effects);
                self.work.extend(effects.into_iter().map(Work::Host));
            }
            Work::ToScheduler(input) => {
                let mut effects = Vec::new();
                self.scheduler.step(time, input, &mut effects);
                self.work.extend(effects.into_iter().map(Work::Scheduler));
            }
        }
    }

    fn with_membership(
        &mut self,
        act: impl FnOnce(&mut Membership, &mut Vec<conduct_gossip::Effect>),
    ) {
        let mut effects = Vec::new();
        act(&mut self.membership, &mut effects);
        self.work.extend(effects.into_iter().map(Work::Membership));
    }

    /// A write is on disk: what waited for it happens now.
    fn release(&mut self, held: Held) {
        let time = self.now.time;
        match held {
            Held::Send { to, message } => self.send(to, Way::Stream, &message),
            Held::Membership(token) => {
                self.with_membership(|membership, out| membership.stored(time, token, out));
            }
            Held::Host(token) => self.work.push_back(Work::ToHost(HostInput::Stored(token))),
            Held::Scheduler(token) => {
                self.work
                    .push_back(Work::ToScheduler(conduct_scheduler::Input::Stored(token)));
            }
            Held::Own(version) => self.own_stored(version),
        }
    }

    fn send(&mut self, to: NodeKey, way: Way, message: &Message) {
        if to != self.me {
            self.outbox.send(to, way, message);
        }
    }

    fn arm(&mut self) {
        let next = [
            self.alarms.membership,
            self.alarms.host,
            self.alarms.scheduler,
            self.sync_due(),
            self.confirm_due(),
            self.archives.due(),
            self.copies.due(),
            self.depart_due(),
            self.disk.due().unwrap_or(Time::NEVER),
        ];
        let next = next.into_iter().min().unwrap_or(Time::NEVER);
        if next != self.alarms.armed && next != Time::NEVER {
            self.alarms.armed = next;
            self.out.push(Effect::Arm(next));
        }
    }

    /// The life of this node that its records are ranked by.
    fn start(&self) -> u64 {
        self.membership.incarnation().start
    }

    /// Whether this node is kept from accepting changes.
    fn is_quarantined(&self) -> bool {
        self.membership.is_quarantined()
    }
}
