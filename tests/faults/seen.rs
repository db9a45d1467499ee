//! What a node shows of its instances.

use std::fs;

use conduct_tests::{Cluster, Node};
use serde_json::Value;

/// An instance, as a node shows it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Instance {
    pub(crate) host: String,
    pub(crate) pid: u64,
    pub(crate) started: bool,
}

/// The instances of a bundle, in the order of their hosts.
pub(crate) fn instances(node: &Node, id: &str) -> Result<Vec<Instance>, String> {
    let list = node.json("/v2/bundles")?;
    let bundle = bundle(&list, id)?;
    let executions = bundle["bundleExecutions"].as_array();
    let mut found: Vec<Instance> = executions
        .into_iter()
        .flatten()
        .map(|it| Instance {
            host: it["host"].as_str().unwrap_or_default().to_owned(),
            pid: it["pid"].as_u64().unwrap_or_default(),
            started: it["isStarted"] == true,
        })
        .collect();
    found.sort();
    Ok(found)
}

/// A bundle in a list of bundles.
pub(crate) fn bundle<'a>(list: &'a Value, id: &str) -> Result<&'a Value, String> {
    let mut all = list.as_array().into_iter().flatten();
    all.find(|it| it["bundleId"] == id)
        .ok_or_else(|| format!("{id} is not in {list}"))
}

/// The number of the node with this address.
pub(crate) fn number_of(cluster: &Cluster, host: &str) -> usize {
    let at = cluster
        .nodes()
        .iter()
        .position(|node| node.ip().to_string() == host);
    at.expect("instances run on nodes of the cluster")
}

/// Whether there is such a process, and it is more than a memory of one.
pub(crate) fn is_alive(pid: u64) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit_once(") ")
        .and_then(|(_, rest)| rest.chars().next());
    state.is_some_and(|state| state != 'Z' && state != 'X')
}

/// The names and words of a bundle's newest events.
pub(crate) fn events(node: &Node, id: &str) -> Result<Vec<String>, String> {
    let list = node.json(&format!("/v2/bundles/{id}/events?count=100"))?;
    let line = |it: &Value| {
        let (event, text) = (it["event"].as_str(), it["description"].as_str());
        format!("{} {}", event.unwrap_or_default(), text.unwrap_or_default())
    };
    Ok(list.as_array().into_iter().flatten().map(line).collect())
}
