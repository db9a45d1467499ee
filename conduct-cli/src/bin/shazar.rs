//! Packs a folder as it is and names it by its digest.

use std::process::ExitCode;

fn main() -> ExitCode {
    conduct_cli::screen::main(conduct_cli::shazar::main)
}
