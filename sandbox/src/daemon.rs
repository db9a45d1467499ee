//! Starting the daemon of a node.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use conduct_terminal::exit::{Exit, Failure, OrFail as _};

use crate::folders::Folder;
use crate::process::Process;
use crate::record::Node;

/// Names another program to run as the daemon.
const VARIABLE: &str = "CONDUCTD";

/// What is shown of a log when a daemon does not start.
const TAIL_LINES: usize = 10;
const TAIL_BYTES: u64 = 8 * 1024;

/// Where the daemon's program is: named, beside this one, or on the path.
pub(crate) fn program() -> Result<PathBuf, Failure> {
    if let Some(named) = std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
        return Ok(named.into());
    }
    let own = std::env::current_exe().ok();
    let beside = own.and_then(|own| Some(own.parent()?.join("conductd")));
    if let Some(beside) = beside.filter(|beside| beside.is_file()) {
        return Ok(beside);
    }
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&paths)
        .map(|folder| folder.join("conductd"))
        .find(|program| program.is_file());
    found.ok_or_else(|| {
        Failure::new(
            Exit::Failed,
            "conductd is neither beside sandbox nor on the PATH",
        )
        .hint(format_args!(
            "name it: {VARIABLE}=/path/to/conductd sandbox …"
        ))
        .hint("in a source tree: cargo build -p conductd")
    })
}

/// Makes the keys of a node: those of a new cluster for the first, of the same one for the others.
pub(crate) async fn make_keys(program: &Path, folder: &Folder, node: &Node) -> Result<(), Failure> {
    let mut command = tokio::process::Command::new(program);
    command.args(&node.words).arg("init");
    if node.number > 1 {
        command.arg("--authority").arg(folder.state(1));
    }
    // Whoever gives up the start gives up this as well.
    command.kill_on_drop(true).stdin(Stdio::null());
    let done = command.output().await;
    let done = done.or_fail(
        Exit::Failed,
        format_args!("could not run {}", program.display()),
    )?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    Err(refused(node, &said))
}

/// Starts a node's daemon, away from this terminal and from whatever is sent to it.
pub(crate) fn start(program: &Path, folder: &Folder, node: &Node) -> Result<Process, Failure> {
    let path = folder.log(node.number);
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&path)
        .or_fail(
            Exit::Failed,
            format_args!("could not write {}", path.display()),
        )?;
    let errors = log.try_clone().or_fail(
        Exit::Failed,
        format_args!("could not write {}", path.display()),
    )?;
    let mut command = Command::new(program);
    command
        .args(&node.words)
        .arg("run")
        .envs(&node.environment)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors);
    #[expect(unsafe_code, reason = "only setsid is called between fork and exec")]
    // SAFETY: setsid is async-signal-safe and touches no memory of this process.
    unsafe {
        command.pre_exec(|| nix::unistd::setsid().map(drop).map_err(io::Error::from));
    }
    let child = command.spawn().or_fail(
        Exit::Failed,
        format_args!("could not start {}", program.display()),
    )?;
    // It is not waited for: it outlives this program, or its end is seen by its number and start.
    Process::of(child.id()).ok_or_else(|| refused(node, &tail(&path)))
}

/// Tells that a daemon has ended although it should run.
pub(crate) fn ended(folder: &Folder, node: &Node) -> Failure {
    refused(node, &tail(&folder.log(node.number)))
}

fn refused(node: &Node, said: &str) -> Failure {
    let failure = Failure::new(
        Exit::Failed,
        format_args!("node {} ({}) does not start", node.number, node.address),
    );
    let lines: Vec<&str> = said
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let newest = lines.len().saturating_sub(TAIL_LINES);
    lines[newest..].iter().fold(failure, Failure::hint)
}

/// The end of a file that may be long, or not there.
fn tail(path: &Path) -> String {
    let read = || -> io::Result<String> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    read().unwrap_or_default()
}
