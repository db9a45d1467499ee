//! Instances are prepared, launched and stopped, as nodes order it.

use std::collections::BTreeMap;

use conduct_model::{InstanceId, Span};
use conduct_node::input::Input;
use conduct_node::runtime::{Exit, ExitStatus, Ports, RuntimeEvent, RuntimeOrder, StartInstance};

use super::{Deed, Occurrence, Real, World};
use crate::engine::{Moment, millis};
use crate::faults::Bug;
use crate::machine::{Hand, Opening, Pause, Phase, Program, What, dice_of, throw};
use crate::watch::Fact;

impl World {
    pub(crate) fn runtime_order(&mut self, host: usize, order: RuntimeOrder) {
        match order {
            RuntimeOrder::Prepare {
                instance,
                bundle,
                descriptor,
            } => {
                let lease = None;
                let hand = Hand {
                    bundle,
                    descriptor,
                    phase: Phase::Preparing,
                    lease,
                    started: false,
                    terminated: false,
                    ports: BTreeMap::new(),
                    last_pid: None,
                    ordered_by: self.machines[host].life,
                    rotten: false,
                };
                self.prepare(host, instance, hand);
            }
            RuntimeOrder::Start(start) => self.launch(host, *start),
            RuntimeOrder::Stop { instance, grace } => self.stop(host, instance, grace),
            RuntimeOrder::Lease { stamp } => self.renew(host, stamp),
            RuntimeOrder::Forget { instance } => self.forget(host, instance),
        }
    }

    fn prepare(&mut self, host: usize, instance: InstanceId, hand: Hand) {
        if let Some(known) = self.machines[host].hands.get(instance) {
            if known.phase == Phase::Prepared {
                self.runtime_says(host, RuntimeEvent::Prepared { instance });
            }
            return;
        }
        let program = self.program_of(&hand);
        let delay = throw(&program.prepare, &mut dice_of(self.seed, instance));
        self.machines[host].hands.put(instance, hand);
        self.deed_in(host, instance, delay, Deed::Prepared);
    }

    fn launch(&mut self, host: usize, start: StartInstance) {
        let StartInstance {
            instance,
            bundle,
            descriptor,
            seeds,
            lease,
            ..
        } = start;
        self.fact(&Fact::Ordered {
            host,
            instance,
            bundle,
            seeds: seeds.len(),
        });
        let life = self.machines[host].life;
        let hands = &mut self.machines[host].hands;
        let ports = descriptor
            .endpoints
            .iter()
            .map(|(name, endpoint)| {
                let port = hands.port();
                let bind = if endpoint.bind_port == 0 {
                    port
                } else {
                    endpoint.bind_port
                };
                (name.clone(), Ports { bind, host: port })
            })
            .collect();
        let Some(hand) = hands.get_mut(instance) else {
            let why = "its run directory is missing".to_owned();
            self.runtime_says(host, RuntimeEvent::Failed { instance, why });
            return;
        };
        if hand.phase != Phase::Prepared {
            return;
        }
        hand.phase = Phase::Launching;
        hand.ports = ports;
        hand.lease = lease;
        hand.ordered_by = life;
        self.deed_in(host, instance, millis(3), Deed::Forked);
        self.lease_check(host);
        if let Some(elsewhere) = self.sabotage.starts_twice(host, self.machines.len()) {
            self.start_beside(host, elsewhere, instance);
        }
        if let Some(second) = self.sabotage.opens_gate(&self.machines[host], instance) {
            self.deed_in(host, second, millis(4), Deed::Forked);
        }
    }

    /// Something an instance does has come to pass.
    pub(crate) fn hand(&mut self, host: usize, boot: u32, instance: InstanceId, deed: Deed) {
        if self.machines[host].processes.boot() != u64::from(boot) {
            return;
        }
        if self.machines[host].pause == Some(Pause::Machine) {
            let later = Occurrence::Hand {
                host: host as u32,
                boot,
                instance,
                deed,
            };
            self.machines[host].inbox.push_back(later);
            return;
        }
        match deed {
            Deed::Prepared => self.prepared(host, instance),
            Deed::Forked => self.forked(host, instance),
            Deed::Signals { tries } => self.signals(host, instance, tries),
            Deed::Ends(exit) => self.ended(host, instance, exit.status, exit.out_of_memory),
            Deed::Obeys => self.ended(
                host,
                instance,
                ExitStatus::Signal(super::lives::SIGTERM),
                false,
            ),
            Deed::Killed => self.killed(host, instance),
            Deed::Reshimmed => self.reshim(host),
        }
    }

    fn prepared(&mut self, host: usize, instance: InstanceId) {
        let machine = &mut self.machines[host];
        let life = machine.life;
        let Some(hand) = machine.hands.get_mut(instance) else {
            return;
        };
        if hand.phase != Phase::Preparing || hand.ordered_by != life {
            return;
        }
        let bundle = hand.bundle;
        let digests = [Some(bundle.bundle), bundle.configuration];
        for digest in digests.into_iter().flatten() {
            let archive = machine.archives.get(digest);
            let good = archive.is_some_and(|archive| !archive.rotten);
            if good || (archive.is_some() && self.sabotage.runs_rotten()) {
                hand.rotten |= !good;
                continue;
            }
            machine.hands.drop(instance);
            let why = format!("archive {} is damaged or missing", digest.short());
            self.runtime_says(host, RuntimeEvent::Failed { instance, why });
            self.find_rotten(host, digest);
            return;
        }
        hand.phase = Phase::Prepared;
        self.runtime_says(host, RuntimeEvent::Prepared { instance });
    }

