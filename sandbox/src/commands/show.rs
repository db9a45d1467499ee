//! How a sandbox looks to those who asked for it.

use conduct_terminal::exit::Failure;
use conduct_terminal::table::{Align, Table};
use serde::Serialize;

use super::run::Started;
use super::{Form, Session};
use crate::folders::Folder;
use crate::record::{Node, Record};

/// A node for programs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NodeView<'r> {
    node: usize,
    ip: String,
    #[serde(rename = "type")]
    duty: String,
    state: &'static str,
    pid: Option<u32>,
    roles: &'r [String],
    control: String,
    service_locator: String,
    cut_from: Vec<usize>,
    log: String,
}

/// A sandbox for programs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SandboxView<'r> {
    name: &'r str,
    folder: String,
    hosts: Vec<String>,
    ingress: Option<String>,
    nodes: Vec<NodeView<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    took_ms: Option<u64>,
}

pub(crate) fn node<'r>(folder: &Folder, node: &'r Node) -> NodeView<'r> {
    let process = node.process.as_ref().filter(|process| process.is_alive());
    NodeView {
        node: node.number,
        ip: node.address.to_string(),
        duty: node.duty.to_string(),
        state: node.state(),
        pid: process.map(|process| process.pid),
        roles: &node.roles,
        control: format!("http://{}", node.control()),
        service_locator: format!("http://{}", node.locator()),
        cut_from: node.cut_from.iter().copied().collect(),
        log: folder.log(node.number).display().to_string(),
    }
}

pub(crate) fn sandbox<'r>(folder: &Folder, record: &'r Record) -> SandboxView<'r> {
    SandboxView {
        name: &record.name,
        folder: folder.path().display().to_string(),
        hosts: record.hosts(),
        ingress: record.ingress(),
        nodes: record.nodes.iter().map(|one| node(folder, one)).collect(),
        took_ms: None,
    }
}

/// What a person sees of a sandbox that has just been started.
pub(crate) fn started(
    started: &Started,
    is_early: bool,
    session: &mut Session<'_>,
) -> Result<(), Failure> {
    let Started {
        folder,
        record,
        took,
    } = started;
    let mut value = sandbox(folder, record);
    value.took_ms = Some(took.as_millis() as u64);
    session.show(|| addresses(record), &value)?;
    if session.form == Form::Json {
        return Ok(());
    }
    let count = record.nodes.len();
    let nodes = if count == 1 { "node" } else { "nodes" };
    let how = if is_early { "started" } else { "up" };
    session.note(format_args!(
        "{count} {nodes} {how} after {:.1} s; everything is in {}",
        took.as_secs_f64(),
        folder.path().display()
    ));
    if let Some(ingress) = record.ingress() {
        session.note(format_args!(
            "Bundles with access rules answer at {ingress}"
        ));
    }
    session.note("Try next:");
    session.note("  conduct info                  what runs, and where");
    session.note("  conduct load BUNDLE.zip       then: conduct run BUNDLE --scale 2");
    let last = if count > 2 { "cut 3" } else { "status" };
    let why = if count > 2 {
        "a network split; see it with sandbox status, end it with sandbox heal"
    } else {
        "how the nodes are"
    };
    let last = session.command(last);
    session.note(format_args!("  {last:28}  {why}"));
    Ok(())
}

fn addresses(record: &Record) -> String {
    let mut table = Table::new(&[
        ("NODE", Align::Right),
        ("IP", Align::Left),
        ("TYPE", Align::Left),
        ("ROLES", Align::Left),
        ("CONTROL API", Align::Left),
        ("SERVICE LOCATOR", Align::Left),
    ]);
    for node in &record.nodes {
        table.row([
            node.number.to_string(),
            node.address.to_string(),
            node.duty.to_string(),
            if node.roles.is_empty() {
                "any".to_owned()
            } else {
                node.roles.join(", ")
            },
            format!("http://{}", node.control()),
            format!("http://{}/services", node.locator()),
        ]);
    }
    table.text()
}
