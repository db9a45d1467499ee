//! The world: its clock, its wires, its membership, and the buttons that tests press.

use std::collections::BTreeMap;
use std::sync::Arc;

use conduct_model::{BundleId, Digest, InstanceId, NodeKey, Resources, Span, System, Time, Voters};

use crate::assignment::Assignment;
use crate::event::Event;
use crate::execution::Cause;
use crate::fleet::{Closed, Standing};
use crate::fuzz::fake::{Fake, Happens, Letter};
use crate::fuzz::hands::{Conduct, Phase};
use crate::fuzz::sample::Sample;
use crate::hash;
use crate::host::{HostInput, RuntimeNews};
use crate::scheduler::{Input, Scheduler};
use crate::terms::{Kind, Kinds, Wish, Wishes};

/// How long a daemon that comes back takes to ask its shims.
const ADOPTING: Span = Span::millis(500);

/// A cluster of fakes.
#[derive(Clone, Debug)]
pub struct World {
    pub(super) now: Time,
    random: u64,
    queue: BTreeMap<(Time, u64), Happens>,
    sequence: u64,
    pub(super) nodes: Vec<Fake>,
    /// Which side of a cut a node is on.
    sides: Vec<u8>,
    /// When a node last had a wire to another.
    pub(super) wired: Vec<Vec<Time>>,
    pub(super) gone: Vec<bool>,
    /// When a node that was gone came back last.
    pub(super) returned: Vec<Time>,
    pub(super) wishes: BTreeMap<System, Wishes>,
    /// The most that were wished of a bundle lately, and until when that counts.
    pub(super) allowed: BTreeMap<BundleId, Vec<(Time, u32)>>,
    pub(super) conducts: BTreeMap<BundleId, Conduct>,
    /// Everything that was told.
    pub events: Vec<(Time, Event)>,
    /// What was done to it, for whoever reads of a failure.
    pub(super) story: Vec<(Time, String)>,
    /// How many messages of a hundred are lost.
    pub loss: u64,
    pub(super) voters: Voters,
    /// Every assignment that was ever written, with the era of its system: what was written
    /// before a removal that a node knows of never comes back to it.
    pub(super) written: Vec<(Arc<Assignment>, u64)>,
    pub(super) eras: BTreeMap<System, u64>,
}

impl World {
    /// So many nodes, of which the first nine vote, settled.
    pub fn of(nodes: usize, seed: u64) -> World {
        let capacity = Resources {
            cpu_millis: 4_000,
            memory_bytes: 8 << 30,
            disk_bytes: 64 << 30,
        };
        let kinds: Kinds = [Kind::Universal].into_iter().collect();
        let mut keys: Vec<NodeKey> = (0..nodes)
            .map(|n| NodeKey::from_digest(Digest::of(&n.to_be_bytes())))
            .collect();
        keys.sort_unstable();
        let fakes = keys
            .iter()
            .map(|key| Fake::new(Time::ZERO, *key, capacity, kinds));
        let voters = Voters {
            epoch: 1,
            keys: keys.iter().take(9).copied().collect(),
        };
        let mut world = World {
            now: Time::ZERO,
            random: seed,
            queue: BTreeMap::new(),
            sequence: 0,
            nodes: fakes.collect(),
            sides: vec![0; nodes],
            wired: vec![vec![Time::ZERO; nodes]; nodes],
            gone: vec![false; nodes],
            returned: vec![Time::ZERO; nodes],
            wishes: BTreeMap::new(),
            allowed: BTreeMap::new(),
            conducts: BTreeMap::new(),
            events: Vec::new(),
            story: Vec::new(),
            loss: 0,
            voters,
            written: Vec::new(),
            eras: BTreeMap::new(),
        };
        for node in 0..nodes {
            world.boot(node);
        }
        world.after(Span::ZERO, Happens::Tick);
        world.run(Span::secs(5));
        world
    }

    /// Lets time pass, and checks what must hold after everything that happens.
    pub fn run(&mut self, span: Span) {
        let end = self.now + span;
        while let Some((&(at, sequence), _)) = self.queue.first_key_value() {
            if at > end {
                break;
            }
            self.now = at;
            if let Some(happens) = self.queue.remove(&(at, sequence)) {
                self.happen(happens);
                self.check();
            }
        }
        self.now = end;
    }

