//! Clients send, wait, are answered or not, and try again elsewhere under the same request id.

use std::sync::Arc;

use conduct_model::BundleId;
use conduct_node::command::{ClientHandle, Command, Load, Refusal, Reply, Request};
use conduct_node::descriptor::Descriptor;
use conduct_node::event::{Event, EventKind};
use conduct_node::input::Input;

use super::{Occurrence, World};
use crate::clients::{Attempt, Caller, OperationId, Outcome, Try, Wish};
use crate::engine::{Moment, millis, secs};
use crate::machine::Program;
use crate::watch::Fact;

/// From a client to a node and back.
const TO_NODE: Moment = millis(1);
/// A client that got no answer by then tries another node.
const ANSWER_PATIENCE: Moment = secs(15);
/// Clients give up after so many tries.
const TRIES_MAX: usize = 8;
/// A proxy applies a change after this.
const PROXY_APPLIES: Moment = millis(80);

impl World {
    /// Makes a bundle known to clients: what it is, how large, and what its instances do.
    pub fn publish(&mut self, descriptor: Descriptor, program: Program) -> BundleId {
        let place = self.clients.bundles().len();
        let text = format!("{} {place} {}", self.seed, descriptor.name);
        let bundle = BundleId::plain(conduct_model::Digest::of(text.as_bytes()));
        self.clients
            .has_archive(bundle.bundle, program.archive_bytes);
        self.clients.has_bundle(bundle, Arc::new(descriptor));
        self.programs.insert(bundle, program);
        bundle
    }

    /// A client asks a node for something, and goes on until it knows what came of it.
    pub fn ask(&mut self, host: usize, bundle: BundleId, wish: Wish) -> OperationId {
        let operation = self.clients.begin(self.now, bundle, wish);
        self.fact(&Fact::Asked { operation });
        self.send_request(operation, host);
        operation
    }

    pub(crate) fn client(&mut self, attempt: Attempt) {
        match attempt {
            Attempt::Send { operation, host } => self.send_request(operation, host as usize),
            Attempt::TimeOut { client } => {
                if let Some((host, Caller::Operator(operation))) = self.clients.take(client) {
                    self.clients.get_mut(operation).may_have_worked = true;
                    self.try_again(operation, host);
                }
            }
            Attempt::ApplyRouting { host } => self.apply_routing(host as usize),
        }
    }

    fn send_request(&mut self, operation: OperationId, host: usize) {
        let now = self.now;
        if self.machines[host].daemon.is_none() {
            self.try_again(operation, host);
            return;
        }
        let (bundle, wish) = (
            self.clients.get(operation).bundle,
            self.clients.get(operation).wish,
        );
        if wish == Wish::Load && self.machines[host].archives.get(bundle.bundle).is_none() {
            let bytes = self.clients.bytes_of(bundle.bundle);
            let uploading = self.clients.get_mut(operation);
            // Sent once the archive is there; if it never gets there, the next try finds that out.
            if uploading.uploads < TRIES_MAX {
                uploading.uploads += 1;
                let at = self.upload(host, bundle.bundle, bytes);
                let host = host as u32;
                self.schedule
                    .plan(at, Occurrence::Client(Attempt::Send { operation, host }));
            } else {
                self.give_up(operation);
            }
            return;
        }
        let client = self.clients.wait(host, Caller::Operator(operation));
        let sent = self.clients.get_mut(operation);
        sent.tries.push(Try {
            host,
            sent: now,
            answered: None,
        });
        let id = sent.request;
        self.fact(&Fact::Sent { operation, host });
        let request = Request {
            client,
            id,
            command: self.command(bundle, wish),
        };
        if let Some(reply) = self.sabotage.answers_for(&request.command) {
            self.replied(host, client, reply);
            return;
        }
        self.tell_in(host, TO_NODE, Input::Request(request));
        let patience = if wish == Wish::Leave {
            secs(60)
        } else {
            ANSWER_PATIENCE
        };
        let waits = Occurrence::Client(Attempt::TimeOut { client });
        self.schedule.plan(now + patience, waits);
    }

