//! What comes of the effects of a node.

use std::collections::BTreeMap;

use conduct_model::{Digest, NodeKey};

use super::cluster::{Behaviour, Cluster, Happening};
use super::world::{Hand, HandStage};
use crate::archive::{ArchiveEvent, ArchiveOrder, FetchFailure, GoneWhy};
use crate::effect::{Effect, LinkOrder};
use crate::input::{Input, LinkNews};
use crate::runtime::{Ports, RuntimeEvent, RuntimeOrder, StartInstance};

impl Cluster {
    pub(super) fn perform(&mut self, key: NodeKey, effect: Effect) {
        match effect {
            Effect::Datagram { to, bytes } => {
                if self.machines[&key].links.contains(&to) {
                    self.deliver(key, to, |from| Input::Datagram { from, bytes });
                }
            }
            Effect::Frame { to, bytes } => {
                self.link(key, to);
                self.deliver(key, to, |from| Input::Frame { from, bytes });
            }
            Effect::Link(order) => self.link_order(key, order),
            Effect::Persist { n, writes } => {
                let machine = self.machines.get_mut(&key).expect("a machine");
                let writes = writes
                    .into_iter()
                    .map(|write| (write.key, write.value))
                    .collect();
                machine.unsynced.push((n, writes));
                let life = machine.lives;
                self.plan(1, Happening::Sync(key, life, n));
            }
            Effect::Runtime(order) => self.runtime(key, order),
            Effect::Archive(order) => self.archive(key, &order),
            Effect::Publish(event) => {
                self.machines
                    .get_mut(&key)
                    .expect("a machine")
                    .events
                    .push(*event);
            }
            Effect::Reply {
                client,
                request,
                reply,
            } => {
                let machine = self.machines.get_mut(&key).expect("a machine");
                let before = machine.replies.insert(client, (request, reply));
                assert!(before.is_none(), "a command has one reply");
            }
            Effect::Arm(at) => {
                let machine = self.machines.get_mut(&key).expect("a machine");
                let at = at.max(self.time);
                machine.armed = Some(at);
                let life = machine.lives;
                let after = at.since(self.time).as_millis();
                self.plan(after, Happening::Ring(key, life));
            }
            Effect::End(end) => {
                self.machines.get_mut(&key).expect("a machine").ended = Some(end);
            }
        }
    }

    fn deliver(&mut self, from: NodeKey, to: NodeKey, input: impl FnOnce(NodeKey) -> Input) {
        if self.machines.contains_key(&to) && !self.cut.contains(&(from, to)) {
            self.later(to, 1, input(from));
        }
    }

    fn link_order(&mut self, key: NodeKey, order: LinkOrder) {
        match order {
            LinkOrder::Keep { peer } => {
                self.machines
                    .get_mut(&key)
                    .expect("a machine")
                    .kept
                    .insert(peer);
                self.link(key, peer);
            }
            LinkOrder::Release { peer } => {
                self.machines
                    .get_mut(&key)
                    .expect("a machine")
                    .kept
                    .remove(&peer);
            }
            LinkOrder::Dial { address } => {
                let peer = self
                    .machines
                    .iter()
                    .find(|(_, m)| m.config.address == address);
                if let Some(peer) = peer.map(|(peer, _)| *peer) {
                    self.link(key, peer);
                }
            }
            LinkOrder::Address { .. } | LinkOrder::AskKernel { .. } => {}
        }
    }

    pub(super) fn link(&mut self, a: NodeKey, b: NodeKey) {
        let up = |key: &NodeKey| self.machines.get(key).is_some_and(|m| m.node.is_some());
        if a == b || !up(&a) || !up(&b) || self.cut.contains(&(a, b)) {
            return;
        }
        for (here, there) in [(a, b), (b, a)] {
            let address = self.machines[&there].config.address;
            if self
                .machines
                .get_mut(&here)
                .expect("a machine")
                .links
                .insert(there)
            {
                let news = LinkNews::Connected { address };
                self.later(here, 1, Input::Link { peer: there, news });
            }
        }
    }

