//! From what a person asked for to the nodes of a sandbox: which daemons, with which settings.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::folders::Folder;
use crate::record::{CLUSTER_PORT, INGRESS_STATUS_PORT, Node, host_and_port};
use crate::shape::{Duty, Shape};

/// What is the same for all nodes of a sandbox, and what differs by kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) shape: Shape,
    /// Roles by group; nodes take them in turn.
    pub(crate) roles: Vec<Vec<String>>,
    pub(crate) log_level: &'static str,
    /// The port of the ingress, where there is to be one.
    pub(crate) ingress_port: Option<u16>,
    /// Words for daemons of both kinds, then of one.
    pub(crate) arguments: ByKind<String>,
    pub(crate) environment: ByKind<(String, String)>,
}

/// Things for all nodes, for those with a core, for those with an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ByKind<T> {
    pub(crate) all: Vec<T>,
    pub(crate) core: Vec<T>,
    pub(crate) agent: Vec<T>,
}

impl<T> Default for ByKind<T> {
    fn default() -> ByKind<T> {
        ByKind {
            all: Vec::new(),
            core: Vec::new(),
            agent: Vec::new(),
        }
    }
}

impl<T: Clone> ByKind<T> {
    fn of(&self, duty: Duty) -> impl Iterator<Item = T> {
        let core = self.core.iter().filter(move |_| duty.is_core());
        let agent = self.agent.iter().filter(move |_| duty.is_agent());
        self.all.iter().chain(core).chain(agent).cloned()
    }
}

/// The word that a node's daemon is found by, and nothing else is started with.
pub(crate) fn mark(folder: &Folder, number: usize) -> String {
    format!(
        "-Dconduct.state-dir={}",
        value(&folder.state(number).display().to_string())
    )
}

/// The nodes, each at one of `addresses`.
pub(crate) fn nodes(wanted: &Wanted, folder: &Folder, addresses: &[IpAddr]) -> Vec<Node> {
    let duties = wanted.shape.duties();
    let places = duties.into_iter().zip(addresses).enumerate();
    places
        .map(|(at, (duty, address))| {
            let groups = wanted.roles.len();
            let roles = match groups {
                0 => Vec::new(),
                _ => wanted.roles[at % groups].clone(),
            };
            let number = at + 1;
            Node {
                number,
                address: *address,
                duty,
                words: words(wanted, folder, number, *address, duty, addresses[0]),
                roles,
                environment: environment(wanted, folder, duty),
                process: None,
                killed: false,
                cut_from: BTreeSet::new(),
            }
        })
        .collect()
}

fn words(
    wanted: &Wanted,
    folder: &Folder,
    number: usize,
    address: IpAddr,
    duty: Duty,
    first: IpAddr,
) -> Vec<String> {
    let mut words = vec![
        format!("-Dconduct.ip={}", value(&address.to_string())),
        mark(folder, number),
    ];
    let mut set = |setting: &str, value: &str| words.push(format!("-Dconduct.{setting}={value}"));
    set("duty", duty.setting());
    if number > 1 {
        let seed = quoted(&host_and_port(first, CLUSTER_PORT));
        set("seeds", &format!("[{seed}]"));
    }
    let groups = wanted.roles.len();
    if groups > 0 {
        let roles = wanted.roles[(number - 1) % groups].iter();
        let roles: Vec<String> = roles.map(|role| quoted(role)).collect();
        set("roles", &format!("[{}]", roles.join(", ")));
        set("match-roles", "all");
    }
    match wanted.ingress_port {
        Some(port) => {
            set("ingress.enabled", "on");
            set("ingress.port", &port.to_string());
            set("ingress.status-port", &INGRESS_STATUS_PORT.to_string());
        }
        None => set("ingress.enabled", "off"),
    }
    set("log.level", wanted.log_level);
    set("log.format", "human");
    let cut = folder.cut(number).display().to_string();
    set("testing.cut-file", &value(&cut));
    words.extend(wanted.arguments.of(duty));
    words
}

/// What was given first is what the daemon finds, unless it is given again for one kind. Bundles that
/// keep something in their home keep it in the sandbox, so that every run begins empty.
fn environment(wanted: &Wanted, folder: &Folder, duty: Duty) -> BTreeMap<String, String> {
    let home = ("HOME".to_owned(), folder.home().display().to_string());
    std::iter::once(home)
        .chain(wanted.environment.of(duty))
        .collect()
}

