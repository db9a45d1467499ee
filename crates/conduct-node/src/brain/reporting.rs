//! What this node says of itself.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use bytes::Bytes;
use conduct_model::{Incarnation, InstanceId, NodeKey, Resources, Span, Time};
use conduct_scheduler::{HostInput, News, State, Told, Turn};
use conduct_state::{Draft, Rank, RecordKey, StateError, WriterId};

use super::Brain;
use super::confirming::KnownBy;
use crate::payload::{
    Decision, Decisions, Holdings, Identity, Offer, Payload, Report, ReportedExecution, Routing,
    Unknown, Unloaded, decisions_key, holdings_key,
};

/// How often the shims are told of majority contact; their leases are many times longer.
const LEASE_SPAN: Span = Span::millis(500);

/// Whether something waits to be told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Untold {
    Nothing,
    Later,
    Now,
}

/// What this node knows of itself.
#[derive(Debug)]
pub(super) struct Own {
    /// The start of the life that it began to run with, and the life that it has now: the others
    /// may have ended the first.
    boot: u64,
    life: Option<Incarnation>,
    pub(super) report_changed: bool,
    pub(super) holdings_changed: bool,
    pub(super) decisions: Decisions,
    /// Whether they are to be told: at once, or with the next comparison.
    untold: Untold,
    version: u64,
    last_report: Option<Bytes>,
    last_holdings: Option<Bytes>,
    pub(super) new_writer_wanted: bool,
    pub(super) capacity: Resources,
    pub(super) announced: BTreeMap<NodeKey, SocketAddr>,
    pub(super) known_by: KnownBy,
    lease_told: Time,
    routing: Option<Routing>,
    /// Instances anywhere that are being drained, and the routing version from which on they are
    /// not in this node's view.
    draining: BTreeMap<InstanceId, (NodeKey, u64)>,
    /// Own ones of those whose withdrawal has been told to the host.
    withdrawn: BTreeSet<InstanceId>,
}

impl Own {
    pub(super) fn new(boot: u64, capacity: Resources) -> Own {
        Own {
            boot,
            life: None,
            report_changed: true,
            holdings_changed: false,
            decisions: Decisions::default(),
            untold: Untold::Nothing,
            version: 0,
            last_report: None,
            last_holdings: None,
            new_writer_wanted: false,
            capacity,
            announced: BTreeMap::new(),
            known_by: KnownBy::new(),
            lease_told: Time::ZERO,
            routing: None,
            draining: BTreeMap::new(),
            withdrawn: BTreeSet::new(),
        }
    }

    /// Everything that this node says of itself is to be written again.
    pub(super) fn everything_changed(&mut self) {
        (self.last_report, self.last_holdings) = (None, None);
        (self.report_changed, self.holdings_changed) = (true, true);
        if self.decisions != Decisions::default() {
            self.untold = Untold::Now;
        }
        self.known_by.clear();
    }

    /// Something was decided that others are told when there is time.
    pub(super) fn note(&mut self, decision: Decision) {
        self.decisions.note(decision);
        self.untold = self.untold.max(Untold::Later);
    }

    /// An unload: whoever learns of it has to know the request as well.
    pub(super) fn note_unload(&mut self, unloaded: Unloaded) {
        self.decisions.note_unload(unloaded);
        self.untold = Untold::Now;
    }

    /// There is time to tell what was decided.
    pub(super) fn tell_decisions(&mut self) {
        if self.untold == Untold::Later {
            self.untold = Untold::Now;
        }
    }

    pub(super) fn lived_before(&self) -> bool {
        self.life.is_some()
    }

    pub(super) fn begin_life(&mut self, life: Incarnation) {
        self.life = Some(life);
        // What was written under an earlier life gives way to whatever the others remember of it.
        self.everything_changed();
    }

    /// Whether the shims are to be told of this contact.
    pub(super) fn lease_due(&mut self, stamp: Time) -> bool {
        let due = stamp.since(self.lease_told) >= LEASE_SPAN;
        if due {
            self.lease_told = stamp;
        }
        due
    }

    /// The host counts its turns from the life that the daemon began with. Where the others ended
    /// that one, or knew of a later one, it goes on under its successor.
    fn lift(&self, turn: Turn) -> Turn {
        match self.life {
            Some(life) if turn.start == self.boot => Turn {
                start: life.start,
                ..turn
            },
            _ => turn,
        }
    }

    pub(super) fn lift_news(&self, mut news: News) -> News {
        news.turn = self.lift(news.turn);
        for item in &mut news.items {
            if let Told::Has { execution, .. } = &mut item.told {
                execution.turn = self.lift(execution.turn);
            }
        }
        news
    }
}

impl Brain {
    /// Writes what changed of what this node says of itself.
    pub(super) fn write_own_records(&mut self) {
        let blocked =
            self.own.new_writer_wanted || self.own.life.is_none() || self.disk.failing().is_some();
        if blocked {
            return;
        }
        if std::mem::take(&mut self.own.report_changed) {
            self.write_report();
        }
        // A node's first write under each writer is its report.
        if self.own.holdings_changed && self.own.last_report.is_some() {
            self.own.holdings_changed = false;
            self.write_holdings();
        }
        if self.own.untold == Untold::Now && self.own.last_report.is_some() {
            self.write_decisions();
        }
    }

    /// What was decided lately.
    pub(super) fn write_decisions(&mut self) {
        self.own.untold = Untold::Nothing;
        self.own.version += 1;
        let rank = Rank::Counted(self.start(), self.own.version);
        let payload = self.own.decisions.write();
        let draft = Draft::new(decisions_key(&self.me), rank, &payload[..]);
        match self.state.put(draft) {
            Ok(written) => self.take_written(written),
            Err(StateError::Outranked(_)) => {}
            Err(error) => {
                self.take_outcome(Err(error));
            }
        }
    }

