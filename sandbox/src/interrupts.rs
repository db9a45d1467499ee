//! Ctrl-C, and what others send to end this program.

use conduct_terminal::exit::{Exit, Failure, OrFail as _};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// From the moment that it is made, none of these signals ends the program by itself.
#[derive(Debug)]
pub(crate) struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

/// A signal by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interrupted(pub(crate) u8);

impl Interrupts {
    pub(crate) fn new() -> Result<Interrupts, Failure> {
        let watch = |kind| signal(kind).or_fail(Exit::Failed, "could not watch for signals");
        Ok(Interrupts {
            interrupt: watch(SignalKind::interrupt())?,
            terminate: watch(SignalKind::terminate())?,
            hang_up: watch(SignalKind::hangup())?,
        })
    }

    /// The next one that comes.
    pub(crate) async fn next(&mut self) -> Interrupted {
        let kind = tokio::select! {
            _ = self.interrupt.recv() => SignalKind::interrupt(),
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = self.hang_up.recv() => SignalKind::hangup(),
        };
        Interrupted(kind.as_raw_value() as u8)
    }
}
