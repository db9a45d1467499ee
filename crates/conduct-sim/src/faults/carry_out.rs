//! Faults begin and end.

use super::{Act, Fault, Kind, Phase, Planned};
use crate::engine::{Moment, millis, secs};
use crate::machine::{DiskFault, Pause};
use crate::watch::Fact;
use crate::world::{Occurrence, World};

/// A fault waits for its phase for so long, and then happens anyway.
const PHASE_PATIENCE: Moment = secs(4);
/// And looks for it so often.
const PHASE_LOOK: Moment = millis(5);
/// Stores read everything that they hold so often.
const SCRUB_EVERY: Moment = secs(20);

impl World {
    /// Plans everything that a plan holds, counted from now.
    pub fn follow(&mut self, plan: &super::Plan) {
        let begin = self.now;
        for (place, fault) in plan.happening() {
            let act = Act::Begin {
                fault: place as u32,
            };
            self.schedule.plan(begin + fault.at, Occurrence::Fault(act));
        }
        for (place, operation) in plan.operations.iter().enumerate() {
            let act = Act::Ask {
                operation: place as u32,
            };
            self.schedule
                .plan(begin + operation.at, Occurrence::Fault(act));
        }
        self.schedule
            .plan(begin + SCRUB_EVERY, Occurrence::Fault(Act::Scrub));
        self.script = crate::world::Script {
            begun: begin,
            faults: plan.faults.clone(),
            operations: plan.operations.clone(),
            over: false,
        };
    }

    /// No fault begins any more, and nothing more is asked; what still lasts is ended by `heal`.
    pub fn end_script(&mut self) {
        self.script.over = true;
    }

    pub(crate) fn act(&mut self, act: Act) {
        match act {
            Act::Adopt { host, life } => self.adopt_or_wait(host as usize, life),
            Act::Start { host } => {
                if self.machines[host as usize].powered {
                    self.start_daemon(host as usize);
                }
            }
            Act::Begin { fault } if !self.script.over => self.begin_fault(fault),
            Act::End { fault } if !self.script.over => {
                let kind = self.script.faults[fault as usize].kind.clone();
                self.fact(&Fact::Fault {
                    text: &format!("no longer: {kind}"),
                });
                self.end_fault(&kind);
            }
            Act::Flap { fault, cut } if !self.script.over => self.flap(fault, cut),
            Act::Ask { operation } if !self.script.over => {
                let planned = self.script.operations[operation as usize].clone();
                self.ask_planned(&planned);
            }
            Act::Scrub => {
                for host in 0..self.machines.len() {
                    self.scrub(host);
                }
                self.schedule
                    .plan(self.now + SCRUB_EVERY, Occurrence::Fault(Act::Scrub));
            }
            Act::Begin { .. }
            | Act::End { .. }
            | Act::Flap { .. }
            | Act::Ask { .. }
            | Act::Forge => {}
        }
    }

    fn adopt_or_wait(&mut self, host: usize, life: u32) {
        let act = Occurrence::Fault(Act::Adopt {
            host: host as u32,
            life,
        });
        if self.defer(host, act).is_some() {
            self.adopt(host, life);
        }
    }

    fn ask_planned(&mut self, planned: &Planned) {
        let bundle = self.clients.nth_bundle(planned.bundle);
        let host = planned.host % self.machines.len();
        self.ask(host, bundle, planned.wish);
    }

    fn begin_fault(&mut self, place: u32) {
        let fault = self.script.faults[place as usize].clone();
        let waited = self.now.since(self.script.begun + fault.at);
        if waited < PHASE_PATIENCE && !self.is_in_phase(&fault) {
            let act = Act::Begin { fault: place };
            self.schedule
                .plan(self.now + PHASE_LOOK, Occurrence::Fault(act));
            return;
        }
        self.fact(&Fact::Fault {
            text: &fault.kind.to_string(),
        });
        if let Kind::Flap(..) = fault.kind {
            self.flap(place, true);
        } else {
            self.begin_kind(&fault.kind);
        }
        let end = Act::End { fault: place };
        self.schedule
            .plan(self.now + fault.lasts, Occurrence::Fault(end));
    }

    fn is_in_phase(&self, fault: &Fault) -> bool {
        let (Some(phase), Some(host)) = (fault.phase, fault.kind.host()) else {
            return true;
        };
        let machine = &self.machines[host];
        let live = || self.truth.live().filter(|(_, real)| real.host == host);
        match phase {
            Phase::Writing => machine.disk.is_writing(),
            Phase::Starting => live().any(|(_, real)| real.is_starting()),
            Phase::Stopping => live().any(|(_, real)| real.told_to_end.is_some()),
            Phase::Receiving => machine.archives.is_receiving(),
            Phase::Answering => self.clients.is_awaited(host),
        }
    }

