//! The cluster as it really is: machines, wires, clients, and the one loop that lets time pass.
//!
//! Nodes are driven through `Node::step` alone. Whatever they ask for is done here, by models of
//! the transport, the disk, the process table and the store of archives; whatever comes of it
//! goes back to them as an input. Beside the models stands the truth ([`Truth`]), which no node
//! sees and which the checkers compare with what nodes believe.

mod archives;
mod clients;
mod daemons;
mod drive;
mod gather;
mod hands;
mod links;
mod lives;
mod mishaps;
mod occurrence;
mod packets;
mod power;
mod shims;
mod truth;
mod wires;

use std::collections::BTreeMap;

use conduct_model::BundleId;
use conduct_node::effect::Effect;

pub use occurrence::{Class, Deed, LineStep, Occurrence, Packet};
pub use truth::{Real, Truth};

use crate::clients::Clients;
use crate::engine::{Dice, Moment, Schedule, millis};
use crate::faults::Sabotage;
use crate::machine::{Machine, Program};
use crate::network::{Cables, Conditions, Cost, Gate, Links};
use crate::watch::Watch;

/// The watchers look around so often.
pub const LOOK_EVERY: Moment = millis(100);

/// Facts that somebody waits for are looked for so often.
const FACTS_EVERY: Moment = millis(1);

/// More than this never happens at one moment of an honest simulation.
const AT_ONCE_MAX: u32 = 1_000_000;

/// A cluster with everything around it.
pub struct World {
    pub(crate) seed: u64,
    pub(crate) now: Moment,
    pub(crate) schedule: Schedule<Occurrence>,
    pub(crate) machines: Vec<Machine>,
    pub(crate) cables: Cables,
    pub(crate) conditions: Conditions,
    /// Links that are worse or better than the rest.
    pub(crate) odd_links: BTreeMap<(usize, usize), Conditions>,
    pub(crate) links: Links,
    pub(crate) costs: Vec<Cost>,
    pub(crate) gate: Gate,
    pub(crate) programs: BTreeMap<BundleId, Program>,
    pub(crate) clients: Clients,
    pub(crate) truth: Truth,
    pub(crate) watch: Box<Watch>,
    pub(crate) sabotage: Sabotage,
    pub(crate) net_dice: Dice,
    pub(crate) attacker: crate::faults::Attacker,
    pub(crate) effects: Vec<Effect>,
    pub(crate) script: Script,
    pub(crate) transfers: u64,
    /// What has happened at this moment.
    at_once: u32,
    pub(crate) steps: u64,
    /// Frames wait for a heal at some ends.
    pub(crate) stuck_ends: Vec<crate::network::EndId>,
}

/// What a plan still has in store.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script {
    /// When it began.
    pub(crate) begun: Moment,
    /// Its faults.
    pub(crate) faults: Vec<crate::faults::Fault>,
    /// What its clients ask.
    pub(crate) operations: Vec<crate::faults::Planned>,
    /// Nothing of it happens any more.
    pub(crate) over: bool,
}

impl World {
    /// Machines without daemons, connected by a good network.
    pub fn new(seed: u64, hosts: usize, watch: Watch) -> World {
        let mut world = World {
            seed,
            now: Moment::ZERO,
            schedule: Schedule::default(),
            machines: (0..hosts).map(|index| Machine::new(seed, index)).collect(),
            cables: Cables::open(hosts),
            conditions: Conditions::LAN,
            odd_links: BTreeMap::new(),
            links: Links::between(hosts),
            costs: vec![Cost::default(); hosts],
            gate: Gate::Strict,
            programs: BTreeMap::new(),
            clients: Clients::new(seed),
            truth: Truth::new(hosts),
            watch: Box::new(watch),
            sabotage: Sabotage::default(),
            net_dice: Dice::of(seed, "network", 0),
            attacker: crate::faults::Attacker::new(seed),
            effects: Vec::new(),
            script: Script::default(),
            transfers: 0,
            at_once: 0,
            steps: 0,
            stuck_ends: Vec::new(),
        };
        world.note_sides();
        world.schedule.plan(LOOK_EVERY, Occurrence::Look);
        world
    }

    /// The moment that it is.
    pub const fn now(&self) -> Moment {
        self.now
    }

