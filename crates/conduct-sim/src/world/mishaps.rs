//! What the plan's faults do to machines beyond cutting wires and power.

use super::World;
use crate::clients::Wish;
use crate::engine::{Moment, millis};
use crate::machine::{DiskFault, address_of};
use crate::network::Conditions;
use crate::watch::Fact;

impl World {
    /// Every machine that is not among these.
    pub(crate) fn others(&self, side: &[usize]) -> Vec<usize> {
        (0..self.machines.len())
            .filter(|host| !side.contains(host))
            .collect()
    }

    /// More than half of the machines, the last ones.
    pub(crate) fn most(&self) -> std::ops::Range<usize> {
        let hosts = self.machines.len();
        hosts - (hosts / 2 + 1)..hosts
    }

    /// Each machine hears the majority that follows it in a ring, and no two hear the same.
    pub(crate) fn cut_ring(&mut self) {
        let hosts = self.machines.len();
        let reach = hosts / 4 + 1;
        for one in 0..hosts {
            for other in 0..hosts {
                let distance = (one + hosts - other) % hosts;
                if distance.min(hosts - distance) > reach {
                    self.cut_one_way(&[one], &[other]);
                }
            }
        }
    }

    /// A stored record rots while the daemon is away, which starts anew and finds it.
    pub(crate) fn rot_record(&mut self, host: usize) {
        self.kill_daemon(host);
        let machine = &mut self.machines[host];
        if machine.disk.rot(&mut machine.dice) {
            self.watch.cover("record rotted");
        }
        self.plan_start(host, millis(500));
    }

    /// An archive on this machine rots.
    pub fn rot_archive(&mut self, host: usize) {
        let machine = &mut self.machines[host];
        if machine.archives.rot(&mut machine.dice).is_some() {
            self.disturb(host);
            self.watch.cover("archive rotted");
        }
    }

    pub(crate) fn kill_some_instance(&mut self, host: usize) {
        let instances: Vec<_> = self.machines[host]
            .hands
            .alive()
            .map(|(instance, _)| instance)
            .collect();
        if let Some(instance) = self.machines[host].dice.pick(&instances).copied() {
            self.kill_instance(host, instance);
        }
    }

    pub(crate) fn kill_some_shim(&mut self, host: usize) {
        let instances: Vec<_> = self.machines[host]
            .hands
            .alive()
            .map(|(instance, _)| instance)
            .collect();
        if let Some(instance) = self.machines[host].dice.pick(&instances).copied() {
            self.kill_shim(host, instance);
        }
    }

    pub(crate) fn drain(&mut self, host: usize, on: bool) {
        let Some(bundle) = self.clients.bundles().keys().next().copied() else {
            return;
        };
        let asked = (host + 1) % self.machines.len();
        self.ask(
            asked,
            bundle,
            if on {
                Wish::Drain(host)
            } else {
                Wish::Undrain(host)
            },
        );
    }

    /// Whatever holds this text crashes the node that handles it, until it is skipped.
    pub fn poison(&mut self, text: &str) {
        self.sabotage.poison(text);
    }

    /// The disk syncs nothing for so long.
    pub fn stall_disk(&mut self, host: usize, long: Moment) {
        let until = self.now + long;
        self.break_disk(host, DiskFault::Stalled(until));
    }

    /// Somebody begins, or stops, to replay and forge packets.
    pub fn attack(&mut self, active: bool) {
        self.attacker.set_active(active);
    }

    /// One more machine joins by the addresses of the first three.
    pub fn join_one(&mut self) -> usize {
        let host = self.add_machine();
        let seeds = (0..host.min(3)).map(address_of).collect();
        self.machines[host].config.seeds = seeds;
        self.start_daemon(host);
        host
    }

    /// All faults stop, and these machines are up, awake, joined to each other, and stay so.
    /// Machines outside of them stay as they are, unless `all` says that they are healed too.
    pub fn heal(&mut self, core: &[usize], all: bool) {
        self.end_script();
        self.attacker.set_active(false);
        self.conditions = Conditions::LAN;
        self.odd_links.clear();
        if all {
            self.mend();
        } else {
            self.join(core, core);
            let everyone: Vec<usize> = (0..self.machines.len()).collect();
            self.clog(&everyone, &everyone, false);
        }
        for host in 0..self.machines.len() {
            if !all && !core.contains(&host) {
                continue;
            }
            if self.machines[host].has_left {
                continue;
            }
            self.break_disk(host, DiskFault::None);
            let skew = self.machines[host].clock.wall_skew_millis();
            if skew.abs() > 1_000 {
                self.jump_wall(host, -skew);
            }
            self.resume(host);
            self.power_on(host);
        }
        self.fact(&Fact::Fault {
            text: &format!("all faults stop; the core is {core:?}"),
        });
    }

    /// Whether nothing is wrong with any machine or wire.
    pub(crate) fn is_healthy(&self) -> bool {
        self.cables.is_whole()
            && self.odd_links.is_empty()
            && self.conditions == Conditions::LAN
            && self.machines.iter().all(|machine| {
                machine.has_left || (machine.is_awake() && machine.disk.fault() == DiskFault::None)
            })
    }

    /// Whether packets get lost, changed or delayed.
    pub(crate) fn is_foul(&self) -> bool {
        self.conditions != Conditions::LAN
            || !self.odd_links.is_empty()
            || self.cables.is_clogged_anywhere()
    }
}