    /// Lets time pass until `done`, at most `span`. Answers how long it took.
    pub fn run_until(&mut self, span: Span, done: impl Fn(&World) -> bool) -> Option<Span> {
        let begun = self.now;
        while self.now.since(begun) < span {
            if done(self) {
                return Some(self.now.since(begun));
            }
            self.run(Span::millis(10));
        }
        done(self).then(|| self.now.since(begun))
    }

    /// The time of this world.
    pub const fn now(&self) -> Time {
        self.now
    }

    /// A number below `bound`, by the seed.
    pub fn draw(&mut self, bound: u64) -> u64 {
        self.random = hash::mix(self.random);
        self.random % bound.max(1)
    }

    /// The key of a node.
    pub fn key(&self, node: usize) -> NodeKey {
        self.nodes[node].key
    }

    /// The scheduler of a node.
    pub fn scheduler(&self, node: usize) -> &Scheduler {
        &self.nodes[node].scheduler
    }

    /// Which node decides for a system, if one that is up and not quarantined does.
    pub fn owner(&self, system: &System) -> Option<usize> {
        let mut nodes = self.nodes.iter();
        nodes.position(|n| n.up && !n.quarantined && n.scheduler.owner(system).is_some())
    }

    /// On how many instances of a bundle there are that nobody has told to end, by node.
    pub fn running(&self, bundle: BundleId) -> Vec<usize> {
        self.nodes.iter().map(|node| node.running(bundle)).collect()
    }

    /// How many instances of a bundle are healthy.
    pub fn healthy(&self, bundle: BundleId) -> usize {
        let living = self.nodes.iter().flat_map(|node| node.hands.living());
        let healthy = living.filter(|(_, process)| {
            process.bundle == bundle && !process.doomed && matches!(process.phase, Phase::Signalled)
        });
        healthy.count()
    }

    /// Loads a bundle or changes its wish: everybody who can be reached learns of it.
    pub fn wish(&mut self, sample: &Sample, scale: u32, generation: u64) {
        let terms = Arc::new(sample.terms.clone());
        let wish = Wish {
            terms,
            scale,
            affinity: None,
            generation,
        };
        self.wish_so(sample, wish);
    }

    /// The same with every detail.
    pub fn wish_so(&mut self, sample: &Sample, wish: Wish) {
        let before = self
            .wishes
            .get(&sample.system)
            .and_then(|w| w.get(&sample.bundle));
        let before = before.map_or(0, |wish| wish.scale);
        let allowed = self.allowed.entry(sample.bundle).or_default();
        if let Some(last) = allowed.last_mut() {
            last.0 = self.now;
        }
        allowed.push((Time::NEVER, wish.scale.max(before)));
        self.wishes
            .entry(sample.system.clone())
            .or_default()
            .insert(sample.bundle, wish);
        self.spread_wishes(&sample.system);
    }

    /// Unloads a bundle.
    pub fn unload(&mut self, sample: &Sample) {
        if let Some(wishes) = self.wishes.get_mut(&sample.system) {
            wishes.remove(&sample.bundle);
        }
        self.spread_wishes(&sample.system);
    }

    /// How the instances of a bundle behave from now on.
    pub fn behave(&mut self, sample: &Sample, conduct: Conduct) {
        self.conducts.insert(sample.bundle, conduct);
    }

    /// What a node gives to instances.
    pub fn resize(&mut self, node: usize, capacity: Resources) {
        self.nodes[node].capacity = capacity;
        self.host(node, HostInput::Capacity(capacity));
    }

    /// Ends the instance of a bundle on a node from outside. Answers whether there was one.
    pub fn kill_instance(&mut self, node: usize, bundle: BundleId) -> bool {
        let living = self.nodes[node].hands.living();
        let found = living
            .filter(|(_, process)| process.bundle == bundle)
            .map(|(id, _)| id)
            .next();
        if let Some(instance) = found {
            self.end(node, instance, Cause::Killed(9));
        }
        found.is_some()
    }

    /// The daemon of a node dies; its instances go on under their lease.
    pub fn crash(&mut self, node: usize) {
        self.nodes[node].up = false;
    }

    /// The machine dies, with everything on it.
    pub fn power_off(&mut self, node: usize) {
        self.nodes[node].up = false;
        self.nodes[node].hands.processes.clear();
    }

    /// The daemon of a node comes back.
    pub fn revive(&mut self, node: usize) {
        if !self.nodes[node].up {
            self.nodes[node].revive(self.now);
            self.boot(node);
        }
    }