    fn write_report(&mut self) {
        let report = self.report();
        let payload = report.write();
        if self.own.last_report.as_ref() == Some(&payload) {
            return;
        }
        self.own.version += 1;
        match self
            .state
            .report(self.start(), self.own.version, &payload[..])
        {
            Ok(written) => {
                self.own.last_report = Some(payload);
                self.take_written(written);
            }
            // The others know a later life of this node; once this one is told, it begins anew.
            Err(StateError::Outranked(_)) => {}
            Err(error) => {
                self.take_outcome(Err(error));
            }
        }
    }

    fn report(&self) -> Report {
        let host = self.host.report();
        let executions = host.executions.into_iter().map(|mut execution| {
            execution.turn = self.own.lift(execution.turn);
            let instance = execution.instance;
            let hand = self.hands.get(&instance);
            let differing = |hand: &super::hosting::Hand| {
                let ports = hand
                    .ports
                    .iter()
                    .filter(|(_, ports)| ports.bind != ports.host);
                ports
                    .map(|(name, ports)| (name.clone(), ports.bind))
                    .collect()
            };
            let held = ReportedExecution {
                execution,
                pid: hand.and_then(|hand| hand.pid),
                since: hand.map(|hand| hand.since).unwrap_or_default(),
                bind_ports: hand.map(differing).unwrap_or_default(),
                doubtful: hand.is_some_and(|hand| hand.doubtful),
            };
            (instance, held)
        });
        Report {
            identity: Identity {
                address: self.config.address,
                duty: self.config.duty,
                build: self.config.build.clone(),
            },
            offer: Offer {
                turn: self.own.lift(host.turn),
                closed: host.closed,
                adopting: host.adopting,
                roles: host.roles,
                kinds: host.kinds,
                capacity: host.capacity,
                free: host.free,
            },
            executions: executions.collect(),
            routing: self.own.routing.clone(),
            unknown: Unknown::default(),
        }
    }

    fn write_holdings(&mut self) {
        let holdings = Holdings::new(self.archives.held(), self.archives.is_full());
        let payload = holdings.write();
        if self.own.last_holdings.as_ref() == Some(&payload) {
            return;
        }
        self.own.version += 1;
        let rank = Rank::Counted(self.start(), self.own.version);
        let draft = Draft::new(holdings_key(&self.me), rank, &payload[..]);
        match self.state.put(draft) {
            Ok(written) => {
                self.own.last_holdings = Some(payload);
                self.take_written(written);
            }
            Err(StateError::Outranked(_)) => {}
            Err(error) => {
                self.take_outcome(Err(error));
            }
        }
    }

    /// Goes on as another writer, once nothing of the present one is on its way to the disk.
    pub(super) fn new_writer_if_wanted(&mut self) {
        if !self.own.new_writer_wanted {
            return;
        }
        let writer = WriterId::from_u64(self.dice.bits());
        if let Ok(writes) = self.state.renew_writer(writer) {
            self.write_state(writes);
            self.own.new_writer_wanted = false;
            self.own.everything_changed();
        }
    }

    /// A proxy on this node has applied this node's view of that version.
    pub(super) fn routing_applied(&mut self, version: u64) {
        let applied = |(_, since): &(NodeKey, u64)| *since <= version;
        let withdrawn: Vec<InstanceId> = self
            .own
            .draining
            .iter()
            .filter(|(_, drained)| applied(drained))
            .map(|(instance, _)| *instance)
            .collect();
        let same = self
            .own
            .routing
            .as_ref()
            .is_some_and(|routing| routing.withdrawn == withdrawn);
        if !same {
            self.own.routing = Some(Routing { version, withdrawn });
            self.own.report_changed = true;
        }
    }

    /// Notes which instances of a node are being drained, for the proxy on this one.
    pub(super) fn note_drained(&mut self, node: NodeKey) {
        let version = self.journal.routing_version;
        let running = self.book.running.get(&node);
        let drained = |instance: &InstanceId| {
            running
                .and_then(|running| running.executions.get(instance))
                .is_some_and(|held| held.execution.state == State::Stopping)
        };
        self.own
            .draining
            .retain(|instance, (of, _)| *of != node || drained(instance));
        for instance in running.iter().flat_map(|running| running.executions.keys()) {
            if drained(instance) {
                self.own
                    .draining
                    .entry(*instance)
                    .or_insert((node, version));
            }
        }
    }

    /// Tells the host of its instances that no proxy on a node that answers sends calls to.
    pub(super) fn note_withdrawals(&mut self) {
        let me = self.me;
        self.own
            .withdrawn
            .retain(|instance| self.own.draining.contains_key(instance));
        let waiting: Vec<InstanceId> = self
            .own
            .draining
            .iter()
            .filter(|(instance, (node, _))| *node == me && !self.own.withdrawn.contains(*instance))
            .map(|(instance, _)| *instance)
            .collect();
        for instance in waiting {
            let calls = self.book.running.iter().any(|(node, running)| {
                let routing = running.routing.as_ref();
                self.serves(node) && routing.is_some_and(|r| !r.withdrawn.contains(&instance))
            });
            if !calls {
                self.own.withdrawn.insert(instance);
                self.pass_host(HostInput::Withdrawn(instance));
            }
        }
    }
}

/// The records that a node writes about itself, or others for it.
pub(super) fn keys_of(node: NodeKey) -> [RecordKey; 4] {
    [
        RecordKey::NodeReport(node),
        holdings_key(&node),
        decisions_key(&node),
        RecordKey::NodeWish(node),
    ]
}
