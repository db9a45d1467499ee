//! What a node says of itself.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use conduct_model::{BundleId, InstanceId, Resources, Roles, Wall};
use conduct_scheduler::{Closed, Execution, HostReport, Kinds, Seed, State, Turn};
use serde::{Deserialize, Serialize};

use crate::config::Duty;
use crate::payload::{FieldReader, FieldWriter, Payload, PayloadError, Unknown};

/// Only the node itself writes it, as a whole; a later one replaces an earlier one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// What it is.
    pub identity: Identity,
    /// What it offers to instances.
    pub offer: Offer,
    /// Its instances, also those that ended, until no assignment names them.
    pub executions: BTreeMap<InstanceId, ReportedExecution>,
    /// What its proxy has applied, where it has one.
    pub routing: Option<Routing>,
    /// What a newer version of this very node wrote before it was set back.
    pub unknown: Unknown,
}

/// What a node is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Identity {
    /// Where it is reached.
    pub address: SocketAddr,
    /// What it takes part in.
    pub duty: Duty,
    /// Its program's version.
    pub build: String,
}

/// What a node offers to instances.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Offer {
    /// The later one is true.
    pub turn: Turn,
    /// What keeps it from taking instances, if anything does.
    pub closed: Option<Closed>,
    /// It is still asking its shims: what it does not name may live.
    pub adopting: bool,
    /// The roles that it offers.
    pub roles: Roles,
    /// The kinds of components that it can run.
    pub kinds: Kinds,
    /// What it gives to instances, all together.
    pub capacity: Resources,
    /// What of it is neither used nor promised.
    pub free: Resources,
}

/// An instance, with what people want to see of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReportedExecution {
    /// What owners decide by.
    pub execution: Execution,
    /// Its main process, once there is one.
    pub pid: Option<u32>,
    /// When its processes were started.
    pub since: Wall,
    /// The ports that its program binds, where they differ from those that callers use.
    pub bind_ports: BTreeMap<String, u16>,
    /// Its continuing check fails, not yet as often as would end it: it gets no calls.
    pub doubtful: bool,
}

/// What a proxy has applied.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Routing {
    /// The version of its own node's view.
    pub version: u64,
    /// Instances that are being drained and that, at that version, get no calls any more.
    pub withdrawn: Vec<InstanceId>,
}

/// As it is written: names are not repeated, and the shape stays when the scheduler's changes.
#[derive(Serialize, Deserialize)]
struct WrittenExecution {
    instance: InstanceId,
    bundle: BundleId,
    state: State,
    turn: Turn,
    found_at: Option<Arc<Seed>>,
    pid: Option<u32>,
    since: Wall,
    bind_ports: BTreeMap<String, u16>,
    doubtful: bool,
}

const IDENTITY: u16 = 1;
const OFFER: u16 = 2;
const EXECUTIONS: u16 = 3;
const ROUTING: u16 = 4;

impl ReportedExecution {
    /// Whether callers may be sent to it, as far as its node knows.
    pub fn takes_calls(&self) -> bool {
        self.execution.state == State::Active && !self.doubtful
    }
}

impl Report {
    /// The part that owners place by.
    pub fn for_hosts(&self) -> HostReport {
        let Offer {
            turn,
            closed,
            adopting,
            roles,
            kinds,
            capacity,
            free,
        } = self.offer.clone();
        let executions = self
            .executions
            .values()
            .map(|held| held.execution.clone())
            .collect();
        HostReport {
            turn,
            closed,
            adopting,
            roles,
            kinds,
            capacity,
            free,
            executions,
        }
    }
}

impl Payload for Report {
    fn write(&self) -> Bytes {
        let executions: Vec<WrittenExecution> = self.executions.values().map(written).collect();
        FieldWriter::new()
            .field(IDENTITY, &self.identity)
            .field(OFFER, &self.offer)
            .unless_default(ROUTING, &self.routing)
            .many(EXECUTIONS, &executions)
            .finish(&self.unknown)
    }

    fn parse(bytes: &Bytes) -> Result<Report, PayloadError> {
        let mut fields = FieldReader::new(bytes)?;
        let executions: Vec<WrittenExecution> = fields.or_default(EXECUTIONS)?;
        Ok(Report {
            identity: fields.need(IDENTITY)?,
            offer: fields.need(OFFER)?,
            executions: executions.into_iter().map(read).collect(),
            routing: fields.or_default(ROUTING)?,
            unknown: fields.finish()?,
        })
    }
}

fn written(held: &ReportedExecution) -> WrittenExecution {
    let Execution {
        instance,
        bundle,
        state,
        turn,
        found_at,
    } = held.execution.clone();
    WrittenExecution {
        instance,
        bundle,
        state,
        turn,
        found_at,
        pid: held.pid,
        since: held.since,
        bind_ports: held.bind_ports.clone(),
        doubtful: held.doubtful,
    }
}

fn read(written: WrittenExecution) -> (InstanceId, ReportedExecution) {
    let WrittenExecution {
        instance,
        bundle,
        state,
        turn,
        found_at,
        pid,
        since,
        bind_ports,
        doubtful,
    } = written;
    let execution = Execution {
        instance,
        bundle,
        state,
        turn,
        found_at,
    };
    (
        instance,
        ReportedExecution {
            execution,
            pid,
            since,
            bind_ports,
            doubtful,
        },
    )
}
