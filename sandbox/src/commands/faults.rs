//! `sandbox pause`, `resume`, `kill` and `revive`: what happens to machines.

use std::time::Duration;

use conduct_terminal::exit::{Exit, Failure};
use nix::sys::signal::Signal;

use super::{DONE, Ended, Session, show};
use crate::daemon;
use crate::folders::Folder;
use crate::place::Held;
use crate::plan;
use crate::process::{Life, started_with};
use crate::ready;
use crate::record::{CLUSTER_PORT, Node};

/// A daemon that was killed is gone within this.
const GONE_PATIENCE: Duration = Duration::from_secs(5);

/// Freeze daemons (SIGSTOP). After 12 s without them, their instances end by their leases
#[derive(Debug, clap::Args)]
pub(crate) struct PauseArgs {
    /// Nodes by number or address
    #[arg(required = true)]
    nodes: Vec<String>,
}

/// Let frozen daemons go on (SIGCONT)
#[derive(Debug, clap::Args)]
pub(crate) struct ResumeArgs {
    /// Nodes by number or address; all that are paused, if none is named
    nodes: Vec<String>,
}

/// Kill daemons (SIGKILL). Instances go on under their leases, until their node is revived or 12 s
/// have passed
#[derive(Debug, clap::Args)]
pub(crate) struct KillArgs {
    /// Nodes by number or address
    #[arg(required = true)]
    nodes: Vec<String>,
    /// Everything that runs on the node as well, as if the machine had lost its power
    #[arg(long)]
    with_instances: bool,
}

/// Start daemons again that were killed, with what is on their disks
#[derive(Debug, clap::Args)]
pub(crate) struct ReviveArgs {
    /// Nodes by number or address; all that are gone, if none is named
    nodes: Vec<String>,
    /// Do not wait until they are members again
    #[arg(long)]
    no_wait: bool,
    /// How long to wait
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    wait_timeout: u64,
}

pub(crate) async fn pause(args: &PauseArgs, session: &mut Session<'_>) -> Result<Ended, Failure> {
    let held = session.place.hold(session.screen)?;
    let meant = named(&held, &args.nodes)?;
    ready::wait_for_votes(&held.record).await;
    for at in meant {
        let node = &held.record.nodes[at];
        signal(alive(node)?, Signal::SIGSTOP)?;
        session.note(format_args!(
            "Node {} ({}) is frozen. Wake it with: {}",
            node.number,
            node.address,
            session.command(&format!("resume {}", node.number))
        ));
    }
    show_all(&held, session)
}

pub(crate) fn resume(args: &ResumeArgs, session: &mut Session<'_>) -> Result<Ended, Failure> {
    let held = session.place.hold(session.screen)?;
    let meant = named_or(&held, &args.nodes, |node| node.life() == Life::Stopped)?;
    for at in meant {
        let node = &held.record.nodes[at];
        signal(alive(node)?, Signal::SIGCONT)?;
        session.note(format_args!(
            "Node {} ({}) goes on.",
            node.number, node.address
        ));
    }
    show_all(&held, session)
}

pub(crate) async fn kill(args: &KillArgs, session: &mut Session<'_>) -> Result<Ended, Failure> {
    let mut held = session.place.hold(session.screen)?;
    let meant = named(&held, &args.nodes)?;
    for at in &meant {
        alive(&held.record.nodes[*at])?;
    }
    ready::wait_for_votes(&held.record).await;
    for at in meant {
        let node = &mut held.record.nodes[at];
        // Before it happens, so that it is never taken for a crash.
        node.killed = true;
        held.record.write(&held.folder)?;
        let node = &held.record.nodes[at];
        signal(node, Signal::SIGKILL)?;
        if let Some(process) = &node.process
            && !process.gone_within(GONE_PATIENCE).await
        {
            return Err(Failure::new(
                Exit::NotInTime,
                format_args!("process {} does not end", process.pid),
            ));
        }
        if args.with_instances {
            clear(&held.folder, node)?;
        }
        session.note(format_args!(
            "Node {} ({}) is dead. Start it again with: {}",
            node.number,
            node.address,
            session.command(&format!("revive {}", node.number))
        ));
    }
    show_all(&held, session)
}

pub(crate) async fn revive(args: &ReviveArgs, session: &mut Session<'_>) -> Result<Ended, Failure> {
    let mut held = session.place.hold(session.screen)?;
    let meant = named_or(&held, &args.nodes, |node| node.life() == Life::Gone)?;
    let program = daemon::program()?;
    for at in &meant {
        let node = &mut held.record.nodes[*at];
        if node.life() != Life::Gone {
            return Err(Failure::new(
                Exit::Refused,
                format_args!(
                    "node {} ({}) is {}",
                    node.number,
                    node.address,
                    node.state()
                ),
            ));
        }
        // One may run that an interrupted command could not write down any more.
        let mut found = started_with(&plan::mark(&held.folder, node.number));
        let process = match found.pop() {
            Some(process) => process,
            None => daemon::start(&program, &held.folder, node)?,
        };
        node.process = Some(process);
        node.killed = false;
        held.record.write(&held.folder)?;
    }
    if !args.no_wait && !meant.is_empty() {
        let patience = Duration::from_secs(args.wait_timeout);
        let waiting = ready::wait(&held.folder, &held.record, &meant, patience);
        tokio::select! {
            interrupted = session.interrupts.next() => return Ok(Ended::By(interrupted)),
            waited = waiting => waited?,
        }
    }
    for at in &meant {
        let Node {
            number, address, ..
        } = &held.record.nodes[*at];
        session.note(format_args!("Node {number} ({address}) is back."));
    }
    show_all(&held, session)
}

/// The nodes by these names, each once.
fn named(held: &Held, names: &[String]) -> Result<Vec<usize>, Failure> {
    let found: Result<Vec<usize>, Failure> =
        names.iter().map(|name| held.record.find(name)).collect();
    let mut found = found?;
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// The nodes by these names; without names, all that `fit`.
fn named_or(
    held: &Held,
    names: &[String],
    fit: impl Fn(&Node) -> bool,
) -> Result<Vec<usize>, Failure> {
    if !names.is_empty() {
        return named(held, names);
    }
    let all = 0..held.record.nodes.len();
    Ok(all.filter(|at| fit(&held.record.nodes[*at])).collect())
}

fn alive(node: &Node) -> Result<&Node, Failure> {
    if node.life() == Life::Gone {
        return Err(Failure::new(
            Exit::Refused,
            format_args!(
                "node {} ({}) is {}",
                node.number,
                node.address,
                node.state()
            ),
        )
        .hint(format_args!(
            "start it again: sandbox revive {}",
            node.number
        )));
    }
    Ok(node)
}

fn signal(node: &Node, signal: Signal) -> Result<(), Failure> {
    let Some(process) = &node.process else {
        return Ok(());
    };
    process.signal(signal).map_err(|errno| {
        Failure::new(
            Exit::Failed,
            format_args!(
                "could not send {signal} to node {}: {}",
                node.number,
                errno.desc()
            ),
        )
    })
}

/// Ends a dead node's instances at once.
fn clear(folder: &Folder, node: &Node) -> Result<(), Failure> {
    let name = format!("{}-{CLUSTER_PORT}", node.address);
    conduct_runtime::clear(&folder.runs(node.number), &name, Duration::ZERO)
        .map_err(|error| Failure::from_error(Exit::Failed, error))
}

fn show_all(held: &Held, session: &mut Session<'_>) -> Result<Ended, Failure> {
    session.show(String::new, &show::sandbox(&held.folder, &held.record))?;
    Ok(DONE)
}