    fn begin_kind(&mut self, kind: &Kind) {
        match kind {
            Kind::Cut(side) => self.cut(side, &self.others(side)),
            Kind::Shatter => {
                let all: Vec<usize> = (0..self.machines.len()).collect();
                self.cut(&all, &all);
            }
            Kind::OneWay(from, to) => self.cut_one_way(&[*from], &[*to]),
            Kind::Bridge(a, b) => self.cut(&[*a], &[*b]),
            Kind::Ring => self.cut_ring(),
            // Its own acts flap it.
            Kind::Flap(..) => {}
            Kind::Weather(conditions) => self.set_conditions(*conditions),
            Kind::Clog(side) => {
                let others = self.others(side);
                self.clog(side, &others, true);
                self.clog(&others, side, true);
            }
            Kind::Kill(host) => self.kill_daemon(*host),
            Kind::PowerOff(host) => self.power_off(*host),
            Kind::PowerOffMost => {
                for host in self.most() {
                    self.power_off(host);
                }
            }
            Kind::Freeze(host) => self.pause(*host, Pause::Daemon),
            Kind::Suspend(host) => self.pause(*host, Pause::Machine),
            Kind::SuspendAll => {
                for host in 0..self.machines.len() {
                    self.pause(host, Pause::Machine);
                }
            }
            Kind::WallJump(host, by) => self.jump_wall(*host, *by),
            Kind::DiskStall(host) => self.break_disk(*host, DiskFault::Stalled(Moment::NEVER)),
            Kind::DiskFull(host) => self.break_disk(*host, DiskFault::Full),
            Kind::DiskBroken(host) => self.break_disk(*host, DiskFault::Broken),
            Kind::RecordRot(host) => self.rot_record(*host),
            Kind::ArchiveRot(host) => self.rot_archive(*host),
            Kind::Wipe(host) => {
                self.kill_daemon(*host);
                self.wipe_disk(*host);
            }
            Kind::Rollback(host) => {
                self.kill_daemon(*host);
                self.restore_backup(*host);
            }
            Kind::KillInstance(host) => self.kill_some_instance(*host),
            Kind::KillShim(host) => self.kill_some_shim(*host),
            Kind::Attack => self.attacker.set_active(true),
            Kind::Drain(host) => self.drain(*host, true),
            Kind::Join => {
                self.join_one();
            }
            Kind::Poison => self.sabotage.poison("poison"),
        }
    }

    fn end_fault(&mut self, kind: &Kind) {
        match kind {
            Kind::Cut(side) | Kind::Flap(side, _) => self.join(side, &self.others(side)),
            Kind::Shatter | Kind::Ring => {
                let all: Vec<usize> = (0..self.machines.len()).collect();
                self.join(&all, &all);
            }
            Kind::OneWay(a, b) | Kind::Bridge(a, b) => self.join(&[*a], &[*b]),
            Kind::Weather(_) => self.set_conditions(crate::network::Conditions::LAN),
            Kind::Clog(side) => {
                let others = self.others(side);
                self.clog(side, &others, false);
                self.clog(&others, side, false);
            }
            Kind::Kill(host) | Kind::Wipe(host) | Kind::Rollback(host) => self.start_daemon(*host),
            Kind::PowerOff(host) => self.power_on(*host),
            Kind::PowerOffMost => {
                for host in 0..self.machines.len() {
                    self.power_on(host);
                }
            }
            Kind::Freeze(host) | Kind::Suspend(host) => self.resume(*host),
            Kind::SuspendAll => {
                for host in 0..self.machines.len() {
                    self.resume(host);
                }
            }
            Kind::WallJump(host, by) => self.jump_wall(*host, -by),
            Kind::DiskStall(host) | Kind::DiskFull(host) | Kind::DiskBroken(host) => {
                self.break_disk(*host, DiskFault::None);
            }
            Kind::Attack => self.attacker.set_active(false),
            Kind::Drain(host) => self.drain(*host, false),
            Kind::RecordRot(_)
            | Kind::ArchiveRot(_)
            | Kind::KillInstance(_)
            | Kind::KillShim(_)
            | Kind::Join
            | Kind::Poison => {}
        }
    }

    fn flap(&mut self, place: u32, cut: bool) {
        let fault = self.script.faults[place as usize].clone();
        let Kind::Flap(side, period) = &fault.kind else {
            return;
        };
        if self.now >= self.script.begun + fault.at + PHASE_PATIENCE + fault.lasts {
            return;
        }
        let others = self.others(side);
        if cut {
            self.cut(side, &others);
        } else {
            self.join(side, &others);
        }
        let next = Act::Flap {
            fault: place,
            cut: !cut,
        };
        self.schedule
            .plan(self.now + *period, Occurrence::Fault(next));
    }
}
