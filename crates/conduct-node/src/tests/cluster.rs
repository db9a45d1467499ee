//! The cluster: one queue of what happens next.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use bytes::Bytes;
use conduct_model::{BundleId, Digest, InstanceId, NodeKey, RequestId, Span, Time};

use super::world::{HandStage, Machine, now};
use crate::Node;
use crate::archive::ArchiveEvent;
use crate::command::{ClientHandle, Command, Load, Reply, Request};
use crate::config::Config;
use crate::descriptor::Descriptor;
use crate::input::{Input, StoreFailure};
use crate::restored::Restored;
use crate::runtime::{Exit, ExitStatus, RuntimeEvent};
use crate::view::{ExecutionState, View};

/// Machines with nodes on them, and everything that is about to happen.
pub(super) struct Cluster {
    pub(super) machines: BTreeMap<NodeKey, Machine>,
    keys: Vec<NodeKey>,
    pub(super) time: Time,
    queue: BTreeMap<(Time, u64), Happening>,
    sequence: u64,
    requests: u128,
    pub(super) cut: BTreeSet<(NodeKey, NodeKey)>,
    /// Programs that behave otherwise than they should, by the name of their bundle.
    pub(super) behaviour: BTreeMap<String, Behaviour>,
}

/// What a program does once it was forked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Behaviour {
    NeverSignals,
    Exits(i32),
}

pub(super) enum Happening {
    Input(NodeKey, u64, Box<Input>),
    Ring(NodeKey, u64),
    Sync(NodeKey, u64, u64),
    Signal(NodeKey, InstanceId),
    Exit(NodeKey, InstanceId, i32),
}

pub(super) fn key_of(n: usize) -> NodeKey {
    NodeKey::from_digest(Digest::of(format!("node {n}").as_bytes()))
}

fn address(n: usize) -> SocketAddr {
    SocketAddr::from(([127, 0, 10, n as u8 + 1], 9004))
}

impl Cluster {
    /// `count` nodes that have found each other and accept changes.
    pub(super) fn settled(count: usize) -> Cluster {
        let mut cluster = Cluster::starting(count);
        let settled = |cluster: &Cluster| {
            (0..count).all(|n| {
                let view = cluster.view(n);
                let ready = view.members.values().filter(|member| member.ready).count();
                view.quarantine.is_none() && ready == count && view.voters.len() == count.min(9)
            })
        };
        cluster.until("the nodes find each other", Span::secs(60), settled);
        cluster
    }

    /// `count` nodes that have just begun.
    pub(super) fn starting(count: usize) -> Cluster {
        let mut cluster = Cluster {
            machines: BTreeMap::new(),
            keys: (0..count).map(key_of).collect(),
            time: Time::from_millis(1_000),
            queue: BTreeMap::new(),
            sequence: 0,
            requests: 0,
            cut: BTreeSet::new(),
            behaviour: BTreeMap::new(),
        };
        for n in 0..count {
            let mut config = Config::local(key_of(n), address(n));
            if n > 0 {
                config.seeds = vec![address(0)];
            }
            cluster.machines.insert(key_of(n), Machine::new(config));
            cluster.start(n);
        }
        cluster
    }

    pub(super) fn key(&self, n: usize) -> NodeKey {
        self.keys[n]
    }

    pub(super) fn machine(&mut self, n: usize) -> &mut Machine {
        let key = self.keys[n];
        self.machines.get_mut(&key).expect("a machine")
    }

    pub(super) fn node(&self, n: usize) -> &Node {
        self.machines[&self.keys[n]]
            .node
            .as_ref()
            .expect("a daemon")
    }

    pub(super) fn view(&self, n: usize) -> View {
        self.node(n).view(now(self.time))
    }

    /// Starts a daemon from what is on its machine's disk.
    pub(super) fn start(&mut self, n: usize) {
        let key = self.keys[n];
        let machine = self.machine(n);
        machine.lives += 1;
        let restored = Restored {
            records: machine.records(),
            ..Restored::default()
        };
        let seed = machine.lives * 1_000 + n as u64;
        machine.node = Some(Node::new(machine.config.clone(), seed, restored));
        let archives = machine
            .archives
            .iter()
            .map(|(d, bytes)| (*d, *bytes))
            .collect();
        let instances = machine.adopted();
        self.input(key, Input::Start);
        self.later(key, 1, Input::Archive(ArchiveEvent::Holdings { archives }));
        self.later(key, 20, Input::Runtime(RuntimeEvent::Adopted { instances }));
    }

