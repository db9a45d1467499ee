//! Makes bundles and configurations out of nearly anything.

use std::process::ExitCode;

fn main() -> ExitCode {
    conduct_cli::screen::main(conduct_cli::bndl::main)
}
