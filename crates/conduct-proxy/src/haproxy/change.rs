//! From one configuration to the next with as little disturbance as there can be.
//!
//! Instances that come and go are told to the running process. Everything else needs the file to
//! be loaded anew, which costs a process and some milliseconds, though no request.

use std::collections::BTreeMap;

/// What to do about a new configuration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// It says the same.
    Nothing,
    /// Only servers differ, and the running process can be told.
    Servers(Vec<Step>),
    /// Load the file.
    Reload,
}

/// A command for the running process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// A server that gets requests from now on.
    Add {
        /// `backend/server`.
        server: ServerName,
        /// Its address and options, as in the file.
        rest: String,
    },
    /// A server that gets no more requests; those that it has are answered.
    Remove {
        /// `backend/server`.
        server: ServerName,
    },
}

/// A server in its section.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ServerName {
    /// The section.
    pub section: String,
    /// The server.
    pub name: String,
}

impl std::fmt::Display for ServerName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.section, self.name)
    }
}

/// Compares two configurations.
pub fn between(old: &str, new: &str) -> Change {
    let (old, new) = (Shape::of(old), Shape::of(new));
    if old == new {
        return Change::Nothing;
    }
    if old.lines != new.lines {
        return Change::Reload;
    }
    let mut steps = Vec::new();
    for (server, rest) in &new.servers {
        match old.servers.get(server) {
            Some(before) if before == rest => {}
            Some(_) => return Change::Reload,
            None if !is_plain(rest) => return Change::Reload,
            None => steps.push(Step::Add {
                server: server.clone(),
                rest: rest.clone(),
            }),
        }
    }
    // First those who come, so that there is never nobody.
    let gone = old
        .servers
        .keys()
        .filter(|server| !new.servers.contains_key(server));
    steps.extend(gone.cloned().map(|server| Step::Remove { server }));
    Change::Servers(steps)
}

/// A configuration without what a running process can be told, and without comments.
#[derive(PartialEq, Eq)]
struct Shape<'a> {
    lines: Vec<&'a str>,
    servers: BTreeMap<ServerName, String>,
}

impl<'a> Shape<'a> {
    fn of(text: &'a str) -> Shape<'a> {
        let mut shape = Shape {
            lines: Vec::new(),
            servers: BTreeMap::new(),
        };
        let mut section = None;
        for line in text.lines() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut words = line.split_ascii_whitespace();
            match words.next() {
                Some("backend") => section = words.next().map(str::to_owned),
                Some("global" | "defaults" | "frontend" | "listen" | "userlist" | "peers") => {
                    section = None;
                }
                _ => {}
            }
            match (server(line), &section) {
                (Some((name, rest)), Some(section)) => {
                    let server = ServerName {
                        section: section.clone(),
                        name: name.to_owned(),
                    };
                    // The same name twice is the file's mistake, and HAProxy says so.
                    if shape.servers.insert(server, rest).is_some() {
                        shape.lines.push(line);
                    }
                }
                _ => shape.lines.push(line),
            }
        }
        shape
    }
}

/// A line that declares a server: its name, and the rest with one space between words.
fn server(line: &str) -> Option<(&str, String)> {
    let mut words = line.split_ascii_whitespace();
    (words.next() == Some("server")).then_some(())?;
    let name = words.next()?;
    let rest: Vec<&str> = words.collect();
    (!rest.is_empty()).then(|| (name, rest.join(" ")))
}

/// Whether a running process takes a server like this: only an address, and options that it knows
/// for servers that were not there from the beginning.
fn is_plain(rest: &str) -> bool {
    let mut words = rest.split(' ').skip(1);
    while let Some(word) = words.next() {
        match word {
            "maxconn" | "weight" => match words.next() {
                Some(number) if number.bytes().all(|byte| byte.is_ascii_digit()) => {}
                _ => return false,
            },
            "send-proxy" | "send-proxy-v2" => {}
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "# one\nfrontend f\n  bind :80\n  default_backend b\nbackend b\n  mode http\n  \
                       server a 10.0.0.1:80 maxconn 1024\n  server b 10.0.0.2:80 maxconn 1024\n";

    fn server(name: &str) -> ServerName {
        ServerName {
            section: "b".to_owned(),
            name: name.to_owned(),
        }
    }

    #[test]
    fn comments_and_blanks_are_no_change() {
        let new = OLD
            .replace("# one", "# two\n\n")
            .replace("  bind", "    bind");
        assert_eq!(between(OLD, &new), Change::Nothing);
    }

    #[test]
    fn servers_come_before_others_go() {
        let new = OLD.replace("server a 10.0.0.1", "server c 10.0.0.3");
        let Change::Servers(steps) = between(OLD, &new) else {
            panic!("only servers changed");
        };
        assert_eq!(
            steps,
            [
                Step::Add {
                    server: server("c"),
                    rest: "10.0.0.3:80 maxconn 1024".to_owned(),
                },
                Step::Remove {
                    server: server("a"),
                },
            ]
        );
    }

    #[test]
    fn another_shape_needs_the_file() {
        for (from, to) in [
            ("bind :80", "bind :81"),
            ("server a 10.0.0.1:80", "server a 10.0.0.9:80"),
            ("server a 10.0.0.1:80", "server c 10.0.0.9:80 ssl"),
            ("server a 10.0.0.1:80", "server c 10.0.0.9:80 check"),
            ("backend b", "backend c"),
        ] {
            assert_eq!(between(OLD, &OLD.replace(from, to)), Change::Reload, "{to}");
        }
    }
}
