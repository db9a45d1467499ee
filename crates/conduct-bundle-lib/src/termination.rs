//! Being told to end.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Waits for the word to end. Whoever holds it is not killed by the first one.
#[derive(Debug)]
pub struct Termination {
    terminate: Signal,
    interrupt: Signal,
}

/// Begins to listen for SIGTERM, which a node sends, and for Ctrl-C.
///
/// A node takes an instance out of locator and proxy, lets the callers notice, sends SIGTERM, and
/// SIGKILL some seconds later (8 s unless it was told otherwise). So there is time to finish what
/// was begun; exit code 0 says that all is well.
///
/// ```no_run
/// # async fn serve_until(_: impl Future<Output = &'static str>) {}
/// # async fn example() -> std::io::Result<()> {
/// let termination = conduct_bundle_lib::termination()?;
/// serve_until(termination.told()).await;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// If the kernel does not let this process handle signals.
pub fn termination() -> io::Result<Termination> {
    Ok(Termination {
        terminate: signal(SignalKind::terminate())?,
        interrupt: signal(SignalKind::interrupt())?,
    })
}

impl Termination {
    /// Ends with the name of the signal that came.
    pub async fn told(mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
