//! `conduct restart`.

use super::flags::{Times, Waiting};
use super::run::scale;
use super::session::Session;
use super::text::plain;
use super::waiting::{End, Goal, wait};
use crate::exit::{Exit, Failure};

/// Stop all instances of a bundle and start as many again
///
/// In between there are none. To replace a bundle without a gap, load and run the new one beside
/// the old one and stop that then.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which bundle
    bundle: String,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    times: Times,
}

pub(crate) async fn run(args: &Args, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let bundle = session.bundle(&args.bundle).await?;
    let name = plain(bundle.name());
    let wish = bundle.bundle_scale.clone().unwrap_or_default();
    if wish.scale == 0 {
        let sentence = format!("{name} is to have no instances, so there are none to restart");
        let command = session.command(&format!("run {name}"));
        return Err(Failure::new(Exit::Failed, sentence).hint(format_args!("start it: {command}")));
    }
    // The gap is what this command is about, so this part is waited for in any case.
    let id = bundle.bundle_id.as_str();
    if let Err(error) = session.client.scale(id, 0, None).await {
        return Err(session.bundle_failure(id, error).await);
    }
    let back = session.command(&format!("run {} --scale {}", session.id(id), wish.scale));
    let waited = wait(session, id, Goal::Running(0), args.waiting.limit()).await;
    let stopped = waited.map_err(|failure| failure.hint(format_args!("then start it: {back}")))?;
    if stopped.end != End::Reached {
        let left = stopped.bundle.map_or(0, |it| it.bundle_executions.len());
        let sentence = format!("{left} instances of {name} have not stopped in time");
        let failure = Failure::new(Exit::NotInTime, sentence);
        return Err(failure.hint(format_args!("when they have, start it: {back}")));
    }
    let affinity = wish.affinity.as_deref();
    let started = scale(session, id, wish.scale, affinity, &args.waiting, args.times).await;
    started.map_err(|failure| failure.hint(format_args!("to start it again: {back}")))
}