    fn command(&self, bundle: BundleId, wish: Wish) -> Command {
        match wish {
            Wish::Load => Command::Load(Box::new(Load {
                bundle,
                descriptor: self.clients.descriptor(bundle),
                bundle_bytes: self.clients.bytes_of(bundle.bundle),
                configuration_bytes: 0,
            })),
            Wish::Unload => Command::Unload { bundle },
            Wish::Scale(scale, affinity) => Command::Scale {
                bundle,
                scale,
                affinity,
            },
            Wish::Offset(by) => Command::Offset { bundle, by },
            Wish::Drain(host) => Command::Drain {
                node: self.machines[host].key(),
            },
            Wish::Undrain(host) => Command::Undrain {
                node: self.machines[host].key(),
            },
            Wish::Leave => Command::Leave,
        }
    }

    /// A node has answered somebody.
    pub(crate) fn replied(&mut self, host: usize, client: ClientHandle, reply: Reply) {
        let Some((_, caller)) = self.clients.take(client) else {
            return;
        };
        match caller {
            Caller::Operator(operation) => self.operator_hears(operation, host, reply),
            Caller::Instance { instance, tries } => match reply {
                Reply::Done | Reply::Acknowledged { .. } => {
                    self.signal_answered(host, instance, true);
                }
                Reply::Refused(_) => self.signal_answered(host, instance, false),
                Reply::Quarantined(_) | Reply::Unknown { .. } => {
                    self.signal_again(host, instance, tries);
                }
            },
            Caller::Proxy => {}
        }
    }

    fn operator_hears(&mut self, operation: OperationId, host: usize, reply: Reply) {
        let now = self.now;
        let told = self.clients.get_mut(operation);
        if let Some(last) = told.tries.iter_mut().rev().find(|t| t.host == host) {
            last.answered = Some((now, name_of(&reply)));
        }
        let maybe = told.may_have_worked;
        self.fact(&Fact::Answered {
            operation,
            host,
            reply: &reply,
        });
        self.watch.cover(name_of(&reply));
        match reply {
            Reply::Acknowledged { .. } | Reply::Done => self.settle(operation, Outcome::Ok),
            Reply::Unknown { .. } => {
                self.clients.get_mut(operation).may_have_worked = true;
                self.try_again(operation, host);
            }
            Reply::Quarantined(_)
            | Reply::Refused(
                Refusal::Busy { .. }
                | Refusal::DiskFailed
                | Refusal::ArchiveMissing(_)
                | Refusal::NoRoomForArchive(_),
            ) => self.try_again(operation, host),
            Reply::Refused(why) if maybe => {
                self.settle_unknown(operation, &why);
            }
            Reply::Refused(why) => self.settle(operation, Outcome::Refused(why.to_string())),
        }
    }

    /// An earlier try may have worked, and this one was told that it cannot: which of both holds
    /// is not known.
    fn settle_unknown(&mut self, operation: OperationId, why: &Refusal) {
        self.watch
            .cover(if matches!(why, Refusal::RequestIdReused) {
                "request id reused"
            } else {
                "refused after a lost answer"
            });
        self.settle(operation, Outcome::Unknown);
    }

    fn settle(&mut self, operation: OperationId, outcome: Outcome) {
        let now = self.now;
        self.clients.get_mut(operation).settle(now, outcome);
        self.fact(&Fact::Settled { operation });
    }

    /// The client asks another node, under the same request id.
    fn try_again(&mut self, operation: OperationId, host: usize) {
        let asked = self.clients.get_mut(operation);
        asked.detours += 1;
        if asked.detours >= TRIES_MAX || matches!(asked.wish, Wish::Leave) {
            self.give_up(operation);
            return;
        }
        let hosts = self.machines.len() as u64;
        let next = (host as u64 + 1 + self.clients.dice.below(hosts.max(2) - 1)) % hosts;
        let pause = millis(200 + self.clients.dice.below(800));
        let again = Attempt::Send {
            operation,
            host: next as u32,
        };
        self.schedule
            .plan(self.now + pause, Occurrence::Client(again));
    }

