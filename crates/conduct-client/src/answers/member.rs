//! Members, agents, and what a licence says.

use serde::Deserialize;
use serde_json::Number;

use super::lenient::{or_default, text};

/// The members, as one of them sees them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Members {
    /// The one that answers.
    pub self_node: Option<Node>,
    /// All of them.
    #[serde(deserialize_with = "or_default")]
    pub members: Vec<Member>,
    /// Those of them that do not answer.
    #[serde(deserialize_with = "or_default")]
    pub unreachable: Vec<Unreachable>,
}

/// A node and its life.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Node {
    /// Where.
    #[serde(deserialize_with = "or_default")]
    pub address: String,
    /// Its life; a number among members, a text among agents.
    #[serde(deserialize_with = "text")]
    pub uid: String,
}

/// A member.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// Which.
    pub node: Node,
    /// How it stands in the cluster.
    #[serde(default, deserialize_with = "or_default")]
    pub status: String,
    /// What it does for the cluster.
    #[serde(default, deserialize_with = "or_default")]
    pub roles: Vec<String>,
    /// Its key, by which commands name it.
    #[serde(default)]
    pub key: Option<String>,
    /// Its program's version.
    #[serde(default)]
    pub build: Option<String>,
    /// Whether it counts for a majority.
    #[serde(default)]
    pub voter: Option<bool>,
    /// What the others think of it.
    #[serde(default)]
    pub verdict: Option<String>,
    /// It gets no new instances, and its own are moved.
    #[serde(default)]
    pub draining: Option<bool>,
}

/// A member that does not answer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unreachable {
    /// Which.
    pub node: Node,
    /// Whom it does not answer.
    #[serde(default, deserialize_with = "or_default")]
    pub observed_by: Vec<Node>,
}

/// A node that runs instances.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Agent {
    /// Its URI; another one for every life.
    pub address: String,
    /// The roles that it offers.
    #[serde(default, deserialize_with = "or_default")]
    pub roles: Vec<String>,
    /// The members that reach it.
    #[serde(default, deserialize_with = "or_default")]
    pub observed_by: Vec<Observer>,
    /// What is not taken.
    #[serde(default)]
    pub resource_available: Option<Resources>,
    /// Its key, by which commands name it.
    #[serde(default)]
    pub key: Option<String>,
    /// It gets no new instances, and its own are moved.
    #[serde(default)]
    pub draining: Option<bool>,
}

/// A member that watches an agent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Observer {
    /// Which.
    #[serde(deserialize_with = "or_default")]
    pub node: Node,
}

/// An amount of what nodes give.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Resources {
    /// Processors.
    pub nr_of_cpus: Option<Number>,
    /// Bytes.
    pub memory: Option<u64>,
    /// Bytes.
    pub disk_space: Option<u64>,
}

/// What a licence says, from servers that have such a thing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct License {
    /// Whether there is one.
    pub is_licensed: bool,
    /// To whom.
    #[serde(default)]
    pub user: Option<String>,
    /// For how many agents.
    #[serde(default)]
    pub max_conductr_agents: Option<u64>,
    /// Until when.
    #[serde(default)]
    pub expires: Option<String>,
    /// For which releases.
    #[serde(default, deserialize_with = "or_default")]
    pub conductr_versions: Vec<String>,
    /// For what.
    #[serde(default, deserialize_with = "or_default")]
    pub grants: Vec<String>,
}

impl Node {
    /// The host in its address: between `@` and the next colon, brackets kept whole.
    pub fn host(&self) -> &str {
        let authority = self
            .address
            .split_once('@')
            .map_or(self.address.as_str(), |(_, rest)| rest);
        let authority = authority.split('/').next().unwrap_or(authority);
        match authority.find(']') {
            Some(end) => &authority[..=end],
            None => authority.split(':').next().unwrap_or(authority),
        }
    }
}

impl Agent {
    /// The host in its address.
    pub fn host(&self) -> String {
        let node = Node {
            address: self.address.clone(),
            uid: String::new(),
        };
        node.host().to_owned()
    }
}

impl Members {
    /// Whether a member answers the others.
    pub fn is_reachable(&self, member: &Member) -> bool {
        self.unreachable.iter().all(|it| it.node != member.node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_is_a_number_or_a_text() {
        let uid = |text: &str| {
            let node: Node = serde_json::from_str(text).expect("lenient");
            node.uid
        };
        assert_eq!(uid(r#"{"address": "a", "uid": -17}"#), "-17");
        assert_eq!(uid(r#"{"address": "a", "uid": "-17"}"#), "-17");
        assert_eq!(uid(r#"{"address": "a", "uid": null}"#), "");
        assert_eq!(uid("{}"), "");
    }

    #[test]
    fn the_host_is_found_in_all_addresses() {
        let host = |address: &str| {
            let node = Node {
                address: address.to_owned(),
                uid: String::new(),
            };
            node.host().to_owned()
        };
        assert_eq!(host("akka.tcp://conductr@10.0.0.1:9004"), "10.0.0.1");
        assert_eq!(host("akka.tcp://conductr@[fe80::1]:9004"), "[fe80::1]");
        let agent = "akka.tcp://conductr-agent@10.0.0.7:2552/user/reaper/cluster-client#-596247188";
        assert_eq!(host(agent), "10.0.0.7");
        assert_eq!(host(""), "");
    }

    #[test]
    fn statuses_from_the_future_stay_words() {
        let text = r#"{"members": [{"node": {"address": "a", "uid": 1}, "status": "Paused"}],
            "unreachable": [{"node": {"address": "a", "uid": 1}}]}"#;
        let members: Members = serde_json::from_str(text).expect("lenient");
        assert_eq!(members.members[0].status, "Paused");
        assert!(!members.is_reachable(&members.members[0]));
    }
}
