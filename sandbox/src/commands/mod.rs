//! What a person types, a module each.

mod cut;
mod env;
mod exec;
mod faults;
mod follow;
mod logs;
mod ps;
mod run;
mod show;
mod status;
mod stop;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use conduct_terminal::exit::{Exit, Failure, OrFail as _};
use conduct_terminal::screen::Screen;
use serde::Serialize;

use crate::interrupts::{Interrupted, Interrupts};
use crate::place::Place;

/// Run a whole cluster on this machine: no root, no containers, no network needed
///
/// Its nodes live on loopback addresses such as 127.0.10.1, all their state in one folder. `conduct`
/// finds the sandbox that was started last by itself.
#[derive(Debug, Parser)]
#[command(
    name = "sandbox",
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
    place: Place,
    /// How to show the result
    #[arg(
        short,
        long,
        value_name = "FORM",
        global = true,
        default_value = "table",
        help_heading = "Output"
    )]
    output: Form,
    /// Say nothing but results and errors; of processes only their numbers
    #[arg(short, long, global = true, help_heading = "Output")]
    quiet: bool,
}

/// How results look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Tables for people, and for scripts that cut columns
    Table,
    /// One document
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(visible_alias = "start")]
    Run(Box<run::Args>),
    Stop(stop::Args),
    Restart(stop::RestartArgs),
    Ps(ps::Args),
    Status(status::Args),
    Logs(logs::Args),
    Pause(faults::PauseArgs),
    Resume(faults::ResumeArgs),
    Kill(faults::KillArgs),
    Revive(faults::ReviveArgs),
    Cut(cut::CutArgs),
    Heal(cut::HealArgs),
    Exec(Box<exec::Args>),
    Env(env::Args),
    /// Show this program's version
    Version,
}

/// How a command ended, when it did what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    As(Exit),
    /// As the program that it ran.
    Code(u8),
    /// By a signal, and nothing is left behind.
    By(Interrupted),
}

impl From<Ended> for ExitCode {
    fn from(ended: Ended) -> ExitCode {
        match ended {
            Ended::As(exit) => exit.into(),
            Ended::Code(code) => ExitCode::from(code),
            // As shells have it.
            Ended::By(Interrupted(signal)) => ExitCode::from(128 + signal),
        }
    }
}

const DONE: Ended = Ended::As(Exit::Done);

/// What every command gets.
struct Session<'s> {
    place: Place,
    form: Form,
    quiet: bool,
    screen: &'s mut Screen,
    interrupts: Interrupts,
}

impl Session<'_> {
    /// Says something that is no result.
    fn note(&mut self, text: impl std::fmt::Display) {
        if !self.quiet {
            self.screen.note(text);
        }
    }

    /// Prints the result in the form that was asked for.
    fn show(
        &mut self,
        table: impl FnOnce() -> String,
        value: &impl Serialize,
    ) -> Result<(), Failure> {
        let text = match self.form {
            Form::Table => table(),
            Form::Json => {
                let text = serde_json::to_string_pretty(value);
                text.or_fail(Exit::Failed, "could not write JSON")? + "\n"
            }
        };
        self.screen.print(&text)
    }

    /// A command line about the same sandbox.
    fn command(&self, words: &str) -> String {
        match self.place.name.as_str() {
            "default" => format!("sandbox {words}"),
            name => format!("sandbox {words} --name {name}"),
        }
    }
}

/// Runs the program.
pub(crate) fn main(screen: &mut Screen) -> Result<Ended, Failure> {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .or_fail(Exit::Failed, "could not set up the network")?;
    runtime.block_on(async {
        let session = Session {
            place: cli.place,
            form: cli.output,
            quiet: cli.quiet,
            screen,
            interrupts: Interrupts::new()?,
        };
        dispatch(cli.command, session).await
    })
}

