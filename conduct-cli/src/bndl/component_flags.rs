//! Flags for components. They form groups: `--endpoint web --bind-port 0 --acl /shop` says three
//! things of one endpoint, and a second `--endpoint` begins another. So their order counts.

use conduct_model::BindProtocol;

use super::acl_flag::{AclFlag, Match};

/// What the flags say of components, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ComponentFlags {
    /// One for each flag that begins a group.
    pub edits: Vec<Edit>,
}

/// A change to a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Which one; none means the only one.
    pub component: Option<String>,
    /// The change.
    pub change: Change,
}

/// What is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Its description becomes this.
    Description(String),
    /// Its command becomes these words.
    StartCommand(Vec<String>),
    /// It gets this volume.
    Volume {
        /// What it is called.
        name: String,
        /// Where it is mounted.
        path: String,
    },
    /// It gets this endpoint, and loses those it had before.
    Endpoint(EndpointFlags),
}

/// What the flags say of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointFlags {
    /// What it is called.
    pub name: String,
    /// What is spoken there; none means what its ACLs speak.
    pub bind_protocol: Option<BindProtocol>,
    /// The port, 0 for one that is allotted.
    pub bind_port: u16,
    /// What the service locator finds it by.
    pub service_name: Option<String>,
    /// What the proxy lets through.
    pub acls: Vec<AclFlag>,
}

/// A flag as it stood on the command line.
pub(super) type Word<'a> = (&'static str, &'a str);

impl ComponentFlags {
    pub(super) fn make_a_configuration(&self) -> bool {
        self.edits
            .iter()
            .any(|edit| !matches!(edit.change, Change::Description(_)))
    }

    /// Puts words into groups.
    pub(super) fn group<'a>(
        words: impl IntoIterator<Item = Word<'a>>,
    ) -> Result<ComponentFlags, String> {
        let mut edits: Vec<Edit> = Vec::new();
        for (flag, value) in words {
            let misplaced = |head: &str| format!("--{flag} must follow {head}");
            match flag {
                "description" | "start-command" | "volume" | "endpoint" => {
                    let change = head(flag, value)?;
                    edits.push(Edit {
                        component: None,
                        change,
                    });
                }
                "component" => {
                    let heads = "an --endpoint, --start-command, --volume or --description";
                    let edit = edits.last_mut().ok_or_else(|| misplaced(heads))?;
                    if edit.component.replace(value.to_owned()).is_some() {
                        return Err("two --component follow the same flag".to_owned());
                    }
                }
                _ => {
                    let endpoint = edits
                        .iter_mut()
                        .rev()
                        .find_map(|edit| match &mut edit.change {
                            Change::Endpoint(endpoint) => Some(endpoint),
                            _ => None,
                        });
                    let endpoint = endpoint.ok_or_else(|| misplaced("an --endpoint"))?;
                    endpoint.take(flag, value)?;
                }
            }
        }
        for edit in &mut edits {
            if let Change::Endpoint(endpoint) = &mut edit.change {
                endpoint.finish()?;
            }
        }
        Ok(ComponentFlags { edits })
    }
}

impl EndpointFlags {
    fn take(&mut self, flag: &str, value: &str) -> Result<(), String> {
        let wrong = |why: &dyn std::fmt::Display| format!("--{flag} {value}: {why}");
        match flag {
            "bind-protocol" => {
                self.bind_protocol = Some(value.parse().map_err(|error| wrong(&error))?);
            }
            "bind-port" => {
                self.bind_port = value
                    .parse()
                    .map_err(|_| wrong(&"a port is a number from 0 to 65535"))?;
            }
            "service-name" => self.service_name = Some(value.to_owned()),
            "acl" => self.acls.push(AclFlag::new(value)),
            _ => {
                let acl = self.acls.last_mut();
                let acl = acl.ok_or_else(|| format!("--{flag} must follow an --acl"))?;
                match flag {
                    "path" => acl.matching = Match::Exact,
                    "path-beg" => acl.matching = Match::Prefix,
                    "path-regex" => acl.matching = Match::Regex,
                    _ => acl.rewrite = Some(value.to_owned()),
                }
            }
        }
        Ok(())
    }

    /// What can be known only when the whole group has been read.
    fn finish(&mut self) -> Result<(), String> {
        let mut families = Vec::new();
        for acl in &self.acls {
            let family = acl.check()?;
            if !families.contains(&family) {
                families.push(family);
            }
        }
        match families[..] {
            [_, _, ..] if self.bind_protocol.is_none() => Err(format!(
                "the ACLs of endpoint {} are of several families: say --bind-protocol",
                self.name
            )),
            [family] => {
                self.bind_protocol.get_or_insert(family);
                Ok(())
            }
            _ => {
                self.bind_protocol.get_or_insert(BindProtocol::Tcp);
                Ok(())
            }
        }
    }
}