    /// Kills a daemon: what was not synced is gone.
    pub(super) fn kill(&mut self, n: usize) {
        let key = self.keys[n];
        let machine = self.machine(n);
        machine.node = None;
        machine.unsynced.clear();
        (machine.armed, machine.ended) = (None, None);
        let peers = std::mem::take(&mut machine.links);
        machine.kept.clear();
        for peer in peers {
            self.unlink(peer, key);
        }
    }

    /// No packet passes between these two sides.
    pub(super) fn cut(&mut self, side: &[usize], other: &[usize]) {
        for (a, b) in side
            .iter()
            .flat_map(|a| other.iter().map(move |b| (*a, *b)))
        {
            let (a, b) = (self.keys[a], self.keys[b]);
            self.cut.insert((a, b));
            self.cut.insert((b, a));
            self.unlink(a, b);
            self.unlink(b, a);
        }
    }

    pub(super) fn heal(&mut self) {
        self.cut.clear();
        let wanted: Vec<(NodeKey, NodeKey)> = self
            .machines
            .iter()
            .flat_map(|(a, machine)| machine.kept.iter().map(|b| (*a, *b)))
            .collect();
        for (a, b) in wanted {
            self.link(a, b);
        }
    }

    /// Hands an input over now.
    pub(super) fn input(&mut self, key: NodeKey, input: Input) {
        let time = self.time;
        let Some(machine) = self.machines.get_mut(&key) else {
            return;
        };
        let Some(node) = &mut machine.node else {
            return;
        };
        if machine.ended.is_some() {
            return;
        }
        let mut effects = Vec::new();
        node.step(now(time), input, &mut effects);
        for effect in effects {
            self.perform(key, effect);
        }
    }

    pub(super) fn plan(&mut self, after: u64, what: Happening) {
        self.sequence += 1;
        self.queue
            .insert((self.time + Span::millis(after), self.sequence), what);
    }

    pub(super) fn later(&mut self, key: NodeKey, after: u64, input: Input) {
        let life = self.machines[&key].lives;
        self.plan(after, Happening::Input(key, life, Box::new(input)));
    }

    pub(super) fn run(&mut self, span: Span) {
        let end = self.time + span;
        while let Some((&(at, sequence), _)) = self.queue.first_key_value() {
            if at > end {
                break;
            }
            self.time = at;
            if let Some(what) = self.queue.remove(&(at, sequence)) {
                self.happen(what);
            }
        }
        self.time = end;
    }

    /// Lets time pass until something is so.
    pub(super) fn until(&mut self, what: &str, within: Span, so: impl Fn(&Cluster) -> bool) {
        let end = self.time + within;
        while !so(self) {
            if self.time >= end {
                let told: Vec<String> = self
                    .machines
                    .values()
                    .flat_map(|machine| machine.events.iter().rev().take(25).rev())
                    .map(|event| {
                        format!("{} {}: {event}", event.at.as_millis(), event.node.short())
                    })
                    .collect();
                panic!("not within {within}: {what}\n{}", told.join("\n"));
            }
            self.run(Span::millis(10));
        }
    }

    fn happen(&mut self, what: Happening) {
        match what {
            Happening::Input(key, life, input) => {
                if self.machines[&key].lives == life {
                    self.input(key, *input);
                }
            }
            Happening::Ring(key, life) => {
                let machine = &mut self.machines.get_mut(&key).expect("a machine");
                if machine.lives == life && machine.armed == Some(self.time) {
                    machine.armed = None;
                    self.input(key, Input::Timer);
                }
            }
            Happening::Sync(key, life, n) => {
                let machine = self.machines.get_mut(&key).expect("a machine");
                if machine.lives == life && machine.node.is_some() {
                    if machine.stalled {
                        return self.plan(50, Happening::Sync(key, life, n));
                    }
                    if machine.failing {
                        machine.unsynced.retain(|(number, _)| *number < n);
                        return self.input(
                            key,
                            Input::StoreFailed {
                                n,
                                why: StoreFailure::NoSpace,
                            },
                        );
                    }
                    machine.sync(n);
                    self.input(key, Input::Stored(n));
                }
            }
            Happening::Signal(key, instance) => {
                let machine = self.machines.get_mut(&key).expect("a machine");
                if let Some(hand) = machine.hands.get_mut(&instance) {
                    hand.stage = HandStage::Running;
                    self.input(key, Input::Runtime(RuntimeEvent::Started { instance }));
                }
            }
            Happening::Exit(key, instance, code) => self.exit(key, instance, code),
        }
    }

