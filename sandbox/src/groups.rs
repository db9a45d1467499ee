//! Flags that take several words and may be repeated, such as `-r a b -r c`: a group each.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches};

/// What was said after `-r` and `-f`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Groups {
    pub(crate) roles: Vec<Vec<String>>,
    pub(crate) features: Vec<Vec<String>>,
}

impl Args for Groups {
    fn augment_args(command: Command) -> Command {
        command
            .arg(
                Arg::new("conductr_role")
                    .short('r')
                    .long("conductr-role")
                    .visible_alias("role")
                    .value_name("ROLE")
                    .num_args(1..)
                    .action(ArgAction::Append)
                    .help("Roles of a node; repeated for the next ones, which begin again after the last group"),
            )
            .arg(
                Arg::new("feature")
                    .short('f')
                    .long("feature")
                    .value_name("NAME")
                    .num_args(1..)
                    .action(ArgAction::Append)
                    .help("A feature, as the original called it; most have become part of every node"),
            )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Groups::augment_args(command)
    }
}

impl FromArgMatches for Groups {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Groups, Error> {
        let groups = |name: &str| {
            let occurrences = matches.get_occurrences::<String>(name);
            let occurrences = occurrences.into_iter().flatten();
            occurrences.map(|words| words.cloned().collect()).collect()
        };
        Ok(Groups {
            roles: groups("conductr_role"),
            features: groups("feature"),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Groups::from_arg_matches(matches)?;
        Ok(())
    }
}
