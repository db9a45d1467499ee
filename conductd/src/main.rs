//! `conductd`: the daemon, one per node.

mod brain;
mod clock;
mod commands;
mod convert;
mod crashes;
mod cuts;
mod daemon;
mod desk;
mod edges;
mod ending;
mod fetch;
mod images;
mod ingress;
mod journal;
mod keys;
mod log;
mod machine;
mod notify;
mod seeds;
mod settings;
mod signals;
mod sockets;
mod start;
mod tokens;
mod uploads;
mod watchdog;

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
