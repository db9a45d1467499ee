//! Several daemons that know each other.

use std::ops::{Index, IndexMut};
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::addresses::Addresses;
use crate::node::Node;
use crate::{Bundle, eventually};

/// Several daemons that know each other, and a folder for everything of theirs.
#[derive(Debug)]
pub struct Cluster {
    // Dropped in this order: first the processes, then what they use.
    nodes: Vec<Node>,
    addresses: Addresses,
    folder: TempDir,
    settings: Vec<String>,
}

impl Cluster {
    /// So many nodes, ready for commands.
    #[must_use]
    pub fn start(nodes: u8) -> Cluster {
        Cluster::with(nodes, &[])
    }

    /// So many nodes with these settings, ready for commands.
    #[must_use]
    pub fn with(nodes: u8, settings: &[&str]) -> Cluster {
        let mut cluster = Cluster {
            nodes: Vec::new(),
            addresses: Addresses::claim(),
            folder: tempfile::tempdir().expect("a folder"),
            settings: settings.iter().map(|it| (*it).to_owned()).collect(),
        };
        for _ in 0..nodes {
            let node = cluster.add();
            cluster.start_node(node);
        }
        cluster.settle();
        cluster
    }

    /// One more node, with keys and not started; its number, counted from 0.
    pub fn add(&mut self) -> usize {
        let number = self.nodes.len();
        let ip = self.addresses.ip(number as u8 + 1);
        let folder = self.folder.path().join(format!("n{}", number + 1));
        let node = Node::new(ip, &folder, &self.settings);
        node.init(self.nodes.first().map(Node::folder));
        self.nodes.push(node);
        number
    }

    /// Starts a node that does not run; it finds the others.
    pub fn start_node(&mut self, number: usize) {
        let seeds: Vec<String> = self
            .nodes
            .iter()
            .map(|node| format!("\"{}:9004\"", node.ip()))
            .collect();
        // The first of all has nobody to look for.
        let seeds = match number {
            0 if self.nodes.len() == 1 => String::new(),
            _ => seeds.join(","),
        };
        self.nodes[number].start(&[format!("conduct.seeds=[{seeds}]")]);
    }

    /// Waits until all know all and take commands.
    #[track_caller]
    pub fn settle(&self) {
        for node in &self.nodes {
            eventually(&format!("{} is ready", node.ip()), || {
                node.ready()?;
                let members = node.json("/v2/members")?;
                let up = members["members"].as_array().map_or(0, |all| {
                    all.iter().filter(|it| it["status"] == "Up").count()
                });
                let unreachable = members["unreachable"].as_array().map_or(0, Vec::len);
                if up == self.nodes.len() && unreachable == 0 {
                    Ok(())
                } else {
                    Err(members.to_string())
                }
            });
        }
    }

    /// All nodes.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// A folder for whatever a test makes; it goes away with the cluster.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Loads a bundle through a node, and waits until every node knows of it; its id.
    #[track_caller]
    pub fn load(&self, through: usize, bundle: &Bundle) -> String {
        let answer = bundle.load(self.nodes[through].control());
        let answer = answer.unwrap_or_else(|error| panic!("nothing takes the bundle: {error}"));
        assert_eq!(answer.status, 200, "{}", answer.text());
        let id = answer.json()["bundleId"].as_str().map(str::to_owned);
        let id = id.expect("the answer to a load has the id of the bundle");
        for node in &self.nodes {
            eventually("every node knows of the bundle", || {
                find(&node.json("/v2/bundles")?, &id).map(|_| ())
            });
        }
        id
    }

    /// Wishes for so many instances through a node, and waits until they are started; the bundle as
    /// that node shows it.
    #[track_caller]
    pub fn run(&self, through: usize, id: &str, scale: usize) -> Value {
        let node = &self.nodes[through];
        let path = format!("/v2/bundles/{id}?scale={scale}");
        let answer = crate::http::request(node.control(), "PUT", &path, &[], b"");
        let answer = answer.unwrap_or_else(|error| panic!("nothing takes the wish: {error}"));
        assert_eq!(answer.status, 200, "{}", answer.text());
        self.running(through, id, scale)
    }

    /// Waits until a node sees so many started instances and no others.
    #[track_caller]
    pub fn running(&self, through: usize, id: &str, scale: usize) -> Value {
        let node = &self.nodes[through];
        eventually(&format!("{scale} instances of {id} run"), || {
            let bundle = find(&node.json("/v2/bundles")?, id)?;
            let executions = bundle["bundleExecutions"].as_array().cloned();
            let executions = executions.unwrap_or_default();
            let started = executions.iter().filter(|it| it["isStarted"] == true);
            if started.count() == scale && executions.len() == scale {
                Ok(bundle)
            } else {
                Err(bundle.to_string())
            }
        })
    }
}

/// The bundle with this id in a list.
fn find(list: &Value, id: &str) -> Result<Value, String> {
    let found = list.as_array().and_then(|list| {
        let mut list = list.iter();
        list.find(|bundle| bundle["bundleId"] == id)
    });
    found
        .cloned()
        .ok_or_else(|| format!("{id} is not in {list}"))
}

impl Index<usize> for Cluster {
    type Output = Node;

    fn index(&self, number: usize) -> &Node {
        &self.nodes[number]
    }
}

impl IndexMut<usize> for Cluster {
    fn index_mut(&mut self, number: usize) -> &mut Node {
        &mut self.nodes[number]
    }
}
