//! Whether anything happened lately.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// How often it is looked whether there is anything to wait for yet.
const LOOK: Duration = Duration::from_millis(500);

/// When something last happened. Copies are of the same.
#[derive(Clone, Debug)]
pub(crate) struct Activity {
    begun: Instant,
    last_millis: Arc<AtomicU64>,
    is_held: Arc<AtomicBool>,
}

impl Activity {
    pub(crate) fn new() -> Activity {
        Activity {
            begun: Instant::now(),
            last_millis: Arc::default(),
            is_held: Arc::default(),
        }
    }

    /// Resting does not count until it is let go.
    pub(crate) fn hold(&self) {
        self.is_held.store(true, Ordering::Relaxed);
    }

    /// From now on resting counts.
    pub(crate) fn let_go(&self) {
        self.touch();
        self.is_held.store(false, Ordering::Relaxed);
    }

    /// Something happened.
    pub(crate) fn touch(&self) {
        let millis = self.begun.elapsed().as_millis() as u64;
        self.last_millis.store(millis, Ordering::Relaxed);
    }

    /// Comes back once nothing has happened for so long.
    pub(crate) async fn rests(&self, time_max: Duration) {
        loop {
            if self.is_held.load(Ordering::Relaxed) {
                tokio::time::sleep(time_max.min(LOOK)).await;
                continue;
            }
            let last = Duration::from_millis(self.last_millis.load(Ordering::Relaxed));
            let end = self.begun + last + time_max;
            if end <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(end).await;
        }
    }
}
