//! What instances do of themselves, and how they end.

use conduct_model::InstanceId;
use conduct_node::runtime::{Exit, ExitStatus, Health, RuntimeEvent, StopStage};

use super::{Deed, World};
use crate::engine::{Moment, secs};
use crate::faults::Bug;
use crate::machine::{Hand, Herald, Phase, Program, What, dice_of};
use crate::watch::Fact;

/// An instance that cannot reach its node signals again after this, so often.
const SIGNAL_AGAIN: Moment = secs(1);
const SIGNAL_TRIES_MAX: u8 = 30;
/// The numbers of two signals.
pub(crate) const SIGKILL: i32 = 9;
pub(crate) const SIGTERM: i32 = 15;
/// What a program exits with when its node refuses its signal.
const EXIT_REFUSED: i32 = 70;

impl World {
    /// Plans what the instance will do.
    pub(crate) fn live_out(&mut self, host: usize, instance: InstanceId, program: &Program) {
        let mut dice = dice_of(self.seed, instance);
        let fate = program.fate(&mut dice);
        if let Some(after) = fate.signals {
            self.deed_in(host, instance, after, Deed::Signals { tries: 0 });
        }
        if let Some((after, status, out_of_memory)) = fate.ends {
            let at = self.machines[host].clock.wall(self.now);
            let exit = Exit {
                out_of_memory,
                ..Exit::seen(status, at)
            };
            let healthy = fate.signals.unwrap_or_default();
            self.deed_in(host, instance, healthy + after, Deed::Ends(exit));
        }
    }

    pub(crate) fn signals(&mut self, host: usize, instance: InstanceId, tries: u8) {
        let Some(hand) = self.machines[host].hands.get(instance) else {
            return;
        };
        if !hand.is_alive() || hand.started {
            return;
        }
        let program = self.program_of(hand);
        match program.herald {
            Herald::Check => {
                if self.machines[host].daemon.is_some() {
                    self.signal_counts(host, instance);
                    self.runtime_says(host, RuntimeEvent::Started { instance });
                } else {
                    self.signal_again(host, instance, tries);
                }
            }
            Herald::Itself if self.machines[host].is_awake() => {
                self.signal_counts(host, instance);
                self.instance_calls(host, instance, tries);
            }
            Herald::Itself => self.signal_again(host, instance, tries),
        }
    }

    /// The node was away when the instance called.
    pub(crate) fn signal_again(&mut self, host: usize, instance: InstanceId, tries: u8) {
        if tries < SIGNAL_TRIES_MAX {
            self.deed_in(
                host,
                instance,
                SIGNAL_AGAIN,
                Deed::Signals { tries: tries + 1 },
            );
        }
    }

    fn signal_counts(&mut self, host: usize, instance: InstanceId) {
        let now = self.now;
        if let Some(real) = self.truth.real_mut(instance, host)
            && real.started.is_none()
        {
            real.started = Some(now);
            self.fact(&Fact::Signalled { host, instance });
        }
    }

    /// The node has answered the instance's signal.
    pub(crate) fn signal_answered(&mut self, host: usize, instance: InstanceId, taken: bool) {
        if !taken {
            self.ended(host, instance, ExitStatus::Code(EXIT_REFUSED), false);
        } else if let Some(hand) = self.machines[host].hands.get_mut(instance) {
            hand.started = true;
        }
    }

    /// SIGTERM.
    pub(crate) fn terminate(&mut self, host: usize, instance: InstanceId) {
        let now = self.now;
        let Some(hand) = self.machines[host].hands.get_mut(instance) else {
            return;
        };
        if !hand.is_alive() || std::mem::replace(&mut hand.terminated, true) {
            return;
        }
        let hand = hand.clone();
        if let Some(real) = self.truth.real_mut(instance, host) {
            real.told_to_end.get_or_insert(now);
        }
        self.fact(&Fact::ToldToEnd { host, instance });
        let stage = StopStage::Terminating;
        self.runtime_says(host, RuntimeEvent::Stopping { instance, stage });
        let mut dice = dice_of(self.seed ^ 1, instance);
        if let Some(after) = self.program_of(&hand).obeys_after(&mut dice) {
            self.deed_in(host, instance, after, Deed::Obeys);
        }
    }

    /// SIGKILL, to everything in the instance's cgroup.
    pub(crate) fn killed(&mut self, host: usize, instance: InstanceId) {
        if self.sabotage.has(Bug::SignalByPid) {
            self.signal_blindly(host, instance);
        }
        if self.machines[host]
            .hands
            .get(instance)
            .is_some_and(Hand::is_alive)
        {
            let stage = StopStage::Killing;
            self.runtime_says(host, RuntimeEvent::Stopping { instance, stage });
            self.ended(host, instance, ExitStatus::Signal(SIGKILL), false);
        }
    }

    /// SIGKILL to a pid that was written down, without a look at who has it now.
    fn signal_blindly(&mut self, host: usize, instance: InstanceId) {
        let machine = &self.machines[host];
        let Some(pid) = machine.hands.get(instance).and_then(|hand| hand.last_pid) else {
            return;
        };
        let who = machine.processes.get(pid);
        if who.is_some_and(|process| process.what != What::Instance(instance)) {
            self.fact(&Fact::Misfired { host, instance });
        }
    }

    /// A continuing check of the instance says something.
    pub fn check_says(&mut self, host: usize, instance: InstanceId, health: Health) {
        self.disturb(host);
        self.runtime_says(host, RuntimeEvent::Health { instance, health });
    }

    /// Somebody outside kills the instance.
    pub fn kill_instance(&mut self, host: usize, instance: InstanceId) {
        self.disturb(host);
        self.ended(host, instance, ExitStatus::Signal(SIGKILL), false);
    }

    pub(crate) fn ended(
        &mut self,
        host: usize,
        instance: InstanceId,
        status: ExitStatus,
        out_of_memory: bool,
    ) {
        let now = self.now;
        let machine = &mut self.machines[host];
        let at = machine.clock.wall(now);
        let away = machine.daemon.is_none();
        let Some(hand) = machine.hands.get_mut(instance) else {
            return;
        };
        let Phase::Alive { pid, shim, .. } = hand.phase else {
            return;
        };
        let by_lease = hand.lease.is_some_and(|stamp| {
            hand.terminated && machine.clock.time(now) >= stamp + super::shims::LEASE_TERM
        });
        let exit = Exit {
            status,
            out_of_memory,
            at,
            while_away: away,
            by_lease,
        };
        hand.phase = Phase::Ended(exit);
        machine.processes.end(pid);
        if let Some(shim) = shim {
            machine.processes.end(shim);
        }
        machine.processes.bustle(pid, now);
        self.truth.ended(instance, host, now, exit);
        self.fact(&Fact::Ended {
            host,
            instance,
            exit,
        });
        self.runtime_says(host, RuntimeEvent::Ended { instance, exit });
    }
}
