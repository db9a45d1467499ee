//! `sandbox env`: what lets other programs find a sandbox.

use conduct_terminal::exit::Failure;

use super::{DONE, Ended, Session};
use crate::record::Record;

/// Print the variables that lead to a sandbox: eval "$(sandbox env --name other)"
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args, session: &mut Session<'_>) -> Result<Ended, Failure> {
    let (_, record) = session.place.running()?;
    let variables = variables(&record);
    let lines = || {
        let line = |(name, value): &(&str, String)| format!("export {name}={value}\n");
        variables.iter().map(line).collect()
    };
    let value: serde_json::Map<String, serde_json::Value> = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone().into()))
        .collect();
    session.show(lines, &value)?;
    Ok(DONE)
}

/// None of the values needs quotes in a shell.
pub(crate) fn variables(record: &Record) -> Vec<(&'static str, String)> {
    let mut variables = vec![("CONDUCTR_HOST", record.hosts().join(","))];
    if let Some(first) = record.nodes.first() {
        variables.push(("CONDUCTR_IP", first.address.to_string()));
    }
    if let Some(port) = record.ingress_port {
        variables.push(("BUNDLE_HTTP_PORT", port.to_string()));
    }
    variables.push(("SANDBOX_NAME", record.name.clone()));
    variables
}
