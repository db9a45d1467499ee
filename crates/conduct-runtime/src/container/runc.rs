//! Running the `runc` binary: seven commands, never for longer than a limit.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// A container is made and started within this, or it is not going to be.
pub(crate) const CREATE_MAX: Duration = Duration::from_secs(10);

/// What is left of a container is removed within this.
const DELETE_MAX: Duration = Duration::from_secs(10);

/// How often a command that runs is looked at.
const LOOK: Duration = Duration::from_millis(2);

/// What runc keeps about containers of one instance.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Runc {
    pub(crate) program: PathBuf,
    /// Its folder of states: one for each instance, so that nothing is shared and nothing is lost.
    pub(crate) states: PathBuf,
}

/// Why a command of runc did not do what it should.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RuncError {
    #[error("could not run {program}")]
    Run { program: PathBuf, source: io::Error },
    #[error("runc {what} took longer than {} s", .limit.as_secs())]
    Slow { what: &'static str, limit: Duration },
    #[error("runc {what} failed: {why}")]
    Failed { what: &'static str, why: String },
}

impl Runc {
    /// Makes a container from a folder with a `config.json`, up to the moment before its program
    /// runs. Its output is that of the caller.
    pub(crate) fn create(&self, id: &str, bundle: &Path, pid_file: &Path) -> Result<(), RuncError> {
        let log = bundle.join("runc.log");
        let mut command = self.command();
        command
            .arg("--log")
            .arg(&log)
            .args(["--log-format", "json", "create", "--bundle"])
            .arg(bundle)
            .arg("--pid-file")
            .arg(pid_file)
            .arg(id);
        let status = run(&self.program, command, "create", CREATE_MAX)?;
        told(status, "create", &log)
    }

    /// Lets the program of a container that was made run.
    pub(crate) fn start(&self, id: &str, bundle: &Path) -> Result<(), RuncError> {
        let log = bundle.join("runc.log");
        let mut command = self.command();
        command
            .arg("--log")
            .arg(&log)
            .args(["--log-format", "json", "start", id])
            .stdout(Stdio::null());
        let status = run(&self.program, command, "start", CREATE_MAX)?;
        told(status, "start", &log)
    }

    /// Removes a container, whatever state it is in; one that is not there is fine.
    pub(crate) fn delete(&self, id: &str) -> Result<(), RuncError> {
        if !self.states.join(id).exists() {
            return Ok(());
        }
        let mut command = self.command();
        command
            .args(["delete", "--force", id])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let status = run(&self.program, command, "delete", DELETE_MAX)?;
        if status.success() {
            return Ok(());
        }
        Err(RuncError::Failed {
            what: "delete",
            why: status.to_string(),
        })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--root").arg(&self.states).stdin(Stdio::null());
        command
    }
}

/// What a program prints about itself, if it does so soon.
pub(crate) fn printed(
    program: &Path,
    words: &[&str],
    limit: Duration,
) -> Result<String, RuncError> {
    let failed = |source| RuncError::Run {
        program: program.to_owned(),
        source,
    };
    let mut command = Command::new(program);
    command
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().map_err(failed)?;
    let output = child.stdout.take();
    let status = wait(&mut child, limit).map_err(failed)?;
    match status {
        Some(status) if status.success() => {}
        Some(status) => {
            return Err(RuncError::Failed {
                what: "--version",
                why: status.to_string(),
            });
        }
        None => {
            return Err(RuncError::Slow {
                what: "--version",
                limit,
            });
        }
    }
    let mut text = String::new();
    if let Some(output) = output {
        output
            .take(64 * 1024)
            .read_to_string(&mut text)
            .map_err(failed)?;
    }
    Ok(text)
}

fn run(
    program: &Path,
    mut command: Command,
    what: &'static str,
    limit: Duration,
) -> Result<ExitStatus, RuncError> {
    let failed = |source| RuncError::Run {
        program: program.to_owned(),
        source,
    };
    let mut child = command.spawn().map_err(failed)?;
    let status = wait(&mut child, limit).map_err(failed)?;
    status.ok_or(RuncError::Slow { what, limit })
}

/// Nothing if it had to be killed.
pub(crate) fn wait(
    child: &mut std::process::Child,
    limit: Duration,
) -> io::Result<Option<ExitStatus>> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if begun.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(LOOK);
    }
}

/// The last thing that runc said in its log, if it failed.
fn told(status: ExitStatus, what: &'static str, log: &Path) -> Result<(), RuncError> {
    if status.success() {
        return Ok(());
    }
    let text = std::fs::read_to_string(log).unwrap_or_default();
    Err(RuncError::Failed {
        what,
        why: last_error(&text).unwrap_or_else(|| status.to_string()),
    })
}

#[derive(Deserialize)]
struct LogLine {
    level: String,
    msg: String,
}

fn last_error(log: &str) -> Option<String> {
    log.lines()
        .rev()
        .filter_map(|line| serde_json::from_str::<LogLine>(line).ok())
        .find(|line| matches!(line.level.as_str(), "error" | "fatal"))
        .map(|line| line.msg)
}

/// A program that was named without its folder is looked for where programs are.
pub(crate) fn found(program: &Path) -> Option<PathBuf> {
    let is_program = |path: &PathBuf| path.is_file();
    if program.components().count() > 1 {
        return Some(program.to_owned()).filter(is_program);
    }
    let folders = std::env::var_os("PATH").unwrap_or_else(|| DEFAULT_PATH.into());
    std::env::split_paths(OsStr::new(&folders))
        .map(|folder| folder.join(program))
        .find(is_program)
}

const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_error_of_a_log_is_the_reason() {
        let log = r#"{"level":"warning","msg":"a","time":"x"}
            {"level":"error","msg":"runc create failed: no such file","time":"x"}
            half a line"#;
        assert_eq!(
            last_error(log).as_deref(),
            Some("runc create failed: no such file")
        );
        assert_eq!(last_error(""), None);
    }

    #[test]
    fn a_program_that_hangs_is_killed() {
        let begun = Instant::now();
        let slow = printed(Path::new("sleep"), &["100"], Duration::from_millis(50));
        assert!(matches!(slow, Err(RuncError::Slow { .. })), "{slow:?}");
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}