    /// How often a node was stepped.
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    /// The machines.
    pub fn machines(&self) -> &[Machine] {
        &self.machines
    }

    /// What really is.
    pub const fn truth(&self) -> &Truth {
        &self.truth
    }

    /// What was asked, and what came of it.
    pub const fn clients(&self) -> &Clients {
        &self.clients
    }

    /// What each machine has put on the wire.
    pub fn costs(&self) -> &[Cost] {
        &self.costs
    }

    /// The watchers.
    pub fn watch(&self) -> &Watch {
        &self.watch
    }

    /// What a node knows, while its daemon runs.
    pub fn view(&self, host: usize) -> Option<conduct_node::view::View> {
        let machine = &self.machines[host];
        Some(
            machine
                .daemon
                .as_ref()?
                .node
                .view(machine.read_clock(self.now)),
        )
    }

    /// Gives a machine room for so many processes.
    pub fn widen_processes(&mut self, host: usize, pids: usize) {
        self.machines[host].processes.widen(pids);
    }

    /// Changes the settings of the next daemon of a machine.
    pub fn configure(
        &mut self,
        host: usize,
        change: impl FnOnce(usize, &mut conduct_node::config::Config),
    ) {
        change(host, &mut self.machines[host].config);
    }

    /// Lets time pass until `end`, or until a checker objects. False when one has objected.
    pub fn run_until(&mut self, end: Moment) -> bool {
        while self.watch.is_content() {
            match self.schedule.next_at() {
                Some(at) if at <= end => {}
                _ => {
                    self.now = self.now.max(end);
                    return true;
                }
            }
            self.turn();
        }
        false
    }

    /// Lets time pass until `done` says so, looking every millisecond in which something
    /// happens, or until `end`. Whether it said so.
    pub fn run_until_fact(&mut self, end: Moment, mut done: impl FnMut(&World) -> bool) -> bool {
        let mut looked = Moment::NEVER;
        while self.watch.is_content() {
            if looked == Moment::NEVER || self.now.since(looked) >= FACTS_EVERY {
                looked = self.now;
                if done(self) {
                    return true;
                }
            }
            match self.schedule.next_at() {
                Some(at) if at <= end => self.turn(),
                _ => {
                    self.now = self.now.max(end);
                    return done(self);
                }
            }
        }
        false
    }

    /// The next thing happens.
    fn turn(&mut self) {
        let Some((at, occurrence)) = self.schedule.take_next() else {
            return;
        };
        self.at_once = if at == self.now { self.at_once + 1 } else { 0 };
        if self.at_once > AT_ONCE_MAX {
            let what =
                format!("{AT_ONCE_MAX} things happen without any time passing: {occurrence:?}");
            self.watch.object("no_livelock", at, what);
            return;
        }
        self.now = at;
        self.watch.count(at, &occurrence);
        self.happen(occurrence);
    }

    fn happen(&mut self, occurrence: Occurrence) {
        match occurrence {
            Occurrence::Timer { host, life } => self.ring(host as usize, life),
            Occurrence::Tell { host, life, input } => self.tell(host as usize, life, *input),
            Occurrence::Packet(packet) => self.arrive(*packet),
            Occurrence::Line { end, step } => self.line(end, step),
            Occurrence::Disk {
                host,
                life,
                n,
                failure,
            } => {
                self.disk_done(host as usize, life, n, failure);
            }
            Occurrence::Hand {
                host,
                boot,
                instance,
                deed,
            } => {
                self.hand(host as usize, boot, instance, deed);
            }
            Occurrence::Lease { host, boot } => self.leases_due(host as usize, boot),
            Occurrence::Archive {
                host,
                digest,
                transfer,
            } => {
                self.transferred(host as usize, digest, transfer);
            }
            Occurrence::Client(attempt) => self.client(attempt),
            Occurrence::Fault(act) => self.act(act),
            Occurrence::Look => self.look(),
        }
    }

    fn look(&mut self) {
        self.schedule.plan(self.now + LOOK_EVERY, Occurrence::Look);
        if self.is_foul() {
            self.truth.foul_weather = self.now;
        }
        if !self.is_healthy() {
            self.truth.disturbed = self.now;
        }
        self.truth.forget_before(self.now);
        self.watching(Watch::look);
    }
}
