//! What is written down about a sandbox, before and after everything that is done to it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::net::IpAddr;

use conduct_terminal::exit::{Exit, Failure, OrFail as _};
use serde::{Deserialize, Serialize};

use crate::folders::{Folder, write_json};
use crate::process::{Life, Process};
use crate::shape::Duty;

/// Rises when an older program could not read a record any more.
const FORMAT: u32 = 1;

/// The port that nodes talk to each other by.
pub(crate) const CLUSTER_PORT: u16 = 9004;
/// The port of the control API.
pub(crate) const CONTROL_PORT: u16 = 9005;
/// The port where instances signal that they are healthy.
pub(crate) const STATUS_PORT: u16 = 9007;
/// The port of the service locator.
pub(crate) const LOCATOR_PORT: u16 = 9008;
/// The port where the ingress tells how it is.
pub(crate) const INGRESS_STATUS_PORT: u16 = 9009;

/// A sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record {
    format: u32,
    pub(crate) name: String,
    pub(crate) phase: Phase,
    /// The words after `sandbox run`, for `restart`.
    pub(crate) arguments: Vec<String>,
    /// Where bundles are reached, if they are.
    pub(crate) ingress_port: Option<u16>,
    /// Whoever has to be there as long as the sandbox is.
    pub(crate) owner: Option<Process>,
    /// Its folder goes with it.
    pub(crate) temporary: bool,
    pub(crate) started_at_ms: u64,
    pub(crate) nodes: Vec<Node>,
}

/// How far a sandbox is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Phase {
    /// It is being started or stopped, by whoever holds the lock.
    Changing,
    Running,
    /// Nothing of it runs.
    Stopped,
}

/// A node of a sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Node {
    pub(crate) number: usize,
    pub(crate) address: IpAddr,
    pub(crate) duty: Duty,
    pub(crate) roles: Vec<String>,
    /// The words that its daemon is started with.
    pub(crate) words: Vec<String>,
    /// What its daemon finds in its environment on top of everything else.
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) process: Option<Process>,
    /// It was meant to die.
    pub(crate) killed: bool,
    /// The nodes that it is cut off from.
    #[serde(default)]
    pub(crate) cut_from: BTreeSet<usize>,
}

impl Node {
    pub(crate) fn life(&self) -> Life {
        let process = self.process.as_ref();
        process.map_or(Life::Gone, Process::life)
    }

    /// How it is, in a word.
    pub(crate) fn state(&self) -> &'static str {
        match self.life() {
            Life::Running => "running",
            Life::Stopped => "paused",
            Life::Gone if self.killed => "killed",
            Life::Gone => "gone",
        }
    }

    pub(crate) fn control(&self) -> String {
        host_and_port(self.address, CONTROL_PORT)
    }

    pub(crate) fn locator(&self) -> String {
        host_and_port(self.address, LOCATOR_PORT)
    }
}

/// As it stands in an address for a browser.
pub(crate) fn host_and_port(address: IpAddr, port: u16) -> String {
    std::net::SocketAddr::new(address, port).to_string()
}

impl Record {
    pub(crate) fn new(name: &str, arguments: Vec<String>) -> Record {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Record {
            format: FORMAT,
            name: name.to_owned(),
            phase: Phase::Changing,
            arguments,
            ingress_port: None,
            owner: None,
            temporary: false,
            started_at_ms: since.unwrap_or_default().as_millis() as u64,
            nodes: Vec::new(),
        }
    }

