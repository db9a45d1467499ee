//! Daemons live and die: starts, kills, pauses, and what a daemon is told.

use std::panic::{AssertUnwindSafe, catch_unwind};

use conduct_node::Node;
use conduct_node::archive::ArchiveEvent;
use conduct_node::input::Input;
use conduct_node::restored::{Crash as Panic, Fingerprint};
use conduct_node::runtime::RuntimeEvent;

use super::{Occurrence, World};
use crate::engine::{Moment, millis};
use crate::machine::{Crash, Daemon, Pause};
use crate::watch::Fact;

/// Packets that a paused daemon's socket holds; what comes then is dropped by the kernel.
const SOCKET_PACKETS_MAX: usize = 400;

impl World {
    /// Starts the daemon of a machine that has power and none running.
    pub fn start_daemon(&mut self, host: usize) {
        let machine = &mut self.machines[host];
        if !machine.powered || machine.daemon.is_some() {
            return;
        }
        let seed = machine.next_seed();
        machine.life += 1;
        let life = machine.life;
        let restored = machine.restored();
        machine.daemon = Some(Daemon {
            node: Node::new(machine.config.clone(), seed, restored),
            armed: Moment::NEVER,
            planned: Moment::NEVER,
            since: self.now,
            skips: false,
        });
        self.truth.awake_since[host] = Some(self.now);
        self.note_sides();
        self.fact(&Fact::Born { host, life });
        self.step(host, Input::Start);
        let archives = self.machines[host]
            .archives
            .iter()
            .map(|(d, archive)| (d, archive.bytes))
            .collect();
        self.tell_in(
            host,
            millis(2),
            Input::Archive(ArchiveEvent::Holdings { archives }),
        );
        let asking = millis(20 + self.machines[host].dice.below(150));
        self.schedule.plan(
            self.now + asking,
            Occurrence::Fault(crate::faults::Act::Adopt {
                host: host as u32,
                life,
            }),
        );
    }

    /// The daemon has asked all its shims.
    pub(crate) fn adopt(&mut self, host: usize, life: u32) {
        if self.machines[host].life != life || self.machines[host].daemon.is_none() {
            return;
        }
        self.reshim(host);
        let instances = self.machines[host].hands.adopt();
        self.tell(
            host,
            life,
            Input::Runtime(RuntimeEvent::Adopted { instances }),
        );
    }

    /// The daemon is killed; its instances go on.
    pub fn kill_daemon(&mut self, host: usize) {
        self.end_daemon(host, Crash::Process);
    }

    pub(crate) fn end_daemon(&mut self, host: usize, crash: Crash) {
        let machine = &mut self.machines[host];
        if machine.daemon.take().is_none() {
            return;
        }
        machine.pause = None;
        machine.inbox.clear();
        machine.disk.crash(crash, &mut machine.dice);
        machine.hands.orphan();
        machine.archives.orphan();
        self.truth.awake_since[host] = None;
        self.hang_up(host);
        self.clients_lose(host);
        self.disturb(host);
        self.note_sides();
        self.fact(&Fact::Died { host });
    }

    /// The daemon, or all of the machine, stands still.
    pub fn pause(&mut self, host: usize, pause: Pause) {
        let machine = &mut self.machines[host];
        if machine.daemon.is_none() || machine.pause.is_some() {
            return;
        }
        machine.pause = Some(pause);
        self.truth.awake_since[host] = None;
        self.disturb(host);
        self.note_sides();
        self.fact(&Fact::Paused { host });
    }

    /// It goes on, and finds everything that arrived meanwhile.
    pub fn resume(&mut self, host: usize) {
        let machine = &mut self.machines[host];
        if machine.pause.take().is_none() {
            return;
        }
        for occurrence in std::mem::take(&mut machine.inbox) {
            self.schedule.plan(self.now, occurrence);
        }
        self.truth.awake_since[host] = Some(self.now);
        self.disturb(host);
        self.note_sides();
        self.fact(&Fact::Resumed { host });
    }

