//! `--check FILE`: what is wrong with a trace.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use conduct_sim::history;

pub(crate) fn run(file: &Path) -> Result<ExitCode> {
    let text =
        fs::read_to_string(file).with_context(|| format!("could not read {}", file.display()))?;
    let trace = history::parse(&text).with_context(|| format!("{} is no trace", file.display()))?;
    let report = history::check(&trace);
    println!("{report}");
    Ok(if report.findings.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
