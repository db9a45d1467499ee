//! The commands of `conductd`, one module each.

mod config;
mod doctor;
mod init;
mod join;
mod run;
mod token;
mod unit;
mod upgrade;

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::settings::{Settings, Sources};

/// What init systems take for "this cannot work as it is configured".
const EXIT_CONFIG: u8 = 78;

/// One node of a cluster that runs bundles
#[derive(Parser)]
#[command(name = "conductd", version)]
struct Cli {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Where settings come from.
#[derive(clap::Args)]
struct Place {
    /// A settings file
    #[arg(long, global = true, env = "CONDUCT_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// A single setting, such as -Dconduct.ip=10.0.0.1
    #[arg(short = 'D', global = true, value_name = "SETTING=VALUE")]
    overrides: Vec<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Run the node (also without any command)
    Run,
    /// Make a new cluster: its authority and the keys of its first node
    Init(init::Args),
    /// Make a token that lets one more node join, through this node
    Token(token::Args),
    /// Join a cluster with a token that one of its nodes made
    Join(join::Args),
    /// Let the program on the disk take the place of the daemon that runs
    Upgrade(upgrade::Args),
    /// Look at this machine and these settings, and say what would keep a node from working well
    Doctor(doctor::Args),
    /// Print a systemd unit for this program and these settings
    Unit(unit::Args),
    /// Show the settings that are in effect, and where each comes from
    Config(config::Args),
}

/// Runs whatever this process was started as.
pub(crate) fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    if let Some(code) = conduct_runtime::mode_main(&words) {
        return code;
    }
    let cli = Cli::parse_from(words);
    let done = match cli.command {
        Some(Command::Init(args)) => init::run(&args, &cli.place),
        Some(Command::Token(args)) => token::run(&args, &cli.place),
        Some(Command::Join(args)) => join::run(&args, &cli.place),
        Some(Command::Upgrade(args)) => upgrade::run(&args, &cli.place),
        Some(Command::Doctor(args)) => doctor::run(&args, &cli.place),
        Some(Command::Unit(args)) => unit::run(&args, &cli.place),
        Some(Command::Config(args)) => config::run(&args, &cli.place),
        Some(Command::Run) | None => run::run(&cli.place),
    };
    match done {
        Ok(code) => code,
        Err(why) => {
            // Nobody is left to tell if even this cannot be written.
            let _ = writeln!(std::io::stderr(), "error: {why:#}");
            ExitCode::from(EXIT_CONFIG)
        }
    }
}

impl Place {
    fn sources(&self) -> Sources {
        Sources {
            file: self.config.clone(),
            environment: std::env::vars().collect(),
            overrides: self.overrides.clone(),
        }
    }

    fn settings(&self) -> anyhow::Result<Settings> {
        Ok(self.sources().read()?.settings()?)
    }
}