/// An address or a path as it reads best in a list of processes.
fn value(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_');
    if text.chars().all(is_plain) && !text.contains("//") {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// As a text in a settings file.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(wanted: &Wanted) -> Vec<Node> {
        let addresses: Vec<IpAddr> = (1..=9).map(|last| [127, 0, 10, last].into()).collect();
        nodes(wanted, &Folder::new("/s/x".into()), &addresses)
    }

    fn shape(text: &str) -> Wanted {
        Wanted {
            shape: text.parse().expect("a shape"),
            log_level: "info",
            ..Wanted::default()
        }
    }

    #[test]
    fn the_first_node_founds_the_cluster_and_the_others_know_it() {
        let nodes = planned(&shape("2"));
        let seeds = |node: &Node| {
            node.words
                .iter()
                .any(|word| word.starts_with("-Dconduct.seeds="))
        };
        assert_eq!(nodes.len(), 2);
        assert!(!seeds(&nodes[0]));
        assert!(
            nodes[1]
                .words
                .contains(&"-Dconduct.seeds=[\"127.0.10.1:9004\"]".to_owned())
        );
        assert!(
            nodes[1]
                .words
                .contains(&"-Dconduct.ip=127.0.10.2".to_owned())
        );
        assert!(
            nodes[1]
                .words
                .contains(&mark(&Folder::new("/s/x".into()), 2))
        );
    }

    #[test]
    fn roles_go_round_and_turn_matching_on() {
        let wanted = Wanted {
            roles: vec![vec!["a".to_owned(), "b".to_owned()], vec!["c".to_owned()]],
            ..shape("3")
        };
        let nodes = planned(&wanted);
        assert_eq!(nodes[0].roles, ["a", "b"]);
        assert_eq!(nodes[1].roles, ["c"]);
        assert_eq!(nodes[2].roles, ["a", "b"]);
        assert!(
            nodes[2]
                .words
                .contains(&"-Dconduct.roles=[\"a\", \"b\"]".to_owned())
        );
        assert!(
            nodes[2]
                .words
                .contains(&"-Dconduct.match-roles=all".to_owned())
        );
        let has = |node: &Node, word: &str| node.words.iter().any(|one| one == word);
        assert!(has(&nodes[0], "-Dconduct.ingress.enabled=off"));
        let open = Wanted {
            ingress_port: Some(9100),
            ..shape("1")
        };
        assert!(has(&planned(&open)[0], "-Dconduct.ingress.port=9100"));
        let matching = |node: &Node| node.words.iter().any(|word| word.contains("match-roles"));
        assert!(!matching(&planned(&shape("1"))[0]));
    }

    #[test]
    fn what_is_for_one_kind_reaches_only_nodes_of_that_kind_and_comes_last() {
        let pair = |value: &str| ("K".to_owned(), value.to_owned());
        let wanted = Wanted {
            arguments: ByKind {
                all: vec!["-Dx=1".to_owned()],
                core: vec!["-Dcore=1".to_owned()],
                agent: vec!["-Dagent=1".to_owned()],
            },
            environment: ByKind {
                all: vec![pair("all")],
                core: vec![],
                agent: vec![pair("agent")],
            },
            ..shape("1:2")
        };
        let nodes = planned(&wanted);
        assert_eq!(
            nodes[0].words[nodes[0].words.len() - 3..],
            ["-Dx=1", "-Dcore=1", "-Dagent=1"]
        );
        assert_eq!(
            nodes[1].words[nodes[1].words.len() - 2..],
            ["-Dx=1", "-Dagent=1"]
        );
        let wanted = Wanted {
            shape: "2:1".parse().expect("a shape"),
            ..wanted
        };
        let nodes = planned(&wanted);
        assert_eq!(nodes[0].environment["K"], "agent");
        assert_eq!(nodes[1].environment["K"], "all");
        assert_eq!(nodes[1].environment["HOME"], "/s/x/home");
    }

    #[test]
    fn folders_with_odd_names_stay_one_value() {
        let folder = Folder::new("/s/a b\"c".into());
        assert_eq!(
            mark(&folder, 1),
            r#"-Dconduct.state-dir="/s/a b\"c/node-1""#
        );
    }
}