    /// Nothing where there is none.
    pub(crate) fn read(folder: &Folder) -> Result<Option<Record>, Failure> {
        let path = folder.record();
        let doing = || format!("could not read {}", path.display());
        let text = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.or_fail(Exit::Failed, doing())?,
        };
        let record: Record = serde_json::from_slice(&text).or_fail(Exit::Failed, doing())?;
        if record.format != FORMAT {
            return Err(Failure::new(
                Exit::Failed,
                format_args!(
                    "{} was written by another version of sandbox",
                    path.display()
                ),
            )
            .hint("stop that sandbox with that version, or remove its folder"));
        }
        Ok(Some(record))
    }

    pub(crate) fn write(&self, folder: &Folder) -> Result<(), Failure> {
        let path = folder.record();
        write_json(&path, self).or_fail(
            Exit::Failed,
            format_args!("could not write {}", path.display()),
        )
    }

    /// Whether something of it should run and does not, or runs although nobody looks after it.
    /// Asked by whoever holds the lock, so a start or a stop under way was given up.
    pub(crate) fn has_crashed(&self) -> bool {
        match self.phase {
            Phase::Changing => true,
            Phase::Stopped => false,
            Phase::Running => {
                let left = self.owner.as_ref().is_some_and(|owner| !owner.is_alive());
                let expected = |node: &&Node| !node.killed;
                let all_gone = self.nodes.iter().filter(expected).count() > 0
                    && self.nodes.iter().all(|node| node.life() == Life::Gone);
                left || all_gone
            }
        }
    }

    /// The control addresses, those of nodes that run first.
    pub(crate) fn hosts(&self) -> Vec<String> {
        let mut nodes: Vec<&Node> = self.nodes.iter().collect();
        nodes.sort_by_key(|node| (node.life() != Life::Running, node.number));
        nodes.iter().map(|node| node.control()).collect()
    }

    /// Where bundles are reached from outside.
    pub(crate) fn ingress(&self) -> Option<String> {
        let first = self.nodes.first()?;
        let host = host_and_port(first.address, self.ingress_port?);
        Some(format!("http://{host}"))
    }

    /// The node that a person means by its number or its address.
    pub(crate) fn find(&self, text: &str) -> Result<usize, Failure> {
        let by = |node: &Node| node.number.to_string() == text || node.address.to_string() == text;
        self.nodes.iter().position(by).ok_or_else(|| {
            let all = self.nodes.iter();
            let names: Vec<String> = all
                .map(|node| format!("{} ({})", node.number, node.address))
                .collect();
            Failure::new(Exit::NotFound, format_args!("there is no node {text}"))
                .hint(format_args!("there are {}", names.join(", ")))
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn node(number: usize, process: Option<Process>) -> Node {
        Node {
            number,
            address: format!("127.0.10.{number}").parse().expect("an address"),
            duty: Duty::Both,
            roles: Vec::new(),
            words: Vec::new(),
            environment: BTreeMap::new(),
            process,
            killed: false,
            cut_from: BTreeSet::new(),
        }
    }

    fn running(nodes: Vec<Node>) -> Record {
        Record {
            phase: Phase::Running,
            nodes,
            ..Record::new("x", Vec::new())
        }
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let home = tempfile::tempdir().expect("a folder");
        let folder = Folder::new(home.path().to_owned());
        assert_eq!(Record::read(&folder).expect("nothing"), None);
        let record = running(vec![node(1, Process::of(std::process::id()))]);
        record.write(&folder).expect("written");
        assert_eq!(Record::read(&folder).expect("read"), Some(record.clone()));

        let later = Record {
            format: 2,
            ..record
        };
        later.write(&folder).expect("written");
        assert!(Record::read(&folder).is_err());
        fs::write(folder.record(), "{").expect("written");
        assert!(Record::read(&folder).is_err());
    }

    #[test]
    fn a_sandbox_has_crashed_when_all_its_nodes_are_gone_unasked() {
        let here = || Process::of(std::process::id());
        assert!(!running(vec![node(1, here()), node(2, None)]).has_crashed());
        assert!(running(vec![node(1, None), node(2, None)]).has_crashed());
        let killed = Node {
            killed: true,
            ..node(1, None)
        };
        assert!(!running(vec![killed]).has_crashed());
        assert!(Record::new("x", Vec::new()).has_crashed());
        let ended = Record {
            phase: Phase::Stopped,
            ..running(vec![node(1, None)])
        };
        assert!(!ended.has_crashed());
    }

    #[test]
    fn a_node_is_named_by_its_number_or_its_address() {
        let record = running(vec![node(1, None), node(2, None)]);
        assert_eq!(record.find("2").expect("there"), 1);
        assert_eq!(record.find("127.0.10.1").expect("there"), 0);
        let failure = record.find("3").expect_err("not there");
        assert_eq!(failure.exit, Exit::NotFound);
        assert_eq!(failure.hints, ["there are 1 (127.0.10.1), 2 (127.0.10.2)"]);
    }

    #[test]
    fn nodes_that_run_are_asked_first() {
        let record = running(vec![
            node(1, None),
            node(2, Process::of(std::process::id())),
        ]);
        assert_eq!(record.hosts(), ["127.0.10.2:9005", "127.0.10.1:9005"]);
    }
}
