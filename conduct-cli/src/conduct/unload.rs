//! `conduct unload`.

use serde_json::json;

use super::flags::Waiting;
use super::run::millis;
use super::session::Session;
use super::text::plain;
use super::waiting::{End, Goal, wait};
use crate::exit::{Exit, Failure};

/// Remove a bundle that does not run from all nodes
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which bundle
    bundle: String,
    #[command(flatten)]
    waiting: Waiting,
}

pub(crate) async fn run(args: &Args, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let accepted = match session.client.unload(&args.bundle).await {
        Ok(accepted) => accepted,
        Err(error) => {
            let running = error.code() == Some("still-running");
            let failure = session.bundle_failure(&args.bundle, error).await;
            let command = session.command(&format!("stop {}", plain(&args.bundle)));
            return Err(if running {
                failure.hint(format_args!("stop it first: {command}"))
            } else {
                failure
            });
        }
    };
    session.heard(&accepted)?;
    let accepted = accepted.value;
    let id = session.id(&accepted.bundle_id);
    let waited = if args.waiting.no_wait {
        None
    } else {
        let limit = args.waiting.limit();
        let waited = wait(session, &accepted.bundle_id, Goal::Gone, limit).await?;
        if waited.end != End::Reached {
            let left = waited.bundle.map_or(0, |it| it.bundle_installations.len());
            let sentence = format!(
                "timed out after {} s: {left} nodes have not removed {id} yet",
                limit.as_secs()
            );
            return Err(Failure::new(Exit::NotInTime, sentence).hint("they will when they can"));
        }
        Some(waited)
    };
    let is_quiet = session.is_quiet();
    // An id says nothing to people that they did not type themselves.
    let typed = plain(&args.bundle);
    let named = if accepted.bundle_id.starts_with(&args.bundle) {
        id
    } else {
        format!("{typed} {id}")
    };
    let whole = accepted.bundle_id.clone();
    session.show(
        || {
            if is_quiet {
                format!("{}\n", plain(&whole))
            } else if waited.is_some() {
                format!("Unloaded {named}.\n")
            } else {
                format!("{named} is to be unloaded.\n")
            }
        },
        || {
            json!({
                "id": accepted.bundle_id,
                "requestId": accepted.request_id,
                "durability": accepted.durability,
                "reached": waited.as_ref().map(|_| true),
                "tookMs": waited.as_ref().map(|it| millis(it.took)),
            })
        },
        || vec![accepted.bundle_id.clone()],
    )?;
    Ok(Exit::Done)
}