    pub(crate) fn forked(&mut self, host: usize, instance: InstanceId) {
        let now = self.now;
        let machine = &mut self.machines[host];
        let Some(hand) = machine.hands.get(instance) else {
            return;
        };
        if !matches!(hand.phase, Phase::Launching | Phase::Prepared) {
            return;
        }
        let hand = hand.clone();
        let program = self.program_of(&hand);
        let machine = &mut self.machines[host];
        let pids = (
            machine.processes.fork(What::Shim(instance), now),
            machine.processes.fork(What::Instance(instance), now),
        );
        let (Some(shim), Some(pid)) = pids else {
            machine.hands.drop(instance);
            let why = "fork: resource temporarily unavailable".to_owned();
            self.runtime_says(host, RuntimeEvent::Failed { instance, why });
            return;
        };
        if program.opening == Opening::Unlaunchable {
            machine.processes.end(shim);
            machine.processes.end(pid);
            machine.hands.drop(instance);
            let why = "bin/app: no such file or directory".to_owned();
            self.runtime_says(host, RuntimeEvent::Failed { instance, why });
            return;
        }
        if let Some(hand) = machine.hands.get_mut(instance) {
            hand.phase = Phase::Alive {
                pid,
                shim: Some(shim),
                since: now,
            };
            hand.last_pid = Some(pid);
        }
        let rotten = hand.rotten;
        self.truth.forked(instance, real(host, &hand, now));
        self.fact(&Fact::Forked {
            host,
            instance,
            rotten,
        });
        let pid = pid.0;
        self.runtime_says(
            host,
            RuntimeEvent::Launched {
                instance,
                pid,
                ports: hand.ports,
            },
        );
        self.live_out(host, instance, &program);
        if self.sabotage.has(Bug::EarlyReady) {
            self.instance_calls(host, instance, 0);
        }
    }

    fn stop(&mut self, host: usize, instance: InstanceId, grace: Span) {
        let Some(hand) = self.machines[host].hands.get(instance) else {
            let at = self.machines[host].clock.wall(self.now);
            let exit = Exit::seen(ExitStatus::Unknown, at);
            self.runtime_says(host, RuntimeEvent::Ended { instance, exit });
            return;
        };
        match hand.phase {
            Phase::Ended(exit) => self.runtime_says(host, RuntimeEvent::Ended { instance, exit }),
            Phase::Alive { .. } => {
                self.terminate(host, instance);
                let grace = millis(grace.as_millis());
                self.deed_in(host, instance, grace, Deed::Killed);
            }
            Phase::Preparing | Phase::Prepared | Phase::Launching => {
                self.machines[host].hands.drop(instance);
                let at = self.machines[host].clock.wall(self.now);
                let exit = Exit::seen(ExitStatus::Unknown, at);
                self.runtime_says(host, RuntimeEvent::Ended { instance, exit });
            }
        }
    }

    fn forget(&mut self, host: usize, instance: InstanceId) {
        let hands = &mut self.machines[host].hands;
        if hands.get(instance).is_some_and(|hand| !hand.is_alive()) {
            hands.drop(instance);
        }
    }

    pub(crate) fn runtime_says(&mut self, host: usize, event: RuntimeEvent) {
        if self.machines[host].daemon.is_some() {
            self.tell_in(host, millis(1), Input::Runtime(event));
        }
    }

    pub(crate) fn deed_in(&mut self, host: usize, instance: InstanceId, delay: Moment, deed: Deed) {
        let boot = self.machines[host].processes.boot() as u32;
        let due = Occurrence::Hand {
            host: host as u32,
            boot,
            instance,
            deed,
        };
        self.schedule.plan(self.now + delay, due);
    }

    pub(crate) fn program_of(&self, hand: &Hand) -> Program {
        self.programs.get(&hand.bundle).cloned().unwrap_or_default()
    }

    /// Starts an instance on a second machine as well, which nobody ordered.
    fn start_beside(&mut self, host: usize, elsewhere: usize, instance: InstanceId) {
        if let Some(hand) = self.machines[host].hands.get(instance).cloned() {
            self.machines[elsewhere].hands.put(instance, hand);
            self.deed_in(elsewhere, instance, millis(3), Deed::Forked);
        }
    }
}

fn real(host: usize, hand: &Hand, now: Moment) -> Real {
    Real {
        host,
        bundle: hand.bundle,
        system: hand.descriptor.system.clone(),
        exclusive: hand.descriptor.exclusive,
        kept: hand.lease.is_none(),
        forked: now,
        started: None,
        told_to_end: None,
        ended: None,
    }
}
