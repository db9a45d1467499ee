//! `sandbox status`: how the nodes are, each asked by itself.

use conduct_client::ClientError;
use conduct_client::answers::{Bundle, Members};
use conduct_terminal::exit::Failure;
use conduct_terminal::table::{Align, Table};
use serde::Serialize;
use tokio::task::JoinSet;

use super::cut::sides;
use super::{DONE, Ended, Form, Session, show};
use crate::process::Life;
use crate::ready;
use crate::record::{Node, Record};

/// Show how the nodes of a sandbox are, as each of them sees it
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// What a node says of itself and of the others.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    /// Nothing from one that does not answer.
    members: Option<usize>,
    reachable: Option<usize>,
    /// Whether it takes changes.
    ready: bool,
    /// Why not.
    reason: Option<String>,
    #[serde(skip)]
    bundles: Vec<Bundle>,
}

#[derive(Serialize)]
struct View<'r> {
    #[serde(flatten)]
    node: show::NodeView<'r>,
    #[serde(flatten)]
    said: &'r Said,
    instances: usize,
}

pub(crate) async fn run(_: &Args, session: &mut Session<'_>) -> Result<Ended, Failure> {
    let (folder, record) = session.place.running()?;
    let said = ask_all(&record).await;
    // Whoever takes changes knows best what runs where.
    let best = said.iter().find(|one| one.ready).or(said.first());
    let bundles = best.map(|one| one.bundles.clone()).unwrap_or_default();
    let views: Vec<View<'_>> = record
        .nodes
        .iter()
        .zip(&said)
        .map(|(node, said)| View {
            node: show::node(&folder, node),
            said,
            instances: instances(&bundles, node),
        })
        .collect();
    let value = serde_json::json!({
        "name": record.name,
        "folder": folder.path(),
        "ingress": record.ingress(),
        "nodes": views,
    });
    session.show(|| table(&record, &said, &bundles), &value)?;
    if session.form == Form::Table {
        session.note(sides(&record));
        if let Some(ingress) = record.ingress() {
            session.note(format_args!(
                "Bundles with access rules answer at {ingress}"
            ));
        }
        session.note(format_args!("Everything is in {}", folder.path().display()));
    }
    Ok(DONE)
}

/// Asks all at the same time: those that are frozen answer nothing for a while.
async fn ask_all(record: &Record) -> Vec<Said> {
    let mut asked = JoinSet::new();
    for (at, node) in record.nodes.iter().enumerate() {
        let node = node.clone();
        asked.spawn(async move { (at, ask(&node).await) });
    }
    let mut said = vec![Said::default(); record.nodes.len()];
    for (at, one) in asked.join_all().await {
        said[at] = one;
    }
    said
}

async fn ask(node: &Node) -> Said {
    if node.life() != Life::Running {
        return Said {
            reason: Some(node.state().to_owned()),
            ..Said::default()
        };
    }
    let client = ready::client(node);
    let members: Members = match client.members().await {
        Ok(members) => members.value,
        Err(error) => {
            return Said {
                reason: Some(reason(&error)),
                ..Said::default()
            };
        }
    };
    let count = members.members.len();
    let readiness = ready::takes_changes(node).await;
    let bundles = client.bundles().await.map(|bundles| bundles.value);
    Said {
        members: Some(count),
        reachable: Some(count - members.unreachable.len().min(count)),
        ready: readiness.is_ok(),
        reason: readiness.err().map(|error| reason(&error)),
        bundles: bundles.unwrap_or_default(),
    }
}

fn reason(error: &ClientError) -> String {
    match error {
        ClientError::Status { code, .. } if !code.is_empty() => code.clone(),
        ClientError::Unreachable { .. } => "does not answer".to_owned(),
        error => error.to_string(),
    }
}

fn instances(bundles: &[Bundle], node: &Node) -> usize {
    let executions = bundles.iter().flat_map(|bundle| &bundle.bundle_executions);
    let host = node.address.to_string();
    executions
        .filter(|execution| execution.host == host)
        .count()
}

fn table(record: &Record, said: &[Said], bundles: &[Bundle]) -> String {
    let mut table = Table::new(&[
        ("NODE", Align::Right),
        ("IP", Align::Left),
        ("TYPE", Align::Left),
        ("PROCESS", Align::Left),
        ("REACHES", Align::Left),
        ("TAKES CHANGES", Align::Left),
        ("INSTANCES", Align::Right),
    ]);
    for (node, said) in record.nodes.iter().zip(said) {
        let reaches = match (said.reachable, said.members) {
            (Some(reachable), Some(members)) => format!("{reachable} of {members}"),
            _ => "-".to_owned(),
        };
        let ready = match (&said.reason, said.ready) {
            (_, true) => "yes".to_owned(),
            (Some(reason), false) => format!("no: {reason}"),
            (None, false) => "no".to_owned(),
        };
        table.row([
            node.number.to_string(),
            node.address.to_string(),
            node.duty.to_string(),
            node.state().to_owned(),
            reaches,
            ready,
            instances(bundles, node).to_string(),
        ]);
    }
    table.text()
}