fn head(flag: &str, value: &str) -> Result<Change, String> {
    Ok(match flag {
        "description" => Change::Description(value.to_owned()),
        "start-command" => Change::StartCommand(words(value)?),
        "volume" => match value.split_once('=') {
            Some((name, path)) if !name.is_empty() && !path.is_empty() => Change::Volume {
                name: name.to_owned(),
                path: path.to_owned(),
            },
            _ => return Err(format!("--volume {value}: a volume is written NAME=PATH")),
        },
        _ => Change::Endpoint(EndpointFlags {
            name: value.to_owned(),
            bind_protocol: None,
            bind_port: 0,
            service_name: None,
            acls: Vec::new(),
        }),
    })
}

fn words(hocon: &str) -> Result<Vec<String>, String> {
    let example = "a command is a list of words such as '[\"web/bin/run\", \"-v\"]'";
    let parsed = conduct_hocon::parse_named("--start-command", &format!("words = {hocon}"));
    let words = parsed.ok().and_then(|conf| {
        let words = conf.get("words")?.as_strings().ok()?;
        Some(words.into_iter().map(str::to_owned).collect())
    });
    words.ok_or_else(|| format!("--start-command {hocon}: {example}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Args as _, Command, FromArgMatches as _};

    fn parse(line: &str) -> Result<Vec<Edit>, String> {
        let command = ComponentFlags::augment_args(Command::new("test"));
        let words = std::iter::once("test").chain(line.split_whitespace());
        let matches = command
            .try_get_matches_from(words)
            .map_err(|error| error.to_string())?;
        let flags = ComponentFlags::from_arg_matches(&matches);
        flags
            .map(|flags| flags.edits)
            .map_err(|error| error.to_string())
    }

    fn endpoint(edit: &Edit) -> &EndpointFlags {
        match &edit.change {
            Change::Endpoint(endpoint) => endpoint,
            other => panic!("no endpoint: {other:?}"),
        }
    }

    #[test]
    fn what_follows_an_endpoint_belongs_to_it() {
        let edits = parse(
            "--endpoint web --component shop --bind-port 80 --acl /a --path --acl ^/b --path-regex \
             --rewrite /c --service-name s --endpoint bus --bind-protocol udp",
        )
        .expect("sound");
        let web = endpoint(&edits[0]);
        assert_eq!(edits[0].component.as_deref(), Some("shop"));
        assert_eq!(
            (web.bind_port, web.service_name.as_deref()),
            (80, Some("s"))
        );
        assert_eq!(web.bind_protocol, Some(BindProtocol::Http));
        assert_eq!(
            (&web.acls[0].matching, &web.acls[1].matching),
            (&Match::Exact, &Match::Regex)
        );
        assert_eq!(
            (
                web.acls[0].rewrite.as_deref(),
                web.acls[1].rewrite.as_deref()
            ),
            (None, Some("/c"))
        );
        assert_eq!(endpoint(&edits[1]).bind_protocol, Some(BindProtocol::Udp));
        assert_eq!((edits.len(), edits[1].component.as_deref()), (2, None));
    }

    #[test]
    fn a_component_belongs_to_the_flag_before_it() {
        let edits =
            parse("--description d --component a --volume v=/x --component b --description e");
        let components: Vec<_> = edits
            .expect("sound")
            .into_iter()
            .map(|edit| edit.component)
            .collect();
        assert_eq!(
            components,
            [Some("a".to_owned()), Some("b".to_owned()), None]
        );
    }

    #[test]
    fn flags_out_of_place_are_refused_with_their_place() {
        for (line, told) in [
            (
                "--component x",
                "--component must follow an --endpoint, --start-command",
            ),
            ("--bind-port 1", "--bind-port must follow an --endpoint"),
            (
                "--endpoint e --rewrite /x",
                "--rewrite must follow an --acl",
            ),
            (
                "--endpoint e --component a --component b",
                "two --component",
            ),
            ("--endpoint e --bind-port 65536", "a port is a number"),
            ("--endpoint e --acl tcp:[1] --acl /x", "say --bind-protocol"),
            ("--volume x", "NAME=PATH"),
            ("--start-command run", "a list of words"),
        ] {
            let refused = parse(line).expect_err(line);
            assert!(refused.contains(told), "{line}: {refused}");
        }
    }

    #[test]
    fn a_command_is_a_list_in_hocon() {
        assert_eq!(
            words(r#"["a b", -v, 3]"#),
            Ok(vec!["a b".into(), "-v".into(), "3".into()])
        );
        assert_eq!(words("[]"), Ok(Vec::new()));
    }
}
