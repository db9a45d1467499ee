//! Ending everything of a sandbox: daemons, shims, instances, control groups. Works from what is on
//! the disk and what runs, so it does not matter how far the sandbox had come.

use std::time::Duration;

use conduct_terminal::exit::{Exit, Failure};
use nix::sys::signal::Signal;

use crate::folders::Folder;
use crate::plan;
use crate::pointer;
use crate::process::{Process, started_with};
use crate::record::{CLUSTER_PORT, Phase, Record};

/// A daemon that was told to end says goodbye to its peers and is gone.
const DAEMON_PATIENCE: Duration = Duration::from_secs(5);

/// Nothing outlives SIGKILL for so long.
const KILL_PATIENCE: Duration = Duration::from_secs(10);

/// What instances get between SIGTERM and SIGKILL.
const INSTANCE_GRACE: Duration = Duration::from_secs(3);

/// Ends all of it. The caller holds the lock.
pub(crate) async fn stop(folder: &Folder, record: &mut Record) -> Result<(), Failure> {
    record.phase = Phase::Changing;
    record.write(folder)?;
    pointer::withdraw(folder)?;
    end_daemons(folder, record).await?;
    let mut clearing = Vec::new();
    for node in &record.nodes {
        let runs = folder.runs(node.number);
        let name = format!("{}-{CLUSTER_PORT}", node.address);
        clearing.push(tokio::task::spawn_blocking(move || {
            conduct_runtime::clear(&runs, &name, INSTANCE_GRACE)
        }));
    }
    for cleared in clearing {
        let left = cleared.await.map_err(|error| {
            Failure::new(
                Exit::Failed,
                format_args!("instances could not be ended: {error}"),
            )
        })?;
        left.map_err(|error| Failure::from_error(Exit::Failed, error))?;
    }
    record.phase = Phase::Stopped;
    record.owner = None;
    for node in &mut record.nodes {
        node.process = None;
        node.killed = false;
        node.cut_from.clear();
    }
    record.write(folder)
}

/// First those who could start something again.
async fn end_daemons(folder: &Folder, record: &Record) -> Result<(), Failure> {
    let mut daemons: Vec<Process> = Vec::new();
    for node in &record.nodes {
        // Also those of a start that was cut off before it could write them down.
        daemons.extend(started_with(&plan::mark(folder, node.number)));
        daemons.extend(node.process.clone());
    }
    daemons.dedup();
    for daemon in &daemons {
        end(daemon, Signal::SIGTERM)?;
        // One that is paused hears nothing until it is woken.
        end(daemon, Signal::SIGCONT)?;
    }
    for daemon in &daemons {
        if !daemon.gone_within(DAEMON_PATIENCE).await {
            end(daemon, Signal::SIGKILL)?;
        }
    }
    for daemon in &daemons {
        if !daemon.gone_within(KILL_PATIENCE).await {
            return Err(Failure::new(
                Exit::Failed,
                format_args!("process {} does not end, not even by SIGKILL", daemon.pid),
            ));
        }
    }
    Ok(())
}

fn end(daemon: &Process, signal: Signal) -> Result<(), Failure> {
    daemon.signal(signal).map_err(|errno| {
        Failure::new(
            Exit::Failed,
            format_args!(
                "could not send {signal} to process {}: {}",
                daemon.pid,
                errno.desc()
            ),
        )
    })
}