    pub(super) fn unlink(&mut self, here: NodeKey, there: NodeKey) {
        if self
            .machines
            .get_mut(&here)
            .is_some_and(|machine| machine.links.remove(&there))
        {
            self.later(
                here,
                1,
                Input::Link {
                    peer: there,
                    news: LinkNews::Lost,
                },
            );
        }
    }

    fn runtime(&mut self, key: NodeKey, order: RuntimeOrder) {
        let machine = self.machines.get_mut(&key).expect("a machine");
        match order {
            RuntimeOrder::Prepare {
                instance, bundle, ..
            } => {
                let all = [Some(bundle.bundle), bundle.configuration];
                assert!(
                    all.into_iter()
                        .flatten()
                        .all(|d| machine.archives.contains_key(&d))
                );
                machine.hands.entry(instance).or_insert_with(|| Hand {
                    bundle,
                    stage: HandStage::Prepared,
                    seeds: 0,
                    ports: BTreeMap::new(),
                });
                self.later(key, 5, Input::Runtime(RuntimeEvent::Prepared { instance }));
            }
            RuntimeOrder::Start(start) => self.fork(key, *start),
            RuntimeOrder::Stop { instance, .. } => {
                let code = if machine.hands.contains_key(&instance) {
                    143
                } else {
                    0
                };
                self.plan(20, Happening::Exit(key, instance, code));
            }
            RuntimeOrder::Lease { .. } | RuntimeOrder::Forget { .. } => {}
        }
    }

    fn fork(&mut self, key: NodeKey, start: StartInstance) {
        let StartInstance {
            instance,
            descriptor,
            seeds,
            ..
        } = start;
        let machine = self.machines.get_mut(&key).expect("a machine");
        let hand = machine.hands.get_mut(&instance).expect("it was prepared");
        assert_eq!(hand.stage, HandStage::Prepared, "it is forked once");
        let port = |(i, name): (usize, &String)| {
            let port = 10_000 + i as u16;
            (
                name.clone(),
                Ports {
                    bind: port,
                    host: port,
                },
            )
        };
        (hand.stage, hand.seeds) = (HandStage::Starting, seeds.len());
        hand.ports = descriptor.endpoints.keys().enumerate().map(port).collect();
        let launched = RuntimeEvent::Launched {
            instance,
            pid: 7,
            ports: hand.ports.clone(),
        };
        self.later(key, 2, Input::Runtime(launched));
        match self.behaviour.get(&descriptor.name) {
            None => self.plan(50, Happening::Signal(key, instance)),
            Some(Behaviour::NeverSignals) => {}
            Some(Behaviour::Exits(code)) => self.plan(30, Happening::Exit(key, instance, *code)),
        }
    }

    fn archive(&mut self, key: NodeKey, order: &ArchiveOrder) {
        match *order {
            ArchiveOrder::Fetch {
                digest,
                bytes,
                from,
            } => {
                self.machines.get_mut(&key).expect("a machine").fetched += 1;
                let has = self.machines[&from].archives.contains_key(&digest);
                if has && !self.cut.contains(&(key, from)) {
                    self.put_archive(key, digest, bytes);
                } else {
                    let why = FetchFailure::Absent;
                    let failed = ArchiveEvent::FetchFailed { digest, from, why };
                    self.later(key, 5, Input::Archive(failed));
                }
            }
            ArchiveOrder::Forward { digest, to } => self.put_archive(to, digest, 100),
            ArchiveOrder::Cancel { .. } => {}
            ArchiveOrder::Delete { digest } => {
                let machine = self.machines.get_mut(&key).expect("a machine");
                machine.archives.remove(&digest);
                machine.deleted.push(digest);
                let gone = ArchiveEvent::Gone {
                    digest,
                    why: GoneWhy::Deleted,
                };
                self.later(key, 1, Input::Archive(gone));
            }
        }
    }

    /// An archive arrives on a machine.
    pub(super) fn put_archive(&mut self, key: NodeKey, digest: Digest, bytes: u64) {
        self.machines
            .get_mut(&key)
            .expect("a machine")
            .archives
            .insert(digest, bytes);
        self.later(
            key,
            10,
            Input::Archive(ArchiveEvent::Verified { digest, bytes }),
        );
    }
}
