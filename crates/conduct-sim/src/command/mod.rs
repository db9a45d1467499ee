//! What the command line may ask for.

mod check;
mod cpu;
mod many;
mod one;
mod seeds;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use conduct_sim::faults::Family;
use conduct_sim::{Moment, millis};

pub(crate) use cpu::CpuTime;
pub(crate) use seeds::SeedRange;
use table::Part;

/// Play a cluster in virtual time and check that its rules hold
///
/// One seed is one world: what goes wrong in it, what clients ask, and when, follows from the
/// number. The same seed is the same run, always.
#[derive(Parser, Debug)]
#[command(name = "conduct-sim", max_term_width = 100)]
pub(crate) struct Args {
    /// The world to play
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,
    /// Play all worlds of a range, such as 1..1001, and print a summary
    #[arg(long, value_name = "FROM..TO", conflicts_with = "seed")]
    pub(crate) seeds: Option<SeedRange>,
    /// Play worlds that nobody has seen before, for so many minutes, and print a summary
    #[arg(long, value_name = "MINUTES", conflicts_with_all = ["seed", "seeds"])]
    pub(crate) soak: Option<u64>,
    /// How many nodes; with --seeds, 3 to 7 in turn unless given
    #[arg(long)]
    pub(crate) nodes: Option<usize>,
    /// How many minutes things go wrong before they must be well; 10 for one seed, 1 for many
    #[arg(long)]
    pub(crate) minutes: Option<f64>,
    /// Kinds of faults that exist, such as cut,pause; the seed draws them unless given
    #[arg(long, value_delimiter = ',', value_name = "KINDS")]
    pub(crate) faults: Option<Vec<Family>>,
    /// Faults of the plan that happen, by their numbers in it; none of them with an empty list
    #[arg(long, value_name = "NUMBERS")]
    pub(crate) only: Option<String>,
    /// Print nothing of what happens, only how it ended
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// Threads that play seeds
    #[arg(long, default_value_t = 2)]
    pub(crate) threads: usize,
    /// Stop after so many seconds, however many seeds were played
    #[arg(long, value_name = "SECONDS")]
    pub(crate) limit: Option<u64>,
    /// Play on after a failure, and count the failures by rule
    #[arg(long)]
    pub(crate) keep_going: bool,
    /// Write the trace of the run, a JSON document a line
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,
    /// Check the trace in a file, from the simulator or from daemons
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seeds", "table"])]
    pub(crate) check: Option<PathBuf>,
    /// Measure what is promised and print it beside the promise: all of it, or parts such as
    /// detection,traffic
    #[arg(long, value_name = "PARTS", num_args = 0..=1, value_delimiter = ',',
          default_missing_value = "all", conflicts_with = "seeds")]
    pub(crate) table: Option<Vec<Part>>,
    /// How many worlds each measurement of the table plays
    #[arg(long, default_value_t = 200, value_name = "COUNT")]
    pub(crate) samples: u64,
}

/// Does what was asked.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    if let Some(file) = &args.check {
        check::run(file)
    } else if let Some(parts) = &args.table {
        let holds = table::print(parts, args.samples, args.threads);
        Ok(if holds {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    } else if let Some(minutes) = args.soak {
        let seconds = minutes * 60;
        many::run(args, &SeedRange::unseen(), Some(seconds))
    } else if let Some(seeds) = &args.seeds {
        many::run(args, seeds, args.limit)
    } else {
        one::run(args)
    }
}

impl Args {
    /// How long things go wrong.
    pub(crate) fn safety(&self, otherwise: f64) -> Moment {
        millis((self.minutes.unwrap_or(otherwise) * 60_000.0) as u64)
    }
}
