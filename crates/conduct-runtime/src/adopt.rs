//! What earlier lives of the daemon left: instances that live, that ended, that were never started.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use conduct_model::InstanceId;
use conduct_node::runtime::Adopted;
use nix::sys::signal::Signal;
use tokio::net::UnixStream;
use tokio::net::unix::OwnedWriteHalf;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout;

use crate::actor::{Ears, Running, State, exit_of, split};
use crate::cgroup::Groups;
use crate::error::RuntimeError;
use crate::folder::{RunFolder, read_json};
use crate::processes::{marked, signal};
use crate::protocol::{ContainerSpec, ExitRecord, FromShim, ShimSpec};
use crate::record::{Record, Stage, boot};
use crate::runtime::Shared;
use crate::socket;

/// A shim answers within this, or it is not there.
const ASK_PATIENCE: Duration = Duration::from_secs(1);

/// Killed processes are gone within this, whatever they were doing.
const KILL_PATIENCE: Duration = Duration::from_secs(5);

pub(crate) type Found = (InstanceId, Adopted, State);

/// Asks all shims at the same time.
pub(crate) async fn adopt(shared: &Arc<Shared>) -> Result<Vec<Found>, RuntimeError> {
    let mut asked = JoinSet::new();
    for (instance, folder) in RunFolder::all(&shared.config.runs)? {
        match Record::read(&folder) {
            // It was never started, and a machine that stops at once leaves files half written.
            Ok(Some(record)) if record.stage == Stage::Prepared && record.boot != boot() => {
                folder.remove()?;
            }
            Ok(Some(record)) => {
                asked.spawn(look(Arc::clone(shared), instance, folder, record));
            }
            Ok(None) if folder.path().join("done.json").exists() => {}
            Ok(None) => folder.remove()?,
            Err(why) => {
                tracing::warn!(instance = %instance.short(), why = why.story(), "unreadable record");
                let cleared = folder.clone();
                let clear = spawn_blocking(move || clear_away(&cleared, instance)).await;
                if clear.is_ok() {
                    folder.remove()?;
                }
            }
        }
    }
    let mut found = asked.join_all().await;
    found.sort_by_key(|(instance, ..)| *instance);
    clear_strays(shared, &found).await;
    Ok(found)
}

/// Ends what is in groups of this node that belong to no instance that lives: whoever made them did
/// not live to write it down.
async fn clear_strays(shared: &Arc<Shared>, found: &[Found]) {
    let alive: BTreeSet<String> = found
        .iter()
        .filter(|(_, adopted, _)| matches!(adopted, Adopted::Alive { .. }))
        .map(|(instance, ..)| instance.to_string())
        .collect();
    let mut groups = shared.mounts.found(&shared.config.name);
    groups.retain(|instance, _| !alive.contains(instance));
    let cleared = spawn_blocking(move || {
        for (instance, groups) in groups {
            tracing::warn!(instance, "control groups of an instance that does not live");
            empty(&groups, &instance, Vec::new);
            groups.remove();
        }
    });
    if let Err(error) = cleared.await {
        tracing::error!(%error, "stray control groups stay behind");
    }
}

async fn look(
    shared: Arc<Shared>,
    instance: InstanceId,
    folder: RunFolder,
    record: Record,
) -> Found {
    let Stage::Started { ports, .. } = record.stage else {
        return (instance, Adopted::Prepared, State::Prepared(record.bundle));
    };
    if record.boot == boot()
        && let Some((status, words, mouth)) = connect(&folder).await
    {
        for port in ports.values() {
            shared.pool.adopt(port.host);
        }
        let running = Running {
            ports: ports.clone(),
            shim: None,
            words,
            mouth,
        };
        let adopted = Adopted::Alive {
            pid: status.pid,
            ports,
            started: status.started,
        };
        return (instance, adopted, State::Running(Box::new(running)));
    }
    let buried = spawn_blocking(move || {
        let exit: Option<ExitRecord> = read_json(&folder.exit()).ok().flatten();
        if exit.is_none() {
            clear_away(&folder, instance);
        }
        exit
    });
    let exit = exit_of(buried.await.ok().flatten(), true);
    (instance, Adopted::Ended(exit), State::Ended(exit))
}

/// What a shim says first.
pub(crate) struct Status {
    pub(crate) pid: u32,
    pub(crate) started: bool,
}

/// Connects to an instance's shim; nothing where none listens.
pub(crate) async fn connect(folder: &RunFolder) -> Option<(Status, Ears, OwnedWriteHalf)> {
    let asking = async {
        // A Unix socket is there or not: nothing is waited for.
        let stream = socket::connect(&folder.socket()).ok()?;
        stream.set_nonblocking(true).ok()?;
        let stream = UnixStream::from_std(stream).ok()?;
        let (mut words, mouth) = split(stream);
        let line = words.next_line().await.ok()??;
        match serde_json::from_str(&line).ok()? {
            FromShim::Status { pid, started } => Some((Status { pid, started }, words, mouth)),
            _ => None,
        }
    };
    timeout(ASK_PATIENCE, asking).await.ok().flatten()
}

/// Ends whatever is left of an instance that nobody holds. Blocks until it is gone.
pub(crate) fn clear_away(folder: &RunFolder, instance: InstanceId) {
    let spec: Option<ShimSpec> = read_json(&folder.shim_spec()).ok().flatten();
    let (groups, containers) = spec.map(left_of).unwrap_or_default();
    empty(&groups, &instance.to_string(), || marked(instance));
    containers.iter().for_each(ContainerSpec::delete);
    groups.remove();
}

/// Kills whoever is in the groups, and whoever else belongs there, until nobody is left.
pub(crate) fn empty(groups: &Groups, instance: &str, others: impl Fn() -> Vec<u32>) {
    let patience = Instant::now() + KILL_PATIENCE;
    loop {
        groups.kill();
        let mut left = groups.members();
        left.extend(others());
        if left.is_empty() {
            return;
        }
        if Instant::now() > patience {
            tracing::error!(instance, ?left, "processes cannot be killed");
            return;
        }
        for pid in left {
            signal(pid, Signal::SIGKILL);
        }
        std::thread::yield_now();
    }
}

/// The groups and containers that an instance may have had.
fn left_of(spec: ShimSpec) -> (Groups, Vec<ContainerSpec>) {
    let containers = spec.components.into_iter();
    let containers = containers.filter_map(|component| component.container);
    (
        Groups::of(spec.cgroups, spec.cgroups_aside),
        containers.collect(),
    )
}
