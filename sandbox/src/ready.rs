//! Waiting until nodes are members of one cluster, and until it can take a blow.

use std::collections::BTreeSet;
use std::time::Duration;

use conduct_client::answers::{Agent, Members};
use conduct_client::{Access, ApiVersion, Client, ClientError, Limits, Request, Target};
use conduct_terminal::exit::{Exit, Failure};

use crate::daemon;
use crate::folders::Folder;
use crate::process::Life;
use crate::record::{Node, Record};

/// How often nodes are asked while a person waits.
const LOOK: Duration = Duration::from_millis(30);

/// More voters than this no cluster has.
const VOTERS_MAX: usize = 9;

/// How long votes are waited for: each takes about a second.
const VOTES_PATIENCE: Duration = Duration::from_secs(12);

/// Asks nodes of this machine: they answer at once or not at all.
const LIMITS: Limits = Limits {
    connect: Duration::from_millis(500),
    answer: Duration::from_secs(2),
    change: Duration::from_secs(2),
    upload: Duration::from_secs(2),
    stream: Duration::from_secs(2),
    answer_bytes: 8 * 1024 * 1024,
};

/// Somebody who can be asked about the cluster: the node itself.
pub(crate) fn client(node: &Node) -> Client {
    let target = Target::new(&node.control()).expect("an address and a port name a node");
    Client::new([(target, Access::default())], LIMITS)
}

/// Whether a node takes changes.
pub(crate) async fn takes_changes(node: &Node) -> Result<(), ClientError> {
    let mut target = Target::new(&node.control()).expect("an address and a port name a node");
    // This one is not a part of the versioned paths.
    target.api = ApiVersion::One;
    let client = Client::new([(target, Access::default())], LIMITS);
    client.send(&Request::get("readyz")).await.map(drop)
}