    fn give_up(&mut self, operation: OperationId) {
        let maybe = self.clients.get(operation).may_have_worked;
        let outcome = if maybe {
            Outcome::Unknown
        } else {
            Outcome::Refused("no node took it".to_owned())
        };
        self.settle(operation, outcome);
    }

    /// A client sends the same request again, under the same id.
    pub fn repeat(&mut self, operation: OperationId, host: usize) {
        let asked = self.clients.get_mut(operation);
        asked.outcome = Outcome::Open;
        asked.may_have_worked = true;
        self.send_request(operation, host);
    }

    /// Asks again, under the same request id, for everything whose outcome is not known.
    pub fn resolve_unknowns(&mut self, host: usize) {
        let unknown: Vec<OperationId> = self
            .clients
            .history()
            .iter()
            .filter(|operation| operation.outcome == Outcome::Unknown)
            .map(|operation| operation.id)
            .collect();
        for operation in unknown {
            let asked = self.clients.get_mut(operation);
            asked.detours = 0;
            asked.outcome = Outcome::Open;
            self.send_request(operation, host);
        }
    }

    /// Everyone who waits at this machine has lost the connection.
    pub(crate) fn clients_lose(&mut self, host: usize) {
        for caller in self.clients.take_all_at(host) {
            match caller {
                Caller::Operator(operation) => {
                    self.clients.get_mut(operation).may_have_worked = true;
                    self.try_again(operation, host);
                }
                Caller::Instance { instance, tries } => self.signal_again(host, instance, tries),
                Caller::Proxy => {}
            }
        }
    }

    /// A removal that was forgotten: what was unloaded is loaded again, and nobody asked for it.
    pub(crate) fn reload_removed(&mut self, host: usize, event: &Event) {
        let Some(bundle) = event.bundle else { return };
        if !matches!(event.kind, EventKind::BundleRemoved) || !self.sabotage.forgets_removal() {
            return;
        }
        let bytes = self.clients.bytes_of(bundle.bundle);
        self.machines[host].archives.put(bundle.bundle, bytes);
        let client = self.clients.wait(host, Caller::Proxy);
        let id = self.clients.draw_id();
        let command = self.command(bundle, Wish::Load);
        self.tell_in(
            host,
            secs(6),
            Input::Request(Request {
                client,
                id,
                command,
            }),
        );
    }

    /// An instance calls its node.
    pub(crate) fn instance_calls(
        &mut self,
        host: usize,
        instance: conduct_model::InstanceId,
        tries: u8,
    ) {
        let command = Command::SignalStarted { instance };
        let client = self
            .clients
            .wait(host, Caller::Instance { instance, tries });
        let id = self.clients.draw_id();
        self.tell_in(
            host,
            TO_NODE,
            Input::Request(Request {
                client,
                id,
                command,
            }),
        );
    }

    /// The proxy beside a node hears what callers may be sent to.
    pub(crate) fn proxy_hears(&mut self, host: usize, event: &Event) {
        if matches!(
            event.kind,
            EventKind::ExecutionChanged { .. } | EventKind::ExecutionRemoved { .. }
        ) {
            let applies = Attempt::ApplyRouting { host: host as u32 };
            self.schedule
                .plan(self.now + PROXY_APPLIES, Occurrence::Client(applies));
        }
    }

    fn apply_routing(&mut self, host: usize) {
        let machine = &self.machines[host];
        let Some(daemon) = machine.daemon.as_ref().filter(|_| machine.pause.is_none()) else {
            return;
        };
        let version = daemon.node.routing_version();
        let client = self.clients.wait(host, Caller::Proxy);
        let id = self.clients.draw_id();
        let command = Command::RoutingApplied { version };
        self.tell_in(
            host,
            TO_NODE,
            Input::Request(Request {
                client,
                id,
                command,
            }),
        );
    }
}

/// A reply in a word.
pub(crate) const fn name_of(reply: &Reply) -> &'static str {
    match reply {
        Reply::Acknowledged { .. } => "acknowledged",
        Reply::Done => "done",
        Reply::Quarantined(_) => "quarantined",
        Reply::Unknown { .. } => "unknown",
        Reply::Refused(_) => "refused",
    }
}
