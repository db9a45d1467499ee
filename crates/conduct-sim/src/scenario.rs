//! Scenarios: a small cluster, a few sentences of what happens to it, and what must be true then.
//!
//! ```no_run
//! use conduct_sim::{Sim, bundle, secs};
//!
//! let mut sim = Sim::with_seed(7).nodes(5).settled();
//! let web = sim.load(bundle("web").scale(4));
//!
//! sim.cut(&[0, 1], &[2, 3, 4]);
//! sim.run(secs(15));
//! assert_eq!(sim.executions_on(&[0, 1], web), 0);
//! assert_eq!(sim.executions_on(&[2, 3, 4], web), 4);
//! ```

use conduct_model::{BundleId, Happening, InstanceId, Span};
use conduct_node::config::Config;
use conduct_node::descriptor::{Descriptor, OnQuarantine};
use conduct_node::view::{Verdict, View};

use crate::checkers::Opinion;
use crate::clients::{OperationId, Outcome, Wish};
use crate::engine::{Moment, millis, secs};
use crate::faults::descriptor;
use crate::machine::{Pause, Program, address_of, index_of};
use crate::run::gather;
use crate::watch::{Recording, Watch, peek};
use crate::world::World;

/// A scenario that is being set up.
#[derive(Clone, Debug)]
pub struct Setup {
    seed: u64,
    nodes: usize,
    change: Vec<fn(usize, &mut Config)>,
}

/// A cluster to tell a story with. Every rule is checked all the while; the first that is broken
/// ends the story with the timeline.
pub struct Sim {
    world: World,
    forgiving: bool,
}

/// A bundle for a scenario.
#[derive(Clone, Debug)]
pub struct BundleSpec {
    descriptor: Descriptor,
    program: Program,
    scale: u32,
}

/// A story waits for its facts at most so long.
const PATIENCE: Moment = secs(60);

/// A bundle that is to run once and behaves well.
pub fn bundle(name: &str) -> BundleSpec {
    BundleSpec {
        descriptor: descriptor(name, name),
        program: Program::default(),
        scale: 1,
    }
}

impl BundleSpec {
    /// It is to run so often.
    #[must_use]
    pub fn scale(mut self, scale: u32) -> BundleSpec {
        self.scale = scale;
        self
    }

    /// It belongs to this system, and so starts one after the other with all of that system.
    #[must_use]
    pub fn system(mut self, system: &str) -> BundleSpec {
        let name = self.descriptor.name.clone();
        self.descriptor.system = descriptor(&name, system).system;
        self
    }

    /// It never runs more often than asked, not even across a cut.
    #[must_use]
    pub fn exclusive(mut self) -> BundleSpec {
        self.descriptor.exclusive = true;
        self
    }

    /// Its instances go on where the majority is lost.
    #[must_use]
    pub fn kept_in_quarantine(mut self) -> BundleSpec {
        self.descriptor.on_quarantine = OnQuarantine::Keep;
        self
    }

    /// So many instances may share a node.
    #[must_use]
    pub fn per_node(mut self, max: u32) -> BundleSpec {
        self.descriptor.max_per_node = max;
        self
    }

    /// An instance may take so long to signal.
    #[must_use]
    pub fn start_timeout(mut self, limit: Span) -> BundleSpec {
        self.descriptor.start_timeout = Some(limit);
        self
    }

    /// Its instances behave like this.
    #[must_use]
    pub fn program(mut self, change: impl FnOnce(&mut Program)) -> BundleSpec {
        change(&mut self.program);
        self
    }

    /// Its descriptor is changed.
    #[must_use]
    pub fn described(mut self, change: impl FnOnce(&mut Descriptor)) -> BundleSpec {
        change(&mut self.descriptor);
        self
    }
}

impl Setup {
    /// So many nodes.
    #[must_use]
    pub fn nodes(mut self, nodes: usize) -> Setup {
        self.nodes = nodes;
        self
    }

    /// Nodes with other settings.
    #[must_use]
    pub fn configured(mut self, change: fn(usize, &mut Config)) -> Setup {
        self.change.push(change);
        self
    }

    /// The nodes have found each other and are one cluster.
    pub fn settled(self) -> Sim {
        let mut sim = self.gathered();
        // Young clusters still change their voters and their connections.
        sim.run(secs(2));
        sim
    }

    /// Machines whose daemons were not started.
    pub fn off(self) -> Sim {
        let watch = Watch::new(self.nodes, Recording::Everything);
        let mut world = World::new(self.seed, self.nodes, watch);
        for host in 0..self.nodes {
            self.change
                .iter()
                .for_each(|change| world.configure(host, *change));
        }
        Sim {
            world,
            forgiving: false,
        }
    }

