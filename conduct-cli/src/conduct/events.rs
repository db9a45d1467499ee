//! `conduct events`.

use std::time::Duration;

use conduct_client::answers::EventLine;
use conduct_client::{ClientError, EventStream};
use serde_json::Value;
use tokio::time::Instant;

use super::flags::Times;
use super::report::table_of_events;
use super::session::Session;
use super::table::{Align, Table};
use super::text::{moment, plain};
use crate::exit::{Exit, Failure};

/// A stream that is lost is opened again for so long: a daemon that was killed is back within 15 s,
/// or its peers call it down.
const PATIENCE: Duration = Duration::from_secs(20);
pub(crate) const RETRY: Duration = Duration::from_millis(500);

/// Show what happened to a bundle or, without one, in the whole cluster
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which bundle [default: everything]
    bundle: Option<String>,
    /// How many of the newest
    #[arg(short = 'n', long, value_name = "NUMBER", default_value_t = 10)]
    lines: u32,
    /// Go on with what happens from now on
    #[arg(short, long)]
    follow: bool,
    #[command(flatten)]
    times: Times,
}

pub(crate) async fn run(args: &Args, session: &mut Session<'_>) -> Result<Exit, Failure> {
    session.refuse_ids()?;
    if args.follow {
        return tokio::select! {
            followed = follow(args, session) => followed,
            // Whoever follows ends it so, which is no failure.
            _ = tokio::signal::ctrl_c() => Ok(Exit::Done),
        };
    }
    let answered = match &args.bundle {
        Some(reference) => session.client.bundle_events(reference, args.lines).await,
        None => session.client.events(args.lines).await,
    };
    let answered = match (answered, &args.bundle) {
        (Ok(answered), _) => answered,
        (Err(error), Some(reference)) => {
            return Err(session.bundle_failure(reference, error).await);
        }
        (Err(error), None) => return Err(no_such_thing(session, error)),
    };
    session.heard(&answered)?;
    let events = answered.value;
    session.show(
        || match args.bundle {
            Some(_) => table_of_events(&events, args.times.utc),
            None => table_of_all(&events, args.times.utc),
        },
        || events.iter().map(value).collect(),
        Vec::new,
    )?;
    Ok(Exit::Done)
}

fn table_of_all(events: &[EventLine], utc: bool) -> String {
    let mut table = Table::new(&[
        ("TIME", Align::Left),
        ("HOST", Align::Left),
        ("EVENT", Align::Left),
        ("DESC", Align::Left),
    ]);
    for line in events {
        let host = line.host.as_deref().unwrap_or_default();
        table.row([
            &moment(&line.timestamp, utc),
            host,
            &line.event,
            &line.description,
        ]);
    }
    table.text()
}

fn value(line: &EventLine) -> Value {
    serde_json::to_value(line).expect("an event is texts")
}

/// Nodes of other releases tell of bundles only.
fn no_such_thing(session: &Session<'_>, error: ClientError) -> Failure {
    if error.status() == Some(404) {
        return Failure::new(Exit::Failed, "this cluster tells of single bundles only")
            .hint(session.command("events BUNDLE"));
    }
    session.failure(error)
}

async fn follow(args: &Args, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let only = match &args.bundle {
        Some(reference) => Some(session.bundle(reference).await?.bundle_id),
        None => None,
    };
    let mut stream = session.client.follow_events(None).await;
    // What came before the stream is shown first, so that nothing is missing between.
    let before = match &only {
        Some(id) => session.client.bundle_events(id, args.lines).await,
        None => session.client.events(args.lines).await,
    };
    let before = before.map_err(|error| no_such_thing(session, error))?;
    for line in &before.value {
        show(session, line, args.times.utc)?;
    }
    let (mut last_id, mut failing) = (None, None::<Instant>);
    loop {
        match stream {
            Ok(mut open) => {
                failing = None;
                let ended = read(&mut open, &mut last_id, only.as_deref(), args, session).await;
                if let Err(Lost::Failure(failure)) = ended {
                    return Err(failure);
                }
            }
            Err(error) if error.is_connection() => {
                if is_given_up(&mut failing, session) {
                    return Err(session.failure(error));
                }
            }
            Err(error) => return Err(no_such_thing(session, error)),
        }
        tokio::time::sleep(RETRY).await;
        stream = session.client.follow_events(last_id.as_deref()).await;
    }
}

/// Tells at once why nothing comes any more; answers whether it has lasted for too long. `failing`
/// holds since when nothing answers.
pub(crate) fn is_given_up(failing: &mut Option<Instant>, session: &mut Session<'_>) -> bool {
    let since = failing.get_or_insert_with(|| {
        session.screen.warning(format_args!(
            "the node does not answer any more; trying again for {} s",
            PATIENCE.as_secs()
        ));
        Instant::now()
    });
    since.elapsed() > PATIENCE
}

enum Lost {
    /// The stream ended and may be opened again.
    Stream,
    Failure(Failure),
}

async fn read(
    stream: &mut EventStream,
    last_id: &mut Option<String>,
    only: Option<&str>,
    args: &Args,
    session: &mut Session<'_>,
) -> Result<(), Lost> {
    loop {
        let Ok(Some(frame)) = stream.next().await else {
            return Err(Lost::Stream);
        };
        *last_id = stream.last_id().map(str::to_owned);
        if frame.event.as_deref() == Some("lagged") {
            session
                .screen
                .warning("some events came too fast and are missing here");
            *last_id = None;
            continue;
        }
        let Ok(line) = serde_json::from_str::<EventLine>(&frame.data) else {
            let data: String = frame.data.chars().take(200).collect();
            let text = format!("an event that cannot be understood: {}", plain(&data));
            session.screen.warning(text);
            continue;
        };
        if only.is_none_or(|id| line.bundle_id.as_deref() == Some(id)) {
            show(session, &line, args.times.utc).map_err(Lost::Failure)?;
        }
    }
}

fn show(session: &mut Session<'_>, line: &EventLine, utc: bool) -> Result<(), Failure> {
    session.show_next(
        || {
            let time = moment(&line.timestamp, utc);
            let host = plain(line.host.as_deref().unwrap_or_default());
            let (event, description) = (plain(&line.event), plain(&line.description));
            let text = format!("{time} {host} {event} {description}");
            format!("{}\n", text.replace("  ", " ").trim_end())
        },
        || value(line),
    )
}