async fn dispatch(command: Command, mut session: Session<'_>) -> Result<Ended, Failure> {
    if matches!(command, Command::Version) {
        let version = env!("CARGO_PKG_VERSION");
        let value = serde_json::json!({ "version": version });
        session.show(|| format!("{version}\n"), &value)?;
        return Ok(DONE);
    }
    let place = session.place.clone();
    place.clean_up(session.screen).await?;
    match command {
        Command::Run(args) => Box::pin(run::run(&args, &mut session)).await,
        Command::Stop(args) => stop::run(&args, &mut session).await,
        Command::Restart(args) => Box::pin(stop::restart(&args, &mut session)).await,
        Command::Ps(args) => ps::run(&args, &mut session),
        Command::Status(args) => Box::pin(status::run(&args, &mut session)).await,
        Command::Logs(args) => logs::run(&args, &mut session).await,
        Command::Pause(args) => faults::pause(&args, &mut session).await,
        Command::Resume(args) => faults::resume(&args, &mut session),
        Command::Kill(args) => faults::kill(&args, &mut session).await,
        Command::Revive(args) => Box::pin(faults::revive(&args, &mut session)).await,
        Command::Cut(args) => cut::cut(&args, &mut session).await,
        Command::Heal(args) => cut::heal(&args, &mut session),
        Command::Exec(args) => Box::pin(exec::run(&args, &mut session)).await,
        Command::Env(args) => env::run(&args, &mut session),
        Command::Version => unreachable!("answered above"),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Command {
        let cli = Cli::try_parse_from(line.split(' '));
        cli.unwrap_or_else(|error| panic!("{line}: {error}"))
            .command
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn scripts_for_the_original_still_parse() {
        for line in [
            "sandbox run 2.1.4",
            "sandbox run 2.1.4 -n 3",
            "sandbox start 2.1.4-beta.1 --nr-of-containers 1:3 -f visualization -f logging",
            "sandbox run 2.1.4 -n 3:3 -r a b -r c --no-default-features --offline",
            "sandbox run 2.1.4 --feature monitoring snapshot 1.1 --log-level debug",
            "sandbox run 2.1.4 --env A=b --env-core C=d --env-agent E=f -e G=h",
            "sandbox run 2.1.4 --arg -Dx=y --arg-core -Dz=1 --arg-agent -Da=b",
            "sandbox run 2.1.4 -p 1111 -p 2222 --bundle-http-port 7222 --image-dir /x",
            "sandbox run 2.1.4 -i registry/image --addr-range 127.0.20.0/24 --tmp-dir /y",
            "sandbox run 2.1.4 --nr-of-instances 2",
        ] {
            assert!(matches!(parse(line), Command::Run(_)), "{line}");
        }
        assert!(matches!(parse("sandbox ps -q --agent"), Command::Ps(_)));
        assert!(matches!(parse("sandbox logs -f"), Command::Logs(_)));
        assert!(matches!(
            parse("sandbox stop --image-dir /x"),
            Command::Stop(_)
        ));
    }

    #[test]
    fn roles_and_features_are_kept_in_groups() {
        let Command::Run(args) = parse("sandbox run -r a b -f logging -r c -f monitoring x 1")
        else {
            panic!("it is run");
        };
        assert_eq!(args.groups.roles, [vec!["a", "b"], vec!["c"]]);
        assert_eq!(
            args.groups.features,
            [vec!["logging"], vec!["monitoring", "x", "1"]]
        );
    }

    #[test]
    fn what_is_wrong_is_a_usage_error() {
        for line in [
            "sandbox run soon",
            "sandbox run -n 0",
            "sandbox run --addr-range 127.0.10.1/24",
            "sandbox run --name a/b",
            "sandbox run --env A",
            "sandbox exec",
            "sandbox pause",
        ] {
            let refused = Cli::try_parse_from(line.split(' ')).expect_err(line);
            assert_eq!(refused.exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn what_follows_exec_belongs_to_the_command() {
        let Command::Exec(args) = parse("sandbox exec -n 2 -- conduct info -q --name x") else {
            panic!("it is exec");
        };
        assert_eq!(args.command, ["conduct", "info", "-q", "--name", "x"]);
    }
}
