//! The simulator, built for speed.

use crate::command::{Outcome, cargo, root, shown};

const SOAK_MINUTES: u32 = 60;

/// Runs the simulator with these words.
pub(crate) fn sim(words: &[String]) -> Result<(), String> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = simulator(&words)?;
    if outcome.ok {
        Ok(())
    } else {
        Err("the simulation failed".to_owned())
    }
}

/// Runs new seeds until the time is over.
pub(crate) fn soak(words: &[String]) -> Result<(), String> {
    let minutes = match words.first() {
        None => SOAK_MINUTES,
        Some(word) => word
            .parse()
            .map_err(|_| format!("{word:?} is no number of minutes"))?,
    };
    sim(&["--soak".to_owned(), minutes.to_string()])
}

/// Runs the simulator and keeps what it printed.
pub(crate) fn simulator(words: &[&str]) -> Result<Outcome, String> {
    if !root().join("crates/conduct-sim").is_dir() {
        return Err("there is no simulator yet".to_owned());
    }
    let build = [
        "run",
        "--quiet",
        "--release",
        "--package",
        "conduct-sim",
        "--",
    ];
    shown(cargo(&[&build, words].concat()))
}
