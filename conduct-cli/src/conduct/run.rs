//! `conduct run`, also called `start`.

use std::time::Duration;

use conduct_client::ApiVersion;
use conduct_client::answers::{Accepted, Bundle};
use serde_json::{Value, json};

use super::bundles::{self, executions};
use super::flags::{Form, Times, Waiting};
use super::report;
use super::session::Session;
use super::text::plain;
use super::waiting::{End, Goal, Waited, wait};
use crate::exit::{Exit, Failure};

/// Say how many instances of a bundle there should be, and wait until they run
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which bundle
    bundle: String,
    /// How many instances
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    scale: u32,
    /// Only on nodes where this bundle runs
    #[arg(long, value_name = "BUNDLE")]
    affinity: Option<String>,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    times: Times,
}

pub(crate) async fn run(args: &Args, session: &mut Session<'_>) -> Result<Exit, Failure> {
    if args.affinity.is_some() && session.api == ApiVersion::One {
        let sentence = "--affinity needs version 2 of the control API";
        return Err(Failure::new(Exit::Usage, sentence));
    }
    let affinity = args.affinity.as_deref();
    scale(
        session,
        &args.bundle,
        args.scale,
        affinity,
        &args.waiting,
        args.times,
    )
    .await
}

/// Wishes and waits.
pub(crate) async fn scale(
    session: &mut Session<'_>,
    reference: &str,
    wanted: u32,
    affinity: Option<&str>,
    waiting: &Waiting,
    times: Times,
) -> Result<Exit, Failure> {
    let tells = session.looks.output == Form::Table && !session.is_quiet() && !waiting.no_wait;
    let before = if tells {
        Before::of(session, reference).await
    } else {
        None
    };
    let accepted = match session.client.scale(reference, wanted, affinity).await {
        Ok(accepted) => accepted,
        Err(error) => return Err(session.bundle_failure(reference, error).await),
    };
    session.heard(&accepted)?;
    let accepted = accepted.value;
    let id = session.id(&accepted.bundle_id);
    if waiting.no_wait {
        let text = match wanted {
            0 => format!("{id} is to stop.\n"),
            1 => format!("{id} is to have 1 instance.\n"),
            _ => format!("{id} is to have {wanted} instances.\n"),
        };
        show(session, text, &accepted, wanted, None)?;
        return Ok(Exit::Done);
    }
    if tells {
        let headline = match &before {
            Some(Before { name, scale }) => format!("{name} {id}  {scale} → {wanted}"),
            None => format!("{id}  → {wanted}"),
        };
        session.note(headline);
    }
    let goal = Goal::Running(wanted);
    let waited = wait(session, &accepted.bundle_id, goal, waiting.limit()).await?;
    finish(session, &accepted, wanted, &waited, waiting.limit(), times).await
}

/// A bundle before it is changed, as far as it matters to whoever reads along.
struct Before {
    name: String,
    scale: u32,
}

impl Before {
    /// Looks it up. What is not to be found is left to the server: it says why.
    async fn of(session: &Session<'_>, reference: &str) -> Option<Before> {
        let list = session.client.bundles().await.ok()?.value;
        let bundle = list.get(bundles::find(&list, reference).ok()?)?;
        Some(Before {
            name: plain(bundle.name()),
            scale: bundle.bundle_scale.as_ref().map_or(0, |it| it.scale),
        })
    }
}

async fn finish(
    session: &mut Session<'_>,
    accepted: &Accepted,
    wanted: u32,
    waited: &Waited,
    limit: Duration,
    times: Times,
) -> Result<Exit, Failure> {
    let running = waited.bundle.as_ref().map_or(0, Bundle::started);
    let name = waited.bundle.as_ref().map_or("", Bundle::name);
    let name = if name.is_empty() {
        session.id(&accepted.bundle_id)
    } else {
        plain(name)
    };
    match waited.end {
        End::Reached if wanted == 0 => {
            show(
                session,
                format!("Stopped {name}.\n"),
                accepted,
                wanted,
                Some(waited),
            )?;
            let id = session.id(&accepted.bundle_id);
            let command = session.command(&format!("unload {id}"));
            session.instruct(format_args!("Remove it with: {command}"));
            Ok(Exit::Done)
        }
        End::Reached => {
            let text = format!("Running {running} of {wanted}.\n");
            show(session, text, accepted, wanted, Some(waited))?;
            let id = session.id(&accepted.bundle_id);
            let command = session.command(&format!("stop {id}"));
            session.instruct(format_args!("Stop it with: {command}"));
            Ok(Exit::Done)
        }
        End::NotInTime => {
            let left = waited
                .bundle
                .as_ref()
                .map_or(0, |it| it.bundle_executions.len());
            let text = match wanted {
                0 => format!("{left} instances of {name} have not stopped"),
                _ => format!("Running {running} of {wanted}"),
            };
            let seconds = limit.as_secs();
            if session.is_quiet() {
                let sentence = format!("timed out after {seconds} s: {text} ({name})");
                return Err(Failure::new(Exit::NotInTime, sentence));
            }
            let text = format!("{text} after {seconds} s.\n");
            show(session, text, accepted, wanted, Some(waited))?;
            let overall = report::tell_reasons(session, &accepted.bundle_id).await;
            if let Some(overall) = overall {
                session.note(overall);
            }
            let command = session.command(&format!("why {name}"));
            session.note(format_args!(
                "The wish stays: it completes as soon as it can. See: {command}"
            ));
            Ok(Exit::NotInTime)
        }
        End::Erroneous => {
            let error = waited.bundle.as_ref().and_then(|it| it.error.as_deref());
            let error = error.map_or_else(String::new, |error| format!(": {}", plain(error)));
            show(session, String::new(), accepted, wanted, Some(waited))?;
            if !session.is_quiet() {
                report::tell_cause(session, &accepted.bundle_id, &name, times.utc).await;
            }
            let sentence = format!("{name} runs {running} of {wanted} and fails{error}");
            Err(Failure::new(Exit::Failed, sentence))
        }
    }
}

fn show(
    session: &mut Session<'_>,
    text: String,
    accepted: &Accepted,
    wanted: u32,
    waited: Option<&Waited>,
) -> Result<(), Failure> {
    let is_quiet = session.is_quiet();
    session.show(
        || if is_quiet { String::new() } else { text },
        || value(accepted, wanted, waited),
        || vec![accepted.bundle_id.clone()],
    )
}

fn value(accepted: &Accepted, wanted: u32, waited: Option<&Waited>) -> Value {
    let bundle = waited.and_then(|it| it.bundle.as_ref());
    json!({
        "id": accepted.bundle_id,
        "name": bundle.map(Bundle::name),
        "requestId": accepted.request_id,
        "durability": accepted.durability,
        "wanted": wanted,
        "reached": waited.map(|it| it.end == End::Reached),
        "running": waited.map(|_| bundle.map_or(0, Bundle::started)),
        "tookMs": waited.map(|it| millis(it.took)),
        "executions": bundle.map(executions).unwrap_or_default(),
    })
}

/// A span for programs.
pub(crate) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
