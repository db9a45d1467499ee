//! `conduct logs`.

use std::time::Duration;

use conduct_client::answers::LogLine;
use conduct_client::{ClientError, Followed, LogQuery};
use serde_json::Value;
use tokio::time::Instant;

use super::events::{RETRY, is_given_up};
use super::flags::Times;
use super::report::table_of_logs;
use super::session::Session;
use super::text::{moment, plain};
use crate::exit::{Exit, Failure};

const LINES: u32 = 10;
const LINES_TO_FOLLOW: u32 = 50;
const POLL_PERIOD_SECONDS: f64 = 1.0;

/// Show what the instances of a bundle wrote
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which bundle
    bundle: String,
    /// How many of the newest lines [default: 10, with --follow 50]
    #[arg(
        short = 'n',
        long,
        value_name = "NUMBER",
        default_value_t = 0,
        hide_default_value = true
    )]
    lines: u32,
    /// Go on with what is written from now on
    #[arg(short, long)]
    follow: bool,
    /// Also what instances wrote that have ended
    #[arg(long)]
    previous: bool,
    /// How often to ask nodes that have no streams of lines [env: CONDUCT_LOGS_POLL_PERIOD]
    /// [default: 1.0]
    #[arg(long, value_name = "SECONDS")]
    follow_poll_period: Option<f64>,
    #[command(flatten)]
    times: Times,
}

impl Args {
    fn query(&self) -> LogQuery {
        let usual = if self.follow { LINES_TO_FOLLOW } else { LINES };
        LogQuery {
            count: Some(if self.lines == 0 { usual } else { self.lines }),
            previous: self.previous,
            follow: self.follow,
        }
    }

    fn period(&self) -> Duration {
        let variable = std::env::var("CONDUCT_LOGS_POLL_PERIOD").ok();
        let variable = variable.and_then(|text| text.trim().parse().ok());
        let seconds = self.follow_poll_period.or(variable);
        let seconds = seconds.filter(|seconds| (0.01..=3600.0).contains(seconds));
        Duration::from_secs_f64(seconds.unwrap_or(POLL_PERIOD_SECONDS))
    }
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
    let answered = match session.client.logs(&args.bundle, &args.query()).await {
        Ok(answered) => answered,
        Err(error) => return Err(no_logs(session, &args.bundle, error).await),
    };
    session.heard(&answered)?;
    let lines = answered.value;
    session.show(
        || table_of_logs(&lines, args.times.utc),
        || lines.iter().map(value).collect(),
        Vec::new,
    )?;
    Ok(Exit::Done)
}

fn value(line: &LogLine) -> Value {
    serde_json::to_value(line).expect("a line is texts")
}

async fn no_logs(session: &Session<'_>, reference: &str, error: ClientError) -> Failure {
    if error.status() == Some(503) && error.code() == Some("") {
        return session
            .failure(error)
            .hint("no node keeps what instances write; that has to be switched on in the cluster");
    }
    session.bundle_failure(reference, error).await
}

/// Follows as a stream where nodes have one, else by asking again and again.
async fn follow(args: &Args, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let mut seen: Vec<LogLine> = Vec::new();
    let mut last_id: Option<String> = None;
    let mut failing: Option<Instant> = None;
    loop {
        let followed = session
            .client
            .follow_logs(&args.bundle, &args.query(), last_id.as_deref())
            .await;
        match followed {
            Ok(Followed::Lines(lines)) => {
                failing = None;
                let fresh = fresh(&seen, &lines);
                if fresh.len() == lines.len() && !seen.is_empty() && !lines.is_empty() {
                    session.screen.warning("some lines may be missing here");
                }
                for line in fresh {
                    show(session, line, args.times.utc)?;
                }
                seen = lines;
                tokio::time::sleep(args.period()).await;
            }
            Ok(Followed::Stream(mut stream)) => {
                while let Ok(Some(frame)) = stream.next().await {
                    failing = None;
                    last_id = stream.last_id().map(str::to_owned);
                    match serde_json::from_str::<LogLine>(&frame.data) {
                        Ok(line) => show(session, &line, args.times.utc)?,
                        Err(_) if frame.event.as_deref() == Some("lagged") => {
                            session.screen.warning("some lines are missing here");
                            last_id = None;
                        }
                        Err(_) => {}
                    }
                }
                tokio::time::sleep(RETRY).await;
            }
            Err(error) if error.is_connection() => {
                if is_given_up(&mut failing, session) {
                    return Err(session.failure(error));
                }
                tokio::time::sleep(RETRY).await;
            }
            Err(error) => return Err(no_logs(session, &args.bundle, error).await),
        }
    }
}

/// The lines behind those that were seen: where the end of what was seen is the beginning of what
/// there is now.
fn fresh<'l>(seen: &[LogLine], now: &'l [LogLine]) -> &'l [LogLine] {
    let longest = seen.len().min(now.len());
    let overlap = (1..=longest)
        .rev()
        .find(|count| seen[seen.len() - count..] == now[..*count]);
    &now[overlap.unwrap_or(0)..]
}

fn show(session: &mut Session<'_>, line: &LogLine, utc: bool) -> Result<(), Failure> {
    session.show_next(
        || {
            let time = moment(&line.timestamp, utc);
            format!("{time} {} {}\n", plain(&line.host), plain(&line.message))
        },
        || value(line),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(messages: &str) -> Vec<LogLine> {
        let line = |message: char| LogLine {
            timestamp: "t".to_owned(),
            host: "h".to_owned(),
            message: message.to_string(),
            stream: None,
            instance: None,
        };
        messages.chars().map(line).collect()
    }

    #[test]
    fn only_what_is_new_is_shown() {
        for (seen, now, expected) in [
            ("", "abc", 3),
            ("abc", "abc", 0),
            ("abc", "bcd", 1),
            ("abc", "cde", 2),
            ("abc", "xyz", 3),
            ("abab", "abab", 0),
            ("aaa", "aab", 1),
            ("abc", "", 0),
        ] {
            let (seen, now) = (lines(seen), lines(now));
            assert_eq!(fresh(&seen, &now).len(), expected, "{seen:?} {now:?}");
        }
    }
}
