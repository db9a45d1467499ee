//! Waiting for an effect: what a cluster is like, again whenever it may have changed.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

use crate::answers::Bundle;
use crate::client::Client;
use crate::error::ClientError;
use crate::stream::EventStream;

/// Also without a word from the stream it is looked again: a wish, for one, changes without one.
const LOOK_AGAIN: Duration = Duration::from_secs(3);
/// Where there is no stream.
const LOOK_AGAIN_UNTOLD: Duration = Duration::from_secs(1);
/// Many events come together and are one change.
const GATHER: Duration = Duration::from_millis(50);
/// A node that is being replaced by its next version, or the way to it, may be gone for so long.
const PATIENCE: Duration = Duration::from_secs(4);
const RETRY: Duration = Duration::from_millis(250);

/// Sees all bundles again and again.
#[derive(Debug)]
pub struct Watch<'a> {
    client: &'a Client,
    stream: Option<EventStream>,
    /// When to try again to have a stream.
    reopen_at: Instant,
    /// Something may have changed since the last look.
    is_stale: bool,
    looked_at: Option<Instant>,
    failing_since: Option<Instant>,
}

impl Client {
    /// Begins to watch the bundles.
    pub fn watch(&self) -> Watch<'_> {
        Watch {
            client: self,
            stream: None,
            reopen_at: Instant::now(),
            is_stale: true,
            looked_at: None,
            failing_since: None,
        }
    }
}

impl Watch<'_> {
    /// All bundles, as soon as they may have changed; nothing if that is not before `until`.
    pub async fn next(&mut self, until: Instant) -> Result<Option<Vec<Bundle>>, ClientError> {
        loop {
            // The stream comes first: what changes between it and the look is told.
            if self.stream.is_none() && self.reopen_at <= Instant::now() {
                self.open().await;
            }
            if self.is_stale {
                let gathered = self.looked_at.map(|looked| looked + GATHER);
                if let Some(gathered) = gathered.filter(|it| *it > Instant::now()) {
                    sleep_until(gathered.min(until)).await;
                }
                if let Some(bundles) = self.look().await? {
                    return Ok(Some(bundles));
                }
                let again = Instant::now() + RETRY;
                if again >= until {
                    sleep_until(until).await;
                    return Ok(None);
                }
                sleep_until(again).await;
                continue;
            }
            if !self.wait(until).await {
                return Ok(None);
            }
        }
    }

    async fn open(&mut self) {
        self.reopen_at = Instant::now() + LOOK_AGAIN_UNTOLD;
        // Without a stream it works as well, if slower; why there is none is told by the look.
        if let Ok(stream) = self.client.bundle_changes().await {
            self.stream = Some(stream);
            self.is_stale = true;
        }
    }

    /// Asks. A node that does not answer may be back in a moment.
    async fn look(&mut self) -> Result<Option<Vec<Bundle>>, ClientError> {
        match self.client.bundles().await {
            Ok(bundles) => {
                self.is_stale = false;
                self.failing_since = None;
                self.looked_at = Some(Instant::now());
                Ok(Some(bundles.value))
            }
            Err(error) if error.is_connection() => {
                let since = *self.failing_since.get_or_insert_with(Instant::now);
                if since.elapsed() < PATIENCE {
                    Ok(None)
                } else {
                    Err(error)
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Waits until something may have changed. Tells whether that was before `until`.
    async fn wait(&mut self, until: Instant) -> bool {
        let looked = self.looked_at.unwrap_or_else(Instant::now);
        let Some(stream) = &mut self.stream else {
            let due = looked + LOOK_AGAIN_UNTOLD;
            sleep_until(due.min(until)).await;
            self.is_stale = due <= until;
            return self.is_stale;
        };
        let due = looked + LOOK_AGAIN;
        match timeout_at(due.min(until), stream.next()).await {
            Ok(Ok(Some(_))) => self.is_stale = true,
            Ok(Ok(None) | Err(_)) => {
                self.stream = None;
                self.is_stale = true;
            }
            Err(_) => self.is_stale = due <= until,
        }
        self.is_stale
    }
}
