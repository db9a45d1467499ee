//! `sandbox ps`.

use conduct_terminal::exit::Failure;
use conduct_terminal::table::{Align, Table};

use super::{DONE, Ended, Session, show};
use crate::process::Life;
use crate::record::{Node, Record};

/// Show the processes of a sandbox's nodes
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only nodes that keep state
    #[arg(long)]
    core: bool,
    /// Only nodes that run instances
    #[arg(long)]
    agent: bool,
    /// Processes of all sandboxes of this place
    #[arg(long, conflicts_with = "name")]
    all: bool,
}

pub(crate) fn run(args: &Args, session: &mut Session<'_>) -> Result<Ended, Failure> {
    let sandboxes = if args.all {
        session.place.all()?
    } else {
        session.place.record()?.into_iter().collect()
    };
    let is_meant = |node: &&Node| {
        let kind = args.core == args.agent
            || (args.core && node.duty.is_core())
            || (args.agent && node.duty.is_agent());
        kind && node.life() != Life::Gone
    };
    let rows: Vec<(&Record, &Node)> = sandboxes
        .iter()
        .flat_map(|(_, record)| record.nodes.iter().map(move |node| (record, node)))
        .filter(|(_, node)| is_meant(node))
        .collect();
    if session.quiet {
        let pids = rows.iter().filter_map(|(_, node)| node.process.as_ref());
        let lines: String = pids.map(|process| format!("{}\n", process.pid)).collect();
        session.screen.print(&lines)?;
        return Ok(DONE);
    }
    let views: Vec<_> = sandboxes
        .iter()
        .flat_map(|(folder, record)| {
            let nodes = record.nodes.iter().filter(is_meant);
            nodes.map(move |node| show::node(folder, node))
        })
        .collect();
    session.show(|| table(&rows), &views)?;
    Ok(DONE)
}

/// The first columns are those that scripts have always cut.
fn table(rows: &[(&Record, &Node)]) -> String {
    let mut table = Table::new(&[
        ("PID", Align::Left),
        ("TYPE", Align::Right),
        ("IP", Align::Right),
        ("NODE", Align::Right),
        ("STATE", Align::Left),
        ("SANDBOX", Align::Left),
    ]);
    for (record, node) in rows {
        let pid = node.process.as_ref().map(|process| process.pid);
        table.row([
            pid.unwrap_or_default().to_string(),
            node.duty.to_string(),
            node.address.to_string(),
            node.number.to_string(),
            node.state().to_owned(),
            record.name.clone(),
        ]);
    }
    table.text()
}
