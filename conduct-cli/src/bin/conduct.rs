//! Speaks with a cluster.

use std::process::ExitCode;

fn main() -> ExitCode {
    conduct_cli::screen::main(conduct_cli::conduct::main)
}
