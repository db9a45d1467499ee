//! `conduct stop`.

use super::flags::{Times, Waiting};
use super::run::scale;
use super::session::Session;
use crate::exit::{Exit, Failure};

/// Stop all instances of a bundle, and wait until they have ended
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which bundle
    bundle: String,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    times: Times,
}

pub(crate) async fn run(args: &Args, session: &mut Session<'_>) -> Result<Exit, Failure> {
    scale(session, &args.bundle, 0, None, &args.waiting, args.times).await
}