    /// Begins or ends to empty a node.
    pub fn drain(&mut self, node: usize, draining: bool) {
        self.nodes[node].draining = draining;
        self.host(
            node,
            HostInput::Close {
                why: Closed::Draining,
                closed: draining,
            },
        );
    }

    /// Cuts the nodes into sides.
    pub fn cut(&mut self, sides: &[u8]) {
        self.sides = sides.to_vec();
    }

    /// Mends every cut.
    pub fn heal(&mut self) {
        self.sides.fill(0);
    }

    /// Tells a host that the checks of an instance of a bundle fail.
    pub fn sicken(&mut self, node: usize, bundle: BundleId) {
        let living = self.nodes[node].hands.living();
        let sick: Vec<InstanceId> = living
            .filter(|(_, process)| process.bundle == bundle)
            .map(|(id, _)| id)
            .collect();
        for instance in sick {
            self.host(
                node,
                HostInput::Runtime {
                    instance,
                    news: RuntimeNews::Unhealthy,
                },
            );
        }
    }

    /// Whether two nodes hear each other.
    pub(super) fn is_wired(&self, a: usize, b: usize) -> bool {
        self.nodes[a].up && self.nodes[b].up && self.sides[a] == self.sides[b]
    }

    pub(super) fn after(&mut self, span: Span, happens: Happens) {
        self.sequence += 1;
        self.queue.insert((self.now + span, self.sequence), happens);
    }

    fn boot(&mut self, node: usize) {
        let (life, capacity) = (self.nodes[node].life, self.nodes[node].capacity);
        self.after(ADOPTING, Happens::Adopt { node, life });
        self.host(node, HostInput::Capacity(capacity));
        let voters = self.voters.clone();
        self.schedule(node, Input::Voters(voters));
        let assignments = self.nodes[node].assignments.clone();
        for (system, assignment) in assignments {
            let assignment = Some(assignment);
            self.schedule(node, Input::Assignment { system, assignment });
        }
    }

    /// Everything that a node which votes has to know.
    pub(super) fn refill(&mut self, node: usize) {
        for other in 0..self.nodes.len() {
            let (key, report) = (self.key(other), self.nodes[other].reported.clone());
            self.schedule(
                node,
                Input::Standing {
                    node: key,
                    standing: Standing::Reachable,
                },
            );
            self.schedule(node, Input::Report { node: key, report });
        }
        for (system, wishes) in self.wishes.clone() {
            self.schedule(node, Input::Wishes { system, wishes });
        }
    }

    fn spread_wishes(&mut self, system: &System) {
        for node in 0..self.nodes.len() {
            if self.nodes[node].up && !self.nodes[node].quarantined {
                self.sync_wishes(node, system);
            }
        }
    }

    pub(super) fn sync_wishes(&mut self, node: usize, system: &System) {
        let wishes = self.wishes.get(system).cloned().unwrap_or_default();
        let system = system.clone();
        self.schedule(node, Input::Wishes { system, wishes });
    }

    fn happen(&mut self, happens: Happens) {
        let alive = |node: usize, life: u64| self.nodes[node].up && self.nodes[node].life == life;
        match happens {
            Happens::Tick => self.tick(),
            Happens::Deliver {
                from,
                to,
                life,
                letter,
            } if alive(to, life) => {
                self.deliver(from, to, letter);
            }
            Happens::Stored { node, life, write } if alive(node, life) => self.stored(node, write),
            Happens::SchedulerTimer { node, life } if alive(node, life) => {
                self.schedule(node, Input::Timer);
            }
            Happens::HostTimer { node, life } if alive(node, life) => {
                self.host(node, HostInput::Timer);
            }
            Happens::Report { node, life } if alive(node, life) => {
                let report = Arc::new(self.nodes[node].host.report());
                self.nodes[node].reported = report.clone();
                self.broadcast(node, &Letter::Report(report));
            }
            Happens::Adopt { node, life } if alive(node, life) => {
                let found = self.nodes[node].hands.found(node);
                self.host(node, HostInput::Adopted(found));
            }
            Happens::Prepared {
                node,
                instance,
                life,
            } if alive(node, life) => {
                self.prepared(node, instance);
            }
            Happens::Signals { node, instance } => self.signals(node, instance),
            Happens::Ends {
                node,
                instance,
                cause,
            } => self.end(node, instance, cause),
            Happens::Withdrawn {
                node,
                instance,
                life,
            } if alive(node, life) => {
                self.host(node, HostInput::Withdrawn(instance));
            }
            _ => {}
        }
    }
}
