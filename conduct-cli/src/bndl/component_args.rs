//! The flags of components as [`clap`] sees them: all may be repeated, and where each stood is kept.

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command, Error, FromArgMatches};

use super::component_flags::{ComponentFlags, Word};

struct Flag {
    id: &'static str,
    value: Option<&'static str>,
    help: &'static str,
}

const fn flag(id: &'static str, value: &'static str, help: &'static str) -> Flag {
    Flag {
        id,
        value: Some(value),
        help,
    }
}

const fn switch(id: &'static str, help: &'static str) -> Flag {
    Flag {
        id,
        value: None,
        help,
    }
}

const HEADING: &str = "Keys of components (in groups: their order counts)";

const FLAGS: [Flag; 13] = [
    flag("description", "TEXT", "A component's description"),
    flag(
        "start-command",
        "HOCON",
        "A component's command, such as '[\"web/bin/run\", \"-v\"]'",
    ),
    flag(
        "volume",
        "NAME=PATH",
        "A volume of a component; may be repeated",
    ),
    flag(
        "endpoint",
        "NAME",
        "An endpoint; the first drops those that are there, may be repeated",
    ),
    flag(
        "component",
        "NAME",
        "The component of the preceding flag [default: the only one]",
    ),
    flag(
        "bind-protocol",
        "PROTOCOL",
        "… of the preceding endpoint: http, tcp or udp [default: as its ACLs]",
    ),
    flag(
        "bind-port",
        "PORT",
        "… of the preceding endpoint [default: 0, which is allotted]",
    ),
    flag("service-name", "NAME", "… of the preceding endpoint"),
    flag(
        "acl",
        "[FAMILY:]VALUE",
        "… of the preceding endpoint: /path, tcp:[7000] or udp:[7000]; may be repeated",
    ),
    switch("path", "The preceding ACL matches this path only"),
    switch(
        "path-beg",
        "The preceding ACL matches paths that begin so [default]",
    ),
    switch("path-regex", "The preceding ACL is a regular expression"),
    flag(
        "rewrite",
        "PATH",
        "What the path of the preceding ACL becomes",
    ),
];

impl clap::Args for ComponentFlags {
    fn augment_args(command: Command) -> Command {
        command.args(FLAGS.iter().map(|flag| {
            let arg = Arg::new(flag.id)
                .long(flag.id)
                .help(flag.help)
                .help_heading(HEADING)
                .action(ArgAction::Append);
            match flag.value {
                Some(name) => arg.value_name(name),
                // Without a value of its own a switch would have no place in the order.
                None => arg.num_args(0).default_missing_value(""),
            }
        }))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for ComponentFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<ComponentFlags, Error> {
        let mut words: Vec<(usize, Word<'_>)> = Vec::new();
        for Flag { id, .. } in &FLAGS {
            let Some(values) = matches.get_many::<String>(id) else {
                continue;
            };
            let places = matches.indices_of(id).into_iter().flatten();
            words.extend(places.zip(values.map(|value| (*id, value.as_str()))));
        }
        words.sort();
        ComponentFlags::group(words.into_iter().map(|(_, word)| word))
            .map_err(|why| Error::raw(ErrorKind::ArgumentConflict, why))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = ComponentFlags::from_arg_matches(matches)?;
        Ok(())
    }
}
