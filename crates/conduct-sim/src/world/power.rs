//! Machines: power, reboots, disks, wall clocks, and new machines.

use super::{Occurrence, World};
use crate::engine::Moment;
use crate::faults::Act;
use crate::machine::{Crash, DiskFault, Machine};
use crate::network::Cost;
use crate::watch::Fact;

impl World {
    /// The power of a machine goes.
    pub fn power_off(&mut self, host: usize) {
        if !self.machines[host].powered {
            return;
        }
        self.end_daemon(host, Crash::Power);
        let now = self.now;
        let machine = &mut self.machines[host];
        machine.powered = false;
        machine.lease_planned = false;
        machine.pause = None;
        machine.inbox.clear();
        let at = machine.clock.wall(now);
        let lost = machine.hands.lose_all();
        machine.processes.reboot();
        for instance in lost {
            let exit =
                conduct_node::runtime::Exit::seen(conduct_node::runtime::ExitStatus::Unknown, at);
            self.truth.ended(instance, host, now, exit);
            self.fact(&Fact::Ended {
                host,
                instance,
                exit,
            });
        }
        self.disturb(host);
        self.fact(&Fact::PoweredOff { host });
    }

    /// The power comes back, and with it the daemon.
    pub fn power_on(&mut self, host: usize) {
        self.machines[host].powered = true;
        self.disturb(host);
        self.start_daemon(host);
    }

    /// Starts the daemon in a while, if nobody has done so by then.
    pub(crate) fn plan_start(&mut self, host: usize, delay: Moment) {
        let start = Act::Start { host: host as u32 };
        self.schedule
            .plan(self.now + delay, Occurrence::Fault(start));
    }

    /// Something happens to a disk.
    pub fn break_disk(&mut self, host: usize, fault: DiskFault) {
        let now = self.now;
        self.machines[host].disk.set_fault(now, fault);
        self.disturb(host);
    }

    /// Someone sets a wall clock.
    pub fn jump_wall(&mut self, host: usize, by_millis: i64) {
        self.machines[host].clock.jump_wall(by_millis);
        self.fact(&Fact::WallJumped { host, by_millis });
    }

    /// A machine gets a new, empty disk while its daemon is not running.
    pub fn wipe_disk(&mut self, host: usize) {
        self.machines[host].disk.wipe();
        self.machines[host].archives.wipe();
        self.machines[host].crashes.clear();
        self.machines[host].folders += 1;
        self.disturb(host);
        self.fact(&Fact::Wiped { host });
    }

    /// Copies a state folder away.
    pub fn back_up(&mut self, host: usize) {
        let machine = &mut self.machines[host];
        machine.backup = Some(machine.disk.backup());
    }

    /// Puts the last copy of the state folder in its place.
    pub fn restore_backup(&mut self, host: usize) {
        let machine = &mut self.machines[host];
        if let Some(backup) = machine.backup.clone() {
            machine.disk.restore(backup);
        }
        self.disturb(host);
    }

    /// One more machine, without a daemon.
    pub fn add_machine(&mut self) -> usize {
        let host = self.machines.len();
        self.machines.push(Machine::new(self.seed, host));
        self.cables = self.cables.grown(host + 1);
        self.links.add_host();
        self.costs.push(Cost::default());
        self.truth.add_host();
        self.note_sides();
        host
    }
}
