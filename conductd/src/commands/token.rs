//! `conductd token`: let one more node in.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use conduct_model::Span;

use super::Place;
use crate::clock;
use crate::keys::Keys;
use crate::tokens::{LIFE_MAX, Tokens};

/// Make a token that lets one more node join, through this node
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How many minutes it is good for, 60 at most
    #[arg(long, value_name = "MINUTES", default_value_t = LIFE_MAX.as_millis() / 60_000,
          value_parser = clap::value_parser!(u64).range(1..=60))]
    minutes: u64,
    /// Print the token and nothing else
    #[arg(short, long)]
    quiet: bool,
}

pub(crate) fn run(args: &Args, place: &Place) -> anyhow::Result<ExitCode> {
    let settings = place.settings()?;
    let authority = Keys::of(&settings.state_dir).authority()?;
    let life = Span::secs(args.minutes * 60);
    let token = Tokens::of(&settings.state_dir)
        .make(authority.digest(), life, clock::wall())
        .with_context(|| format!("could not note a token in {}", settings.state_dir.display()))?;
    let mut out = std::io::stdout();
    writeln!(out, "{token}")?;
    if !args.quiet {
        let address = std::net::SocketAddr::new(settings.ip, settings.cluster_port);
        writeln!(
            std::io::stderr(),
            "It lets one node in within {} min. On the new machine:\n  \
             conductd join {address} --token-file -     (and paste it)",
            args.minutes
        )?;
    }
    Ok(ExitCode::SUCCESS)
}
