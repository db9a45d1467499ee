//! HAProxy as a child: a master that keeps the listening sockets, and workers that come and go
//! with each load of the file.

use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// For requests that are under way at the end.
const FAREWELL_TIME_MAX: Duration = Duration::from_secs(8);

/// The master.
#[derive(Debug)]
pub(crate) struct Master {
    child: Child,
}

impl Master {
    /// Starts it with a configuration that was checked.
    pub(crate) fn start(program: &Path, config: &Path) -> io::Result<Master> {
        let child = Command::new(program)
            .arg("-W")
            .arg("-f")
            .arg(config)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        Ok(Master { child })
    }

    /// Tells it to load its file anew.
    pub(crate) fn load(&self) -> io::Result<()> {
        self.signal(Signal::SIGUSR2)
    }

    /// Whether it runs.
    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for an end that nobody asked for.
    pub(crate) async fn ended(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Lets it answer what is under way, and ends it.
    pub(crate) async fn stop(mut self) -> io::Result<()> {
        self.signal(Signal::SIGUSR1)?;
        if timeout(FAREWELL_TIME_MAX, self.child.wait()).await.is_err() {
            self.signal(Signal::SIGTERM)?;
            self.child.wait().await?;
        }
        Ok(())
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        let pid = self.child.id().and_then(|pid| i32::try_from(pid).ok());
        let pid = pid.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        kill(Pid::from_raw(pid), signal).map_err(io::Error::from)
    }
}