    fn gathered(self) -> Sim {
        let mut sim = self.off();
        gather(&mut sim.world);
        sim.must_hold();
        sim
    }
}

impl Sim {
    /// A scenario with this seed and three nodes.
    pub fn with_seed(seed: u64) -> Setup {
        Setup {
            seed,
            nodes: 3,
            change: Vec::new(),
        }
    }

    /// The world itself, for whatever has no sentence of its own.
    pub fn world(&mut self) -> &mut World {
        &mut self.world
    }

    /// The moment that it is.
    pub const fn now(&self) -> Moment {
        self.world.now()
    }

    /// Time passes.
    pub fn run(&mut self, long: Moment) {
        let end = self.world.now() + long;
        self.world.run_until(end);
        self.must_hold();
    }

    /// Time passes until something is so. How long that took.
    ///
    /// # Panics
    /// If it is not so within `limit`.
    pub fn until(&mut self, limit: Moment, what: &str, fact: impl FnMut(&World) -> bool) -> Moment {
        let begun = self.world.now();
        let came = self.world.run_until_fact(begun + limit, fact);
        self.must_hold();
        assert!(
            came,
            "{what} did not come true within {limit} s\n{}",
            self.timeline()
        );
        self.world.now() - begun
    }

    /// Loads a bundle through the first node and waits until it runs as often as it should.
    pub fn load(&mut self, spec: BundleSpec) -> BundleId {
        let (scale, sound) = (spec.scale, spec.program.is_sound());
        let bundle = self.publish(spec);
        self.ok(0, bundle, Wish::Load);
        if scale > 0 {
            self.ok(0, bundle, Wish::Scale(scale, None));
        }
        if sound {
            self.until(PATIENCE, "the scale", |world| {
                running(world, &all(world), bundle) == scale as usize
            });
        }
        bundle
    }

    /// Clients have the bundle, and have not loaded it.
    pub fn publish(&mut self, spec: BundleSpec) -> BundleId {
        self.world.publish(spec.descriptor, spec.program)
    }

    /// A client asks a node for something.
    pub fn ask(&mut self, host: usize, bundle: BundleId, wish: Wish) -> OperationId {
        self.world.ask(host, bundle, wish)
    }

    /// A client asks a node for something and gets it.
    pub fn ok(&mut self, host: usize, bundle: BundleId, wish: Wish) -> OperationId {
        let operation = self.ask(host, bundle, wish);
        let outcome = self.wait_for(operation);
        assert_eq!(
            outcome,
            Outcome::Ok,
            "{wish:?} through n{host}\n{}",
            self.timeline()
        );
        operation
    }

    /// Waits until the client knows what came of it.
    pub fn wait_for(&mut self, operation: OperationId) -> Outcome {
        self.until(PATIENCE + PATIENCE, "an outcome", |world| {
            world.clients().get(operation).outcome != Outcome::Open
        });
        self.outcome(operation)
    }

    /// What the client knows of it by now.
    pub fn outcome(&self, operation: OperationId) -> Outcome {
        self.world.clients().get(operation).outcome.clone()
    }

    /// Cuts all links between the two groups.
    pub fn cut(&mut self, one: &[usize], other: &[usize]) {
        self.world.cut(one, other);
    }

    /// Opens every link again.
    pub fn heal(&mut self) {
        self.world.mend();
    }

    /// All of it is one cluster again, and accepts changes, within `limit`. How long it took.
    pub fn gathers_within(&mut self, limit: Moment) -> Moment {
        self.until(limit, "one cluster", World::is_gathered)
    }

    /// How many instances of the bundle are healthy and not told to end, on these machines.
    pub fn executions_on(&self, hosts: &[usize], bundle: BundleId) -> usize {
        running(&self.world, hosts, bundle)
    }

    /// How many have any process left, on these machines.
    pub fn processes_on(&self, hosts: &[usize], bundle: BundleId) -> usize {
        let live = self.world.truth().live();
        live.filter(|(_, real)| real.bundle == bundle && hosts.contains(&real.host))
            .count()
    }

    /// How many run anywhere.
    pub fn executions(&self, bundle: BundleId) -> usize {
        running(&self.world, &all(&self.world), bundle)
    }

    /// The instances of the bundle that have processes on these machines.
    pub fn instances_on(&self, hosts: &[usize], bundle: BundleId) -> Vec<(usize, InstanceId)> {
        let live = self.world.truth().live();
        live.filter(|(_, real)| real.bundle == bundle && hosts.contains(&real.host))
            .map(|(instance, real)| (real.host, instance))
            .collect()
    }

