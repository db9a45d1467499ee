//! `conduct`: what people and scripts tell a cluster and ask of it.
//!
//! One file holds a command's arguments and its work. [`session::Session`] is what every command
//! gets: the cluster and the way to show things. [`cluster`] finds the cluster, [`failing`] turns
//! what went wrong into a sentence, a hint and a number, [`waiting`] waits for effects.

mod acls;
mod agents;
mod bundles;
mod cluster;
mod completions;
mod drain;
mod events;
mod failing;
mod flags;
mod info;
mod info_one;
mod later;
mod live;
mod load;
mod logs;
mod members;
mod report;
mod restart;
mod run;
mod services;
mod session;
mod stop;
mod text;
mod unload;
mod version;
mod waiting;
mod watch;
mod why;
mod yaml;

use clap::{CommandFactory, Parser, Subcommand};

use conduct_terminal::table;

use crate::exit::{Exit, Failure, OrFail as _};
use crate::screen::Screen;
use flags::Common;
use session::Session;

/// Tell a cluster what to run, and ask it what it runs
///
/// BUNDLE may be an id, its first 7 or more digits, a name, a name and a tag as NAME:TAG, or the
/// beginning of a name.
#[derive(Debug, Parser)]
#[command(
    name = "conduct",
    version,
    disable_help_subcommand = true,
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 100
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Subcommand)]
enum Command {
    Version(version::Args),
    Info(info::Args),
    Load(Box<load::Args>),
    #[command(visible_alias = "start")]
    Run(run::Args),
    Stop(stop::Args),
    Restart(restart::Args),
    Unload(unload::Args),
    Why(why::Args),
    Events(events::Args),
    Logs(logs::Args),
    Watch(watch::Args),
    ServiceNames(services::Args),
    Acls(acls::Args),
    Members(members::Args),
    Agents(agents::Args),
    Drain(drain::Args),
    Undrain(drain::UndrainArgs),
    Completions(completions::Args),
    Deploy(later::Args),
    Backup(later::Args),
    Restore(later::Args),
    #[command(hide = true)]
    LoadLicense(later::Args),
}

/// Runs the program.
pub fn main(screen: &mut Screen) -> Result<Exit, Failure> {
    let cli = Cli::parse();
    // What needs no cluster is not kept waiting by what finds one.
    match &cli.command {
        Command::Version(args) => return version::run(args, &cli.common, screen),
        Command::Completions(args) => return completions::run(args, Cli::command(), screen),
        Command::Deploy(_) => return Err(later::failure("deploy")),
        Command::Backup(_) => return Err(later::failure("backup")),
        Command::Restore(_) => return Err(later::failure("restore")),
        Command::LoadLicense(_) => return Ok(later::no_license(screen)),
        _ => {}
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .or_fail(Exit::Failed, "could not set up the network")?;
    let mut session = Session::new(cli.common, screen)?;
    runtime.block_on(run(cli.command, &mut session))
}

async fn run(command: Command, session: &mut Session<'_>) -> Result<Exit, Failure> {
    match command {
        Command::Info(args) => info::run(&args, session).await,
        Command::Load(args) => Box::pin(load::run(&args, session)).await,
        Command::Run(args) => Box::pin(run::run(&args, session)).await,
        Command::Stop(args) => Box::pin(stop::run(&args, session)).await,
        Command::Restart(args) => Box::pin(restart::run(&args, session)).await,
        Command::Unload(args) => Box::pin(unload::run(&args, session)).await,
        Command::Why(args) => why::run(&args, session).await,
        Command::Events(args) => Box::pin(events::run(&args, session)).await,
        Command::Logs(args) => Box::pin(logs::run(&args, session)).await,
        Command::Watch(args) => Box::pin(watch::run(&args, session)).await,
        Command::ServiceNames(args) => services::run(&args, session).await,
        Command::Acls(args) => acls::run(&args, session).await,
        Command::Members(args) => members::run(&args, session).await,
        Command::Agents(args) => agents::run(&args, session).await,
        Command::Drain(args) => Box::pin(drain::run(&args, session)).await,
        Command::Undrain(args) => drain::undo(&args, session).await,
        Command::Version(_)
        | Command::Completions(_)
        | Command::Deploy(_)
        | Command::Backup(_)
        | Command::Restore(_)
        | Command::LoadLicense(_) => unreachable!("these need no cluster"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_is_said_of_the_cluster_may_stand_anywhere() {
        for line in [
            ["conduct", "--host", "a", "--host", "b", "-q", "run", "x"],
            ["conduct", "start", "x", "--host", "a", "--host", "b", "-q"],
        ] {
            let cli = Cli::try_parse_from(line).expect("sound");
            assert!(matches!(cli.command, Command::Run(_)));
            assert!(cli.common.looks.quiet);
            assert_eq!(cli.common.connection.hosts, ["a", "b"]);
        }
    }

    #[test]
    fn flags_of_descriptors_and_of_the_cluster_live_side_by_side() {
        let line = "conduct load a.zip conf --version 2 --env A=b --role web --memory 1MiB \
                    --endpoint web --acl /x --port 9000 -v --offline --no-wait";
        let cli = Cli::try_parse_from(line.split(' ')).expect("sound");
        assert!(cli.common.looks.verbose && cli.common.connection.port == Some(9000));
    }

    #[test]
    fn what_is_nearly_a_command_or_a_flag_is_recognised() {
        for (line, meant) in [
            ("conduct lod x", "load"),
            ("conduct run x --scal 2", "--scale"),
        ] {
            let told = Cli::try_parse_from(line.split(' ')).expect_err("unknown");
            assert!(told.to_string().contains(meant), "{told}");
            assert_eq!(told.exit_code(), Exit::Usage as i32);
        }
    }
}
