//! What is told when a bundle does not become what was wished.

use conduct_client::answers::{EventLine, LogLine};
use conduct_client::{ClientError, LogQuery};

use super::session::Session;
use super::table::{Align, Table};
use super::text::{moment, plain};

/// Lines of events and of logs that are shown.
const LINES: u32 = 10;

/// Shows what the cluster and the instances said last.
pub(crate) async fn tell_cause(session: &mut Session<'_>, id: &str, name: &str, utc: bool) {
    let events = session.client.bundle_events(id, LINES).await;
    let query = LogQuery {
        count: Some(LINES),
        ..LogQuery::default()
    };
    let logs = session.client.logs(id, &query).await;
    match events {
        Ok(events) if events.value.is_empty() => {}
        Ok(events) => {
            session.screen.note("What happened:");
            session
                .screen
                .note(table_of_events(&events.value, utc).trim_end());
        }
        Err(error) => tell_absence(session, "events", &error),
    }
    match logs {
        Ok(logs) if logs.value.is_empty() => session.screen.note("It wrote nothing."),
        Ok(logs) => {
            session.screen.note("The last lines it wrote:");
            session
                .screen
                .note(table_of_logs(&logs.value, utc).trim_end());
        }
        Err(error) => tell_absence(session, "logs", &error),
    }
    let name = plain(name);
    let command = session.command(&format!("logs {name} --previous"));
    session.instruct(format_args!("See more: {command}"));
}

fn tell_absence(session: &mut Session<'_>, what: &str, error: &ClientError) {
    if error.status() == Some(503) {
        let text = format!("no node keeps {what} right now, so they cannot be shown");
        session.screen.note(text);
    } else {
        let text = format!("the {what} could not be had: {error}");
        session.screen.note(plain(&text));
    }
}

/// Shows what stands against each node. Old servers cannot tell.
pub(crate) async fn tell_reasons(session: &mut Session<'_>, id: &str) -> Option<String> {
    let why = session.client.why(id).await.ok()?.value;
    for node in &why.nodes {
        let (host, reason) = (plain(&node.host), plain(&node.reason));
        session.screen.note(format_args!("  {host}  {reason}"));
    }
    why.overall.map(|overall| plain(&overall))
}

pub(crate) fn table_of_events(events: &[EventLine], utc: bool) -> String {
    let mut table = Table::new(&[
        ("TIME", Align::Left),
        ("EVENT", Align::Left),
        ("DESC", Align::Left),
    ]);
    for line in events {
        table.row([
            &moment(&line.timestamp, utc),
            &line.event,
            &line.description,
        ]);
    }
    table.text()
}

pub(crate) fn table_of_logs(logs: &[LogLine], utc: bool) -> String {
    let mut table = Table::new(&[
        ("TIME", Align::Left),
        ("HOST", Align::Left),
        ("LOG", Align::Left),
    ]);
    for line in logs {
        table.row([&moment(&line.timestamp, utc), &line.host, &line.message]);
    }
    table.text()
}