    /// The daemon of a machine stands still for so long, while time passes.
    pub fn freeze(&mut self, host: usize, long: Moment) {
        self.world.pause(host, Pause::Daemon);
        self.run(long);
        self.world.resume(host);
    }

    /// All machines are suspended for so long, while time passes.
    pub fn sleeps(&mut self, long: Moment) {
        let hosts = self.world.machines().len();
        (0..hosts).for_each(|host| self.world.pause(host, Pause::Machine));
        self.run(long);
        (0..hosts).for_each(|host| self.world.resume(host));
    }

    /// A new machine joins by way of these. Which it is.
    pub fn joins_beside(&mut self, hosts: &[usize]) -> usize {
        let newcomer = self.world.add_machine();
        let seeds = hosts.iter().map(|host| address_of(*host)).collect();
        self.world.set_seeds(newcomer, seeds);
        self.world.start_daemon(newcomer);
        newcomer
    }

    /// About how many bytes of records a node keeps, and how many its digest has.
    pub fn state_bytes(&self, host: usize) -> (usize, usize) {
        let daemon = self.world.machines()[host].daemon.as_ref();
        daemon
            .and_then(|daemon| peek::state_bytes(&daemon.node))
            .unwrap_or_default()
    }

    /// The machines on which the bundle was ever forked, in the order of the forks.
    pub fn forked_on(&self, bundle: BundleId) -> Vec<usize> {
        let record = self.world.watch().record().trace();
        record
            .iter()
            .filter(|line| {
                matches!(&line.what, Happening::Forked { bundle: forked, .. } if *forked == bundle)
            })
            .map(|line| index_of(line.node))
            .collect()
    }

    /// The story goes on even when a rule is broken; somebody wants to see which.
    #[must_use]
    pub fn whatever_happens(mut self) -> Sim {
        self.forgiving = true;
        self
    }

    /// How often an instance of the bundle was ever forked.
    pub fn forks(&self, bundle: BundleId) -> usize {
        self.forked_on(bundle).len()
    }

    /// What a node knows.
    ///
    /// # Panics
    /// If its daemon does not run.
    pub fn view(&self, host: usize) -> View {
        self.world.view(host).expect("the daemon runs")
    }

    /// Whether a node accepts no changes.
    pub fn is_quarantined(&self, host: usize) -> bool {
        self.opinion(host).quarantined
    }

    /// What a node holds of another.
    pub fn verdict(&self, host: usize, of: usize) -> Option<Verdict> {
        self.opinion(host)
            .members
            .get(&of)
            .map(|(_, verdict)| *verdict)
    }

    /// What a node holds of everything.
    pub fn opinion(&self, host: usize) -> &Opinion {
        self.world.watch().checkers().opinions().of(host)
    }

    /// How often any node published an event of this name.
    pub fn published(&self, name: &str) -> usize {
        let record = self.world.watch().record().trace();
        record
            .iter()
            .filter(|line| {
                matches!(&line.what, Happening::Published { event, .. }
                    if event == name)
            })
            .count()
    }

    /// How often this node published an event of this name.
    pub fn published_by(&self, host: usize, name: &str) -> usize {
        let record = self.world.watch().record().trace();
        record
            .iter()
            .filter(|line| index_of(line.node) == host)
            .filter(|line| {
                matches!(&line.what, Happening::Published { event, .. }
                    if event == name)
            })
            .count()
    }

    /// The story so far.
    pub fn timeline(&self) -> String {
        let lines = self.world.watch().record().lines();
        lines.iter().map(|line| format!("{line}\n")).collect()
    }

    /// Whatever must hold always, holds.
    fn must_hold(&self) {
        if let Some(violation) = self.world.watch().violations().first()
            && !self.forgiving
        {
            panic!(
                "{} at {}: {}\n{}",
                violation.checker,
                violation.at,
                violation.what,
                self.timeline()
            );
        }
    }
}

fn all(world: &World) -> Vec<usize> {
    (0..world.machines().len()).collect()
}

fn running(world: &World, hosts: &[usize], bundle: BundleId) -> usize {
    world
        .truth()
        .live()
        .filter(|(_, real)| real.bundle == bundle && hosts.contains(&real.host))
        .filter(|(_, real)| real.started.is_some() && real.told_to_end.is_none())
        .count()
}

/// A while in which nothing in particular is expected.
pub const A_MOMENT: Moment = millis(500);
