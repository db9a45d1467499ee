//! `sandbox stop` and `sandbox restart`.

use conduct_terminal::exit::{Exit, Failure};

use super::run;
use super::{DONE, Ended, Session};
use crate::folders::Folder;
use crate::lock::Lock;
use crate::pointer;
use crate::record::{Phase, Record};
use crate::teardown;

/// Stop a sandbox: its daemons and everything that they run. Its folder stays, for its logs
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Stop all sandboxes of this place
    #[arg(long, conflicts_with = "name")]
    all: bool,
    /// Remove the folder as well
    #[arg(long)]
    purge: bool,
}

/// Stop a sandbox and start it with the same arguments, empty
#[derive(Debug, clap::Args)]
pub(crate) struct RestartArgs {}

pub(crate) async fn run(args: &Args, session: &mut Session<'_>) -> Result<Ended, Failure> {
    let folders: Vec<Folder> = if args.all {
        let all = session.place.all()?;
        all.into_iter().map(|(folder, _)| folder).collect()
    } else {
        vec![session.place.folder()?]
    };
    let mut stopped = Vec::new();
    for folder in &folders {
        stopped.extend(stop(folder, args.purge, session).await?);
    }
    if !stopped.is_empty() {
        point_to_another(session)?;
    }
    session.show(String::new, &serde_json::json!({ "stopped": stopped }))?;
    Ok(DONE)
}

/// Stops what runs in a folder; answers its name if something did.
async fn stop(
    folder: &Folder,
    purge: bool,
    session: &mut Session<'_>,
) -> Result<Option<String>, Failure> {
    if !folder.record().exists() {
        return Ok(None);
    }
    let lock = Lock::take(folder, session.screen)?;
    let Some(mut record) = Record::read(folder)? else {
        return Ok(None);
    };
    let ran = record.phase != Phase::Stopped;
    if ran {
        let begun = std::time::Instant::now();
        teardown::stop(folder, &mut record).await?;
        session.note(format_args!(
            "Stopped sandbox {} after {:.1} s.",
            record.name,
            begun.elapsed().as_secs_f64()
        ));
    }
    if purge {
        folder.remove()?;
    }
    drop(lock);
    Ok(ran.then_some(record.name))
}

/// `conduct` speaks with the sandbox that was started last of those that still run.
fn point_to_another(session: &mut Session<'_>) -> Result<(), Failure> {
    if crate::folders::pointer().exists() {
        return Ok(());
    }
    let all = session.place.all()?;
    let mut running = all
        .iter()
        .filter(|(_, record)| record.phase == Phase::Running && !record.temporary);
    if let Some((folder, record)) = running.next_back() {
        pointer::set(folder, record)?;
        session.note(format_args!(
            "conduct speaks with sandbox {} now.",
            record.name
        ));
    }
    Ok(())
}

pub(crate) async fn restart(_: &RestartArgs, session: &mut Session<'_>) -> Result<Ended, Failure> {
    let Some((_, record)) = session.place.record()? else {
        let name = &session.place.name;
        return Err(Failure::new(
            Exit::Failed,
            format_args!("sandbox {name} was never run, so there is nothing to start again"),
        )
        .hint(session.command("run")));
    };
    let args = run::reparse(&record.arguments)?;
    // Whatever was said with the run is said again, but in which place it is.
    Box::pin(run::run_as(&args, record.arguments, session)).await
}