    /// A program ends.
    pub(super) fn exit(&mut self, key: NodeKey, instance: InstanceId, code: i32) {
        let machine = self.machines.get_mut(&key).expect("a machine");
        if machine.hands.remove(&instance).is_some() {
            let exit = Exit::seen(ExitStatus::Code(code), now(self.time).wall);
            self.input(key, Input::Runtime(RuntimeEvent::Ended { instance, exit }));
        }
    }

    /// Asks a node for something; answers with the handle of the reply.
    pub(super) fn ask(&mut self, n: usize, command: Command) -> ClientHandle {
        self.requests += 1;
        let id = RequestId::from_u128(self.requests);
        self.ask_as(n, id, command)
    }

    pub(super) fn ask_as(&mut self, n: usize, id: RequestId, command: Command) -> ClientHandle {
        self.requests += 1;
        let client = ClientHandle(self.requests as u64);
        let key = self.keys[n];
        self.input(
            key,
            Input::Request(Request {
                client,
                id,
                command,
            }),
        );
        client
    }

    pub(super) fn reply(&self, n: usize, client: ClientHandle) -> Option<Reply> {
        self.machines[&self.keys[n]]
            .replies
            .get(&client)
            .map(|(_, reply)| reply.clone())
    }

    /// Asks, and waits for the reply.
    pub(super) fn tell(&mut self, n: usize, command: Command) -> Reply {
        let client = self.ask(n, command);
        self.until("there is a reply", Span::secs(11), |cluster| {
            cluster.reply(n, client).is_some()
        });
        self.reply(n, client).expect("there is a reply")
    }

    /// Loads a bundle through a node.
    pub(super) fn load(&mut self, n: usize, descriptor: &Descriptor) -> BundleId {
        let (bundle, load) = self.upload(n, descriptor);
        let reply = self.tell(n, load);
        assert!(matches!(reply, Reply::Acknowledged { .. }), "{reply:?}");
        bundle
    }

    /// Puts the archive of a bundle on a node's disk, and says how to load it.
    pub(super) fn upload(&mut self, n: usize, descriptor: &Descriptor) -> (BundleId, Command) {
        let bundle = BundleId::plain(Digest::of(descriptor.name.as_bytes()));
        let key = self.keys[n];
        self.put_archive(key, bundle.bundle, 100);
        self.run(Span::millis(11));
        let load = Load {
            bundle,
            descriptor: std::sync::Arc::new(descriptor.clone()),
            bundle_bytes: 100,
            configuration_bytes: 0,
        };
        (bundle, Command::Load(Box::new(load)))
    }

    pub(super) fn scale(&mut self, n: usize, bundle: BundleId, scale: u32) -> Reply {
        self.tell(
            n,
            Command::Scale {
                bundle,
                scale,
                affinity: None,
            },
        )
    }

    /// How many instances of a bundle are healthy, as a node sees it.
    pub(super) fn running(&self, n: usize, bundle: BundleId) -> usize {
        let view = self.view(n);
        let Some(bundle) = view.bundles.get(&bundle) else {
            return 0;
        };
        let running = |state: &ExecutionState| *state == ExecutionState::Running;
        bundle
            .executions
            .values()
            .filter(|held| running(&held.state) && held.active)
            .count()
    }

    /// How many processes of a bundle there really are.
    pub(super) fn processes(&self, bundle: BundleId) -> usize {
        self.machines
            .values()
            .map(|machine| machine.processes(bundle))
            .sum()
    }

    pub(super) fn until_running(&mut self, bundle: BundleId, count: usize, within: Span) {
        let nodes: Vec<usize> = (0..self.keys.len())
            .filter(|n| self.machines[&self.keys[*n]].node.is_some())
            .collect();
        self.until(&format!("{count} run"), within, |cluster| {
            nodes.iter().all(|n| cluster.running(*n, bundle) == count)
        });
    }

    /// What one node told about, by the names of the events.
    pub(super) fn told(&self, n: usize) -> Vec<&'static str> {
        self.machines[&self.keys[n]]
            .events
            .iter()
            .map(|event| event.kind.name())
            .collect()
    }

    /// A packet out of nowhere.
    pub(super) fn packet(&mut self, to: usize, from: NodeKey, bytes: Bytes) {
        let key = self.keys[to];
        self.input(key, Input::Datagram { from, bytes });
    }
}