/// Waits until every node that could vote does: before that a single failure could be one too many
/// for a cluster that is still being made. Gives up after a while, since a cluster that is broken
/// already may never come so far.
pub(crate) async fn wait_for_votes(record: &Record) {
    let mut nodes = record.nodes.iter();
    let Some(client) = nodes.find(|node| node.life() == Life::Running).map(client) else {
        return;
    };
    let waiting = async {
        loop {
            let members = client.members().await;
            if members.is_ok_and(|members| all_vote(record, &members.value)) {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    // What was asked for is done all the same.
    let _ = tokio::time::timeout(VOTES_PATIENCE, waiting).await;
}

/// Waits until all nodes in `waited` see each other, and every one of the sandbox that runs.
pub(crate) async fn wait(
    folder: &Folder,
    record: &Record,
    waited: &[usize],
    patience: Duration,
) -> Result<(), Failure> {
    let mut rest: Vec<(&Node, Client)> = waited
        .iter()
        .map(|at| &record.nodes[*at])
        .map(|node| (node, client(node)))
        .collect();
    let last_words = std::cell::RefCell::new(String::from("it does not answer yet"));
    let waiting = async {
        while let Some((node, client)) = rest.last() {
            if node.life() == Life::Gone {
                return Err(daemon::ended(folder, node));
            }
            match seen_by(client).await {
                Ok(seen) => match seen.missing(record) {
                    None => match takes_changes(node).await {
                        Ok(()) => {
                            rest.pop();
                            continue;
                        }
                        Err(error) => *last_words.borrow_mut() = told(error),
                    },
                    Some(why) => *last_words.borrow_mut() = why,
                },
                Err(error) => *last_words.borrow_mut() = told(error),
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    };
    let waited = tokio::time::timeout(patience, waiting).await;
    waited.unwrap_or_else(|_| {
        let number = rest.last().map_or(0, |(node, _)| node.number);
        Err(Failure::new(
            Exit::NotInTime,
            format_args!(
                "node {number} is not ready after {} s: {}",
                patience.as_secs(),
                last_words.borrow()
            ),
        )
        .hint(format_args!("see what it says: sandbox logs {number}"))
        .hint("wait longer: sandbox run --wait-timeout SECONDS"))
    })
}

/// The hosts that a node reaches, itself among them.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    /// Of nodes that keep state.
    members: BTreeSet<String>,
    /// Of nodes that run instances.
    agents: BTreeSet<String>,
}

async fn seen_by(client: &Client) -> Result<Seen, ClientError> {
    let members = client.members().await?.value;
    let agents = client.agents().await?.value;
    Ok(Seen::new(&members, &agents))
}

impl Seen {
    fn new(members: &Members, agents: &[Agent]) -> Seen {
        let is_lost = |address: &str| {
            let mut unreachable = members.unreachable.iter();
            unreachable.any(|one| one.node.address == address)
        };
        let up = members.members.iter().filter(|one| one.status == "Up");
        let up = up.map(|one| one.node.address.as_str());
        let observed = agents.iter().filter(|one| !one.observed_by.is_empty());
        let observed = observed.map(|one| one.address.as_str());
        Seen {
            members: hosts(up.filter(|address| !is_lost(address))),
            agents: hosts(observed),
        }
    }

    /// What is missing until everybody of the sandbox is there in every part that he takes.
    fn missing(&self, record: &Record) -> Option<String> {
        let mut expected = record
            .nodes
            .iter()
            .filter(|node| node.life() == Life::Running);
        let missing = expected.find(|node| {
            let host = node.address.to_string();
            (node.duty.is_core() && !self.members.contains(&host))
                || (node.duty.is_agent() && !self.agents.contains(&host))
        })?;
        Some(format!("it does not see node {} yet", missing.number))
    }
}

fn hosts<'a>(addresses: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    addresses.filter_map(host_of).map(str::to_owned).collect()
}

fn told(error: ClientError) -> String {
    format!("{:#}", anyhow::Error::from(error))
}

fn all_vote(record: &Record, members: &Members) -> bool {
    let runs = |node: &&Node| node.life() == Life::Running && node.duty.is_core();
    let cores = record.nodes.iter().filter(runs).count();
    let voters = members.members.iter();
    let voters = voters.filter(|member| member.voter == Some(true)).count();
    voters >= cores.min(VOTERS_MAX)
}

/// The host in an address such as `akka.tcp://conductr@127.0.10.1:9004`.
pub(crate) fn host_of(address: &str) -> Option<&str> {
    let authority = address.rsplit_once('@').map_or(address, |(_, after)| after);
    let host = authority.rsplit_once(':')?.0;
    Some(host.trim_start_matches('[').trim_end_matches(']'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Process;
    use crate::record::tests::node;
    use crate::shape::Duty;

    fn member(last: u8, status: &str, voter: bool) -> String {
        format!(
            r#"{{"node": {{"address": "akka.tcp://conductr@127.0.10.{last}:9004", "uid": "1"}},
                "status": "{status}", "roles": [], "voter": {voter}}}"#
        )
    }

    fn view(members: &[String], unreachable: &str) -> Members {
        let members = members.join(",");
        let text = format!(r#"{{"members": [{members}], "unreachable": [{unreachable}]}}"#);
        serde_json::from_str(&text).expect("members")
    }

    fn agent(last: u8, observed_by: &str) -> Agent {
        let address =
            format!("akka.tcp://conductr-agent@127.0.10.{last}:9004/user/reaper/cluster-client#1");
        let text = format!(r#"{{"address": "{address}", "observedBy": [{observed_by}]}}"#);
        serde_json::from_str(&text).expect("an agent")
    }

    #[test]
    fn a_sandbox_is_ready_when_everybody_takes_the_parts_that_he_should() {
        let here = || Process::of(std::process::id());
        let mut record = Record::new("x", Vec::new());
        record.nodes = vec![node(1, here()), node(2, here())];
        let told = |record: &Record, view: &Members, agents: &[Agent]| {
            Seen::new(view, agents).missing(record).unwrap_or_default()
        };
        let lost = "it does not see node 2 yet";
        let observer = r#"{"node": {}}"#;
        let agents = [agent(1, observer), agent(2, observer)];
        let one = member(1, "Up", true);
        let both = view(&[one.clone(), member(2, "Up", true)], "");
        assert_eq!(told(&record, &both, &agents), "");
        assert_eq!(told(&record, &both, &agents[..1]), lost);
        assert_eq!(
            told(&record, &both, &[agent(1, observer), agent(2, "")]),
            lost
        );
        let alone = view(std::slice::from_ref(&one), "");
        assert_eq!(told(&record, &alone, &agents), lost);
        let joining = view(&[one.clone(), member(2, "Joining", true)], "");
        assert_eq!(told(&record, &joining, &agents), lost);
        let two =
            r#"{"node": {"address": "akka.tcp://conductr@127.0.10.2:9004"}, "observedBy": []}"#;
        let cut = view(&[one, member(2, "Up", true)], two);
        assert_eq!(told(&record, &cut, &agents), lost);

        record.nodes.push(node(3, None));
        assert_eq!(
            told(&record, &both, &agents),
            "",
            "nobody waits for the dead"
        );
        record.nodes[1].duty = Duty::Agent;
        assert_eq!(told(&record, &alone, &agents), "");
    }

    #[test]
    fn a_sandbox_is_settled_when_all_that_could_vote_do() {
        let here = || Process::of(std::process::id());
        let mut record = Record::new("x", Vec::new());
        record.nodes = vec![node(1, here()), node(2, here()), node(3, None)];
        let voting = |votes: bool| view(&[member(1, "Up", true), member(2, "Up", votes)], "");
        assert!(!all_vote(&record, &voting(false)));
        assert!(all_vote(&record, &voting(true)));
    }

    #[test]
    fn hosts_are_found_in_addresses() {
        assert_eq!(
            host_of("akka.tcp://conductr@127.0.10.1:9004"),
            Some("127.0.10.1")
        );
        assert_eq!(host_of("[::1]:9004"), Some("::1"));
        assert_eq!(host_of("x"), None);
    }
}
