//! Why and how the daemon ends: a signal stops it, or has a newer program take its place.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::sockets::{Sockets, VARIABLE};

/// How long a newer program may take to say its version.
const PROBE_TIME_MAX: Duration = Duration::from_secs(5);

/// Why the daemon ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// It was told to stop. Instances go on under their leases.
    Stop,
    /// The program on the disk shall go on in its place.
    Upgrade,
}

/// What people and service managers say to the daemon.
pub(crate) struct Words {
    terminate: Signal,
    interrupt: Signal,
    upgrade: Signal,
    program: PathBuf,
}

impl Words {
    /// `program` is where this program was started from; it may be another one by then.
    pub(crate) fn listen(program: PathBuf) -> std::io::Result<Words> {
        Ok(Words {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            upgrade: signal(SignalKind::user_defined2())?,
            program,
        })
    }

    /// Waits for a word that ends the daemon.
    pub(crate) async fn next(&mut self) -> Why {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return Why::Stop,
                _ = self.interrupt.recv() => return Why::Stop,
                _ = self.upgrade.recv() => match probe(&self.program).await {
                    Ok(version) => {
                        tracing::info!(%version, "upgrading");
                        return Why::Upgrade;
                    }
                    Err(error) => tracing::error!("not upgraded: {error:#}"),
                },
            }
        }
    }
}

/// Makes sure that the program on the disk runs at all, while there still is a way back.
async fn probe(program: &Path) -> anyhow::Result<String> {
    let said = tokio::process::Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let said = tokio::time::timeout(PROBE_TIME_MAX, said).await;
    let said = said
        .with_context(|| format!("{} did not say its version", program.display()))?
        .with_context(|| format!("{} does not run", program.display()))?;
    let text = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    if !said.status.success() || !text.starts_with("conductd ") {
        anyhow::bail!("{} is not conductd", program.display());
    }
    Ok(text)
}

/// Lets the program on the disk go on in this process: same number, same sockets, same children.
pub(crate) fn become_newer(program: &Path, sockets: &Sockets) -> anyhow::Result<Infallible> {
    use std::os::unix::process::CommandExt;
    let left = sockets.leave().context("the sockets cannot be left open")?;
    let words = std::env::args_os();
    let error = std::process::Command::new(program)
        .args(words.skip(1))
        .env(VARIABLE, left)
        .exec();
    Err(error).with_context(|| format!("{} could not take over", program.display()))
}
