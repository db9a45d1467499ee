//! Shims: they hold the leases, daemon or no daemon.

use conduct_model::{InstanceId, Span, Time};

use super::{Deed, Occurrence, World};
use crate::engine::millis;
use crate::machine::{Pause, Phase, What};

/// After its last stamp, a shim sends SIGTERM.
pub(crate) const LEASE_TERM: Span = Span::secs(12);
/// After its last stamp, a shim sends SIGKILL.
const LEASE_KILL: Span = Span::secs(15);

impl World {
    pub(crate) fn renew(&mut self, host: usize, stamp: Time) {
        self.machines[host].hands.renew(stamp);
        self.lease_check(host);
    }

    /// Plans a look at the leases of a machine for when the next runs out.
    pub(crate) fn lease_check(&mut self, host: usize) {
        let machine = &mut self.machines[host];
        if machine.lease_planned {
            return;
        }
        let next = machine
            .hands
            .iter()
            .filter_map(|(_, hand)| hand.lease)
            .min();
        if let Some(stamp) = next {
            machine.lease_planned = true;
            let at = machine.clock.when(stamp + LEASE_TERM).max(self.now);
            let boot = machine.processes.boot() as u32;
            self.schedule.plan(
                at,
                Occurrence::Lease {
                    host: host as u32,
                    boot,
                },
            );
        }
    }

    /// Shims look at their leases.
    pub(crate) fn leases_due(&mut self, host: usize, boot: u32) {
        let machine = &mut self.machines[host];
        if machine.processes.boot() != u64::from(boot) {
            return;
        }
        if machine.pause == Some(Pause::Machine) {
            machine.inbox.push_back(Occurrence::Lease {
                host: host as u32,
                boot,
            });
            return;
        }
        machine.lease_planned = false;
        let time = machine.clock.time(self.now);
        let held: Vec<(InstanceId, Time)> = machine
            .hands
            .alive()
            .filter(|(_, hand)| matches!(hand.phase, Phase::Alive { shim: Some(_), .. }))
            .filter_map(|(instance, hand)| Some((instance, hand.lease?)))
            .collect();
        let mut next = Time::NEVER;
        for (instance, stamp) in held {
            if self.sabotage.ignores_leases() {
                continue;
            }
            if time >= stamp + LEASE_KILL {
                self.watch.cover("lease killed");
                self.terminate(host, instance);
                self.killed(host, instance);
            } else if time >= stamp + LEASE_TERM {
                self.watch.cover("lease terminated");
                self.terminate(host, instance);
                next = next.min(stamp + LEASE_KILL);
            } else {
                next = next.min(stamp + LEASE_TERM);
            }
        }
        if next != Time::NEVER {
            let machine = &mut self.machines[host];
            machine.lease_planned = true;
            let at = machine.clock.when(next).max(self.now);
            self.schedule.plan(
                at,
                Occurrence::Lease {
                    host: host as u32,
                    boot,
                },
            );
        }
    }

    /// Somebody kills an instance's shim. A running daemon puts another in its place.
    pub fn kill_shim(&mut self, host: usize, instance: InstanceId) {
        self.disturb(host);
        let machine = &mut self.machines[host];
        let Some(hand) = machine.hands.get_mut(instance) else {
            return;
        };
        let Phase::Alive {
            pid,
            shim: Some(shim),
            since,
        } = hand.phase
        else {
            return;
        };
        hand.phase = Phase::Alive {
            pid,
            shim: None,
            since,
        };
        machine.processes.end(shim);
        machine.processes.bustle(shim, self.now);
        if machine.daemon.is_some() {
            self.deed_in(host, instance, millis(500), Deed::Reshimmed);
        }
    }

    /// Every instance without a shim gets one, if there is a daemon to see to it.
    pub(crate) fn reshim(&mut self, host: usize) {
        let now = self.now;
        let machine = &mut self.machines[host];
        if machine.daemon.is_none() {
            return;
        }
        let bare: Vec<InstanceId> = machine
            .hands
            .alive()
            .filter(|(_, hand)| matches!(hand.phase, Phase::Alive { shim: None, .. }))
            .map(|(instance, _)| instance)
            .collect();
        for instance in bare {
            let shim = machine.processes.fork(What::Shim(instance), now);
            if let Some(hand) = machine.hands.get_mut(instance)
                && let Phase::Alive { shim: place, .. } = &mut hand.phase
            {
                *place = shim;
            }
        }
        self.lease_check(host);
    }
}
