//! Carries out what schedulers, hosts and fake instances do.

use std::collections::BTreeSet;

use conduct_model::{BundleId, InstanceId, Span};

use crate::execution::{Cause, State};
use crate::fuzz::World;
use crate::fuzz::fake::{Happens, Letter, Write};
use crate::fuzz::hands::{Conduct, Phase, Process, place};
use crate::fuzz::wires::DISK;
use crate::host::{HostEffect, HostInput, RuntimeNews};
use crate::message::Message;
use crate::scheduler::{Effect, Input};

/// How long the hands take, and reports on their way.
const GOSSIP: Span = Span::millis(60);
const UNPACKING: Span = Span::millis(20);
const ENDING: Span = Span::millis(100);
const WITHDRAWING: Span = Span::millis(200);

impl World {
    /// Lets a scheduler take an input and carries out what it does.
    pub(super) fn schedule(&mut self, node: usize, input: Input) {
        let mut effects = Vec::new();
        self.nodes[node]
            .scheduler
            .step(self.now, input, &mut effects);
        let life = self.nodes[node].life;
        for effect in effects {
            match effect {
                Effect::Send { to, message } => {
                    if let Some(to) = self.nodes.iter().position(|other| other.key == to) {
                        self.send(node, to, Letter::Scheduling(message));
                    }
                }
                Effect::Persist { token, promises } => {
                    let write = Write::Promises(token, promises);
                    self.after(DISK, Happens::Stored { node, life, write });
                }
                Effect::Propose { system, assignment } => {
                    let version = assignment.version;
                    let era = self.era(&system);
                    self.written.push((assignment.clone(), era));
                    let proposal = (version, BTreeSet::new());
                    self.nodes[node].proposals.insert(system.clone(), proposal);
                    let letter = Letter::Assignment {
                        system,
                        assignment,
                        proposed: true,
                    };
                    self.broadcast(node, &letter);
                }
                Effect::Event(event) => self.events.push((self.now, *event)),
                Effect::Refill => self.refill(node),
                Effect::Arm(at) => {
                    let wait = at.since(self.now);
                    self.after(wait, Happens::SchedulerTimer { node, life });
                }
            }
        }
    }

    /// Lets a host take an input and carries out what it does.
    pub(super) fn host(&mut self, node: usize, input: HostInput) {
        if !self.nodes[node].up {
            return;
        }
        let mut effects = Vec::new();
        self.nodes[node].host.step(self.now, input, &mut effects);
        let life = self.nodes[node].life;
        for effect in effects {
            match effect {
                HostEffect::Persist { token, writes } => {
                    let write = Write::Host(token, writes);
                    self.after(DISK, Happens::Stored { node, life, write });
                }
                HostEffect::Tell { to, news } => {
                    if let Some(to) = self.nodes.iter().position(|other| other.key == to) {
                        self.send(node, to, Letter::Scheduling(Message::News(news)));
                    }
                }
                HostEffect::Prepare { instance, bundle } => {
                    let process = Process {
                        bundle,
                        phase: Phase::Prepared,
                        doomed: false,
                    };
                    self.nodes[node]
                        .hands
                        .processes
                        .entry(instance)
                        .or_insert(process);
                    self.after(
                        UNPACKING,
                        Happens::Prepared {
                            node,
                            instance,
                            life,
                        },
                    );
                }
                HostEffect::Start {
                    instance, bundle, ..
                } => self.fork(node, instance, bundle),
                HostEffect::Stop { instance, .. } => self.terminate(node, instance),
                HostEffect::Forget { instance } => {
                    self.nodes[node].hands.processes.remove(&instance);
                }
                HostEffect::Report => self.after(GOSSIP, Happens::Report { node, life }),
                HostEffect::Event(event) => self.events.push((self.now, *event)),
                HostEffect::Arm(at) => {
                    let wait = at.since(self.now);
                    self.after(wait, Happens::HostTimer { node, life });
                }
            }
        }
        // Proxies notice an instance that is being drained a moment later.
        let report = self.nodes[node].host.report();
        for execution in report.executions {
            if execution.state == State::Stopping {
                let instance = execution.instance;
                self.after(
                    WITHDRAWING,
                    Happens::Withdrawn {
                        node,
                        instance,
                        life,
                    },
                );
            }
        }
    }

    fn conduct(&self, bundle: BundleId) -> Conduct {
        let usual = Conduct::Good(Span::millis(150));
        self.conducts.get(&bundle).copied().unwrap_or(usual)
    }

    pub(super) fn prepared(&mut self, node: usize, instance: InstanceId) {
        let Some(process) = self.nodes[node].hands.processes.get(&instance) else {
            return;
        };
        let news = match self.conduct(process.bundle) {
            Conduct::Broken => RuntimeNews::Failed {
                why: "no such file".into(),
            },
            _ => RuntimeNews::Prepared,
        };
        self.host(node, HostInput::Runtime { instance, news });
    }

    fn fork(&mut self, node: usize, instance: InstanceId, bundle: BundleId) {
        let Some(process) = self.nodes[node].hands.processes.get_mut(&instance) else {
            return;
        };
        process.phase = Phase::Starting;
        let found_at = place(node);
        self.host(
            node,
            HostInput::Runtime {
                instance,
                news: RuntimeNews::Launched { found_at },
            },
        );
        match self.conduct(bundle) {
            Conduct::Good(after) => self.after(after, Happens::Signals { node, instance }),
            Conduct::FailsToStart(code, after) => {
                let cause = Cause::Exited(code);
                self.after(
                    after,
                    Happens::Ends {
                        node,
                        instance,
                        cause,
                    },
                );
            }
            Conduct::Ends(code, after) => {
                let cause = Cause::Exited(code);
                self.after(Span::millis(1), Happens::Signals { node, instance });
                self.after(
                    after,
                    Happens::Ends {
                        node,
                        instance,
                        cause,
                    },
                );
            }
            Conduct::Silent | Conduct::Broken => {}
        }
    }

    pub(super) fn signals(&mut self, node: usize, instance: InstanceId) {
        let Some(process) = self.nodes[node].hands.processes.get_mut(&instance) else {
            return;
        };
        if matches!(process.phase, Phase::Starting) {
            process.phase = Phase::Signalled;
            self.host(
                node,
                HostInput::Runtime {
                    instance,
                    news: RuntimeNews::Signalled,
                },
            );
        }
    }

    fn terminate(&mut self, node: usize, instance: InstanceId) {
        let known = self.nodes[node].hands.processes.get_mut(&instance);
        if let Some(process) = known {
            process.doomed = true;
        }
        let cause = Cause::Killed(15);
        self.after(
            ENDING,
            Happens::Ends {
                node,
                instance,
                cause,
            },
        );
    }

    pub(super) fn end(&mut self, node: usize, instance: InstanceId, cause: Cause) {
        let up = self.nodes[node].up;
        let known = self.nodes[node].hands.processes.get_mut(&instance);
        if let Some(process) = known {
            if matches!(process.phase, Phase::Ended(_)) {
                return;
            }
            process.phase = Phase::Ended(cause.clone());
        }
        if up {
            let news = RuntimeNews::Ended {
                cause,
                while_away: false,
            };
            self.host(node, HostInput::Runtime { instance, news });
        }
    }
}
