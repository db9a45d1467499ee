//! `conduct watch`.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use tokio::time::Instant;

use super::bundles::value;
use super::flags::Form;
use super::info::table;
use super::session::{Session, json_line};
use super::yaml::yaml;
use crate::exit::{Exit, Failure};

/// Long enough to be waited for again.
const A_WHILE: Duration = Duration::from_secs(3600);

/// Show the list of bundles again whenever it changes, until Ctrl-C
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) async fn run(_: &Args, session: &mut Session<'_>) -> Result<Exit, Failure> {
    tokio::select! {
        watched = watch(session) => watched,
        _ = tokio::signal::ctrl_c() => Ok(Exit::Done),
    }
}

async fn watch(session: &mut Session<'_>) -> Result<Exit, Failure> {
    // On a terminal each list takes the place of the one before it.
    let in_place = io::stdout().is_terminal() && session.looks.output == Form::Table;
    let mut watch = session.client.watch();
    let mut shown = String::new();
    loop {
        let seen = watch.next(Instant::now() + A_WHILE).await;
        let Some(bundles) = seen.map_err(|error| session.failure(error))? else {
            continue;
        };
        let values = || bundles.iter().map(value).collect::<serde_json::Value>();
        let text = match session.looks.output {
            Form::Table => table(&bundles, session.looks.long_ids),
            Form::Json => format!("{}\n", json_line(&values())),
            Form::Yaml => format!("---\n{}", yaml(&values())),
            Form::Id => {
                let ids = bundles.iter().map(|it| super::text::plain(&it.bundle_id));
                ids.collect::<Vec<_>>().join(" ") + "\n"
            }
        };
        if text == shown {
            continue;
        }
        let printed = match (in_place, shown.is_empty()) {
            (true, true) => format!("\x1b[2J\x1b[H{text}"),
            // Each line is cleared behind its end, so nothing flickers.
            (true, false) => format!("\x1b[H{}\x1b[J", text.replace('\n', "\x1b[K\n")),
            (false, false) if session.looks.output == Form::Table => format!("\n{text}"),
            (false, _) => text.clone(),
        };
        session.screen.print(&printed)?;
        shown = text;
    }
}
