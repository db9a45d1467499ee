//! How many nodes there are, and what each takes part in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// So many fit on any machine; more are a typing error.
const NODES_MAX: usize = 60;

/// `-n`: how many nodes keep state, and how many run instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    cores: usize,
    agents: usize,
}

/// What a node takes part in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Duty {
    /// State, archives, votes and instances.
    Both,
    /// State, archives and votes.
    Core,
    /// Instances.
    Agent,
}

impl Duty {
    pub(crate) fn is_core(self) -> bool {
        self != Duty::Agent
    }

    pub(crate) fn is_agent(self) -> bool {
        self != Duty::Core
    }

    /// As the daemon's settings call it.
    pub(crate) fn setting(self) -> &'static str {
        match self {
            Duty::Both => "both",
            Duty::Core => "core",
            Duty::Agent => "agent",
        }
    }
}

/// As tables show it.
impl fmt::Display for Duty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Duty::Both => "core+agent",
            Duty::Core => "core",
            Duty::Agent => "agent",
        })
    }
}

impl Default for Shape {
    fn default() -> Shape {
        Shape {
            cores: 3,
            agents: 3,
        }
    }
}

impl FromStr for Shape {
    type Err = String;

    fn from_str(text: &str) -> Result<Shape, String> {
        let number = |part: &str| {
            let number: usize = part.parse().map_err(|_| {
                "a number of nodes is meant, or CORES:AGENTS such as 1:3".to_owned()
            })?;
            match number {
                0 => Err("there has to be at least one node of each kind".to_owned()),
                1..=NODES_MAX => Ok(number),
                _ => Err(format!("at most {NODES_MAX} nodes are meant")),
            }
        };
        let (cores, agents) = match text.split_once(':') {
            Some((cores, agents)) => (number(cores)?, number(agents)?),
            None => (number(text)?, number(text)?),
        };
        Ok(Shape { cores, agents })
    }
}

impl Shape {
    /// The nodes' duties, in order: a node is both where both counts reach it.
    pub(crate) fn duties(self) -> Vec<Duty> {
        let duty = |at| match (at < self.cores, at < self.agents) {
            (true, true) => Duty::Both,
            (true, false) => Duty::Core,
            _ => Duty::Agent,
        };
        (0..self.cores.max(self.agents)).map(duty).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn duties(text: &str) -> Vec<Duty> {
        text.parse::<Shape>().expect("a shape").duties()
    }

    #[test]
    fn a_single_number_means_full_nodes_and_so_does_nothing_at_all() {
        assert_eq!(duties("3"), [Duty::Both; 3]);
        assert_eq!(Shape::default().duties(), duties("3"));
    }

    #[test]
    fn a_node_is_both_where_both_counts_reach_it() {
        assert_eq!(duties("1:3"), [Duty::Both, Duty::Agent, Duty::Agent]);
        assert_eq!(duties("3:1"), [Duty::Both, Duty::Core, Duty::Core]);
    }

    #[test]
    fn what_is_no_number_of_nodes_is_refused() {
        for text in [
            "", "x", "0", "3:0", "0:3", "3:", ":3", "1:2:3", "-1", "61", "1 2",
        ] {
            assert!(text.parse::<Shape>().is_err(), "{text:?}");
        }
    }
}
