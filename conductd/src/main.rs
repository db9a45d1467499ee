//! `conductd`: the daemon, one per node.

mod brain;
mod clock;
mod commands;
mod convert;
mod crashes;
mod daemon;
mod edges;
mod fetch;
mod journal;
mod keys;
mod log;
mod machine;
mod settings;
mod signals;
mod start;
mod uploads;

use std::process::ExitCode;

use rand::TryRng;

fn main() -> ExitCode {
    commands::main()
}

/// Draws from the kernel's randomness: keys, nonces, seeds.
fn draw() -> u64 {
    rand::rngs::SysRng
        .try_next_u64()
        .expect("the kernel has randomness as soon as any process runs")
}
