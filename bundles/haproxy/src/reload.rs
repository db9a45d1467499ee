//! The file: checked, put in its place, loaded.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use crate::settings::Runs;

const CHECK_TIME_MAX: Duration = Duration::from_secs(10);
const SCRIPT_TIME_MAX: Duration = Duration::from_secs(30);
/// What is kept of what a program says.
const SAID_CHARS_MAX: usize = 2_000;

/// Why a configuration is not in force.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReloadError {
    /// A program could not be run.
    #[error("could not run {program}")]
    Run {
        /// Which.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// HAProxy finds it wrong.
    #[error("HAProxy refuses the configuration: {said}")]
    Refused {
        /// What it says.
        said: String,
    },
    /// The script failed.
    #[error("{script} failed: {said}")]
    Script {
        /// Which.
        script: PathBuf,
        /// What it said.
        said: String,
    },
    /// The file could not be written.
    #[error("could not write {path}")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It was told, and goes on with the old one.
    #[error("HAProxy did not load its file within {} s", .0.as_secs())]
    Late(Duration),
}

fn program(runs: &Runs) -> &Path {
    match runs {
        Runs::Here { program } | Runs::Elsewhere { program, .. } => program,
    }
}

/// Has HAProxy check a configuration, and puts it in its place if it is right.
pub(crate) async fn place(runs: &Runs, text: &str, config: &Path) -> Result<(), ReloadError> {
    let unwritten = |source| ReloadError::Write {
        path: config.to_owned(),
        source,
    };
    let folder = config.parent().unwrap_or(Path::new("/"));
    let mut file = tempfile::Builder::new()
        .prefix(".haproxy-")
        .suffix(".cfg")
        .tempfile_in(folder)
        .map_err(unwritten)?;
    file.write_all(text.as_bytes()).map_err(unwritten)?;
    let mut command = Command::new(program(runs));
    command.args(["-c", "-q", "-f"]).arg(file.path());
    let output = run(command, program(runs), CHECK_TIME_MAX).await?;
    if !output.status.success() {
        return Err(ReloadError::Refused {
            said: said(&output),
        });
    }
    file.persist(config)
        .map_err(|error| unwritten(error.error))?;
    Ok(())
}

/// Runs the script that loads the file elsewhere.
pub(crate) async fn script(
    script: &Path,
    with_sudo: bool,
    config: &Path,
) -> Result<(), ReloadError> {
    let mut command = if with_sudo {
        let mut command = Command::new("sudo");
        command.arg("-n").arg(script);
        command
    } else {
        Command::new(script)
    };
    command.env("HAPROXY_CONFIG_FILE", config);
    let output = run(command, script, SCRIPT_TIME_MAX).await?;
    if output.status.success() {
        return Ok(());
    }
    Err(ReloadError::Script {
        script: script.to_owned(),
        said: said(&output),
    })
}

async fn run(
    mut command: Command,
    program: &Path,
    time_max: Duration,
) -> Result<Output, ReloadError> {
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(time_max, command.output()).await;
    let output = output.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    output.map_err(|source| ReloadError::Run {
        program: program.to_owned(),
        source,
    })
}

fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let lines = text.lines().filter(|line| !line.contains("[NOTICE]"));
    let joined = lines.map(str::trim).collect::<Vec<_>>().join("; ");
    joined.chars().take(SAID_CHARS_MAX).collect()
}