    /// Whether `occurrence` has to wait because the daemon of `host` is paused; then it does.
    pub(crate) fn defer(&mut self, host: usize, occurrence: Occurrence) -> Option<Occurrence> {
        let machine = &mut self.machines[host];
        if machine.pause.is_none() {
            return Some(occurrence);
        }
        let is_packet = matches!(occurrence, Occurrence::Packet(_) | Occurrence::Line { .. });
        if !is_packet || machine.inbox.len() < SOCKET_PACKETS_MAX {
            machine.inbox.push_back(occurrence);
        }
        None
    }

    /// The daemon's timer.
    pub(crate) fn ring(&mut self, host: usize, life: u32) {
        let now = self.now;
        let machine = &mut self.machines[host];
        if machine.life != life {
            return;
        }
        if machine.pause.is_some() {
            machine.inbox.push_back(Occurrence::Timer {
                host: host as u32,
                life,
            });
            return;
        }
        let Some(daemon) = &mut machine.daemon else {
            return;
        };
        daemon.planned = Moment::NEVER;
        if daemon.armed > now {
            let at = daemon.armed;
            self.plan_timer(host, at);
            return;
        }
        daemon.armed = Moment::NEVER;
        self.step(host, Input::Timer);
    }

    /// Plans the timer for `at` unless an earlier ring is planned, which will plan it anew.
    pub(crate) fn plan_timer(&mut self, host: usize, at: Moment) {
        let machine = &mut self.machines[host];
        let life = machine.life;
        let Some(daemon) = &mut machine.daemon else {
            return;
        };
        daemon.armed = at;
        if at < daemon.planned {
            daemon.planned = at;
            self.schedule.plan(
                at.max(self.now),
                Occurrence::Timer {
                    host: host as u32,
                    life,
                },
            );
        }
    }

    /// Tells the daemon something, unless it is another one by now.
    pub(crate) fn tell(&mut self, host: usize, life: u32, input: Input) {
        if self.machines[host].life != life || self.machines[host].daemon.is_none() {
            return;
        }
        let telling = Occurrence::Tell {
            host: host as u32,
            life,
            input: Box::new(input),
        };
        if let Some(Occurrence::Tell { input, .. }) = self.defer(host, telling) {
            self.step(host, *input);
        }
    }

    /// Tells the present daemon something in a while.
    pub(crate) fn tell_in(&mut self, host: usize, delay: Moment, input: Input) {
        let life = self.machines[host].life;
        let told = Occurrence::Tell {
            host: host as u32,
            life,
            input: Box::new(input),
        };
        self.schedule.plan(self.now + delay, told);
    }

    /// One step of the product, and everything that it asks for.
    pub(crate) fn step(&mut self, host: usize, input: Input) {
        let machine = &mut self.machines[host];
        let now = self.sabotage.clock(machine.clock.read(self.now));
        let Some(daemon) = &mut machine.daemon else {
            return;
        };
        let crashes = self.sabotage.crashes(&input);
        let mut effects = std::mem::take(&mut self.effects);
        let node = &mut daemon.node;
        let stepped = catch_unwind(AssertUnwindSafe(|| node.step(now, input, &mut effects)));
        self.steps += 1;
        if stepped.is_err() {
            effects.clear();
            self.effects = effects;
            self.panicked(host, "the node panicked");
            return;
        }
        if crashes {
            daemon.skips |= self.sabotage.is_skipped(&effects);
            let read = node
                .state()
                .filter(|_| !daemon.skips)
                .and_then(|state| self.sabotage.poison_in(state));
            if let Some(handling) = read {
                effects.clear();
                self.effects = effects;
                self.poisoned(host, handling);
                return;
            }
        }
        for effect in effects.drain(..) {
            self.perform(host, effect);
        }
        self.effects = effects;
        self.watching(|watch, look| watch.stepped(look, host));
    }

    /// The step read a record that is made to crash its reader.
    fn poisoned(&mut self, host: usize, handling: Fingerprint) {
        let now = self.now;
        let machine = &mut self.machines[host];
        let at = machine.clock.wall(now);
        machine.crashes.push(Panic { handling, at });
        self.watch.cover("poison met");
        self.kill_daemon(host);
        self.plan_start(host, millis(500));
    }

    fn panicked(&mut self, host: usize, what: &str) {
        self.watch
            .object("no_panic", self.now, format!("{what} on n{host}"));
    }
}
