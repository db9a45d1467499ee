//! `conduct-sim`: plays seeds, replays failures, checks traces, measures.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is the program that people run"
)]

mod command;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let args = command::Args::parse();
    match command::run(&args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
