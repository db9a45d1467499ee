//! The project's own commands, reached by the aliases in `.cargo/config.toml`.
//!
//! Nothing but the standard library: this is the first thing that a fresh machine compiles.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "talking to a person is its work"
)]

mod bundles;
mod command;
mod demo;
mod simulate;
mod tools;
mod verify;

use std::process::ExitCode;

const USAGE: &str = "\
usage:
  cargo verify [LAYER…]     check everything, or only the layers named (cargo verify -- --list)
  cargo sim [-- ARGS…]      run the simulator (cargo sim -- --help)
  cargo soak [MINUTES]      simulate new seeds for so long (60 unless told)
  cargo bundles [--release] build the demo application and pack its bundles
  cargo demo [-- --stop]    start a three-node sandbox and the demo application, or end them";

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let task = words.next().unwrap_or_default();
    let rest: Vec<String> = words.skip_while(|word| word == "--").collect();
    let outcome = match task.as_str() {
        "verify" => verify::run(&rest),
        "sim" => simulate::sim(&rest),
        "bundles" => bundles::run(&rest),
        "soak" => simulate::soak(&rest),
        "demo" => demo::run(&rest),
        "help" | "--help" | "-h" => {
            println!("{USAGE}");
            Ok(())
        }
        other => Err(format!("there is no task {other:?}\n{USAGE}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}
