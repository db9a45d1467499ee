//! A follower: a response that goes on for as long as its caller wants.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use conduct_api::sse::Frame;
use futures_util::stream;
use rand::TryRng;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::{Entry, Feed, Told};
use crate::error::ApiError;

/// Clients count these and look at the state on every third.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// Event streams at a time, over all interfaces.
pub(crate) const STREAMS_MAX: usize = 8192;
/// What one stream holds for its caller at a time, besides what the connection does.
const CHUNK_BYTES_MAX: usize = 32 * 1024;
const CHUNK_ENTRIES_MAX: usize = 256;
/// After a lost connection clients wait so long: not all the same, so that they do not all come
/// back at once.
const RETRY_MILLIS: std::ops::Range<u32> = 500..2000;

/// What a follower wants to be told, as frames: none for what it does not.
pub(crate) type Render = Box<dyn Fn(&Entry) -> Vec<Frame> + Send + Sync>;

/// Everybody who follows.
#[derive(Clone, Debug)]
pub(crate) struct Subscribers {
    feed: Arc<Feed>,
    free: Arc<Semaphore>,
    streams_max: usize,
    shutdown: CancellationToken,
}

/// How to follow.
pub(crate) struct Follow<'a> {
    /// What the caller saw last.
    pub(crate) last_event_id: Option<&'a str>,
    /// What it wants to be told.
    pub(crate) render: Render,
}

/// A place for a stream, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Permit(#[expect(dead_code, reason = "held, not looked at")] OwnedSemaphorePermit);

struct Follower {
    feed: Arc<Feed>,
    changes: watch::Receiver<u64>,
    from: u64,
    render: Render,
    heartbeat: Interval,
    shutdown: CancellationToken,
    /// What is sent before anything else.
    greeting: Option<String>,
    /// Something is missing: the caller is told, and nothing more.
    is_lost: bool,
    _permit: Permit,
}

impl Subscribers {
    pub(crate) fn new(feed: Arc<Feed>, streams_max: usize, shutdown: CancellationToken) -> Self {
        Subscribers {
            feed,
            free: Arc::new(Semaphore::new(streams_max)),
            streams_max,
            shutdown,
        }
    }

    /// A place for a stream.
    pub(crate) fn permit(&self) -> Result<Permit, ApiError> {
        let permit = Arc::clone(&self.free).try_acquire_owned();
        permit.map(Permit).map_err(|_| ApiError::StreamsBusy {
            max: self.streams_max,
        })
    }

    /// Waits until the daemon stops.
    pub(crate) async fn stopped(&self) {
        self.shutdown.cancelled().await;
    }

    /// The streams that are open.
    pub(crate) fn open(&self) -> usize {
        self.streams_max - self.free.available_permits()
    }

    /// Begins a stream. What happens from now on is in it, or a word that something is missing.
    pub(crate) fn follow(&self, follow: Follow<'_>) -> Result<Response, ApiError> {
        let permit = self.permit()?;
        let changes = self.feed.changes();
        let resumed = follow.last_event_id.map(|id| self.feed.behind(id));
        let is_lost = resumed == Some(None);
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick comes at once; the greeting is as good.
        heartbeat.reset();
        let follower = Follower {
            feed: Arc::clone(&self.feed),
            changes,
            from: resumed.flatten().unwrap_or_else(|| self.feed.end()),
            render: follow.render,
            heartbeat,
            shutdown: self.shutdown.clone(),
            greeting: Some(greeting()),
            is_lost,
            _permit: permit,
        };
        Ok(respond(stream(follower, |mut follower| async move {
            follower.next().await.map(|text| (text, follower))
        })))
    }
}

/// A response of frames, made by a function that gives the next of them.
pub(crate) fn stream<S, F>(state: S, next: impl Fn(S) -> F + Send + Sync + 'static) -> Body
where
    S: Send + 'static,
    F: Future<Output = Option<(String, S)>> + Send + 'static,
{
    let next = Arc::new(next);
    Body::from_stream(stream::unfold(state, move |state| {
        let next = Arc::clone(&next);
        async move {
            let (text, state) = next(state).await?;
            Some((Ok::<Bytes, Infallible>(text.into()), state))
        }
    }))
}

/// A response of frames.
pub(crate) fn respond(body: Body) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    // Without a character set: old clients take the type for this one word only.
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// Says at once that the stream stands, and how long to wait should it break.
fn greeting() -> String {
    let drawn = rand::rngs::SysRng.try_next_u32();
    let drawn = drawn.expect("the kernel has randomness as soon as any process runs");
    let span = RETRY_MILLIS.end - RETRY_MILLIS.start;
    let frame = Frame {
        retry: Some(RETRY_MILLIS.start + drawn % span),
        ..Frame::default()
    };
    frame.text()
}

impl Follower {
    /// The next frames, when there are some; nothing when the stream is over.
    async fn next(&mut self) -> Option<String> {
        if let Some(greeting) = self.greeting.take() {
            return Some(greeting);
        }
        loop {
            if self.is_lost {
                return self.farewell();
            }
            let text = self.read();
            if !text.is_empty() {
                return Some(text);
            }
            if self.is_lost {
                continue;
            }
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return None,
                changed = self.changes.changed() => changed.ok()?,
                _ = self.heartbeat.tick() => return Some(Frame::HEARTBEAT.to_owned()),
            }
        }
    }

    /// What has come since the last time, as far as it fits.
    fn read(&mut self) -> String {
        let mut text = String::new();
        self.changes.mark_unchanged();
        loop {
            let batch = self.feed.read(self.from, CHUNK_ENTRIES_MAX);
            if batch.is_gap {
                self.is_lost = true;
                return text;
            }
            for entry in &batch.entries {
                if entry.told == Told::Gap {
                    self.is_lost = true;
                    return text;
                }
                self.from = entry.sequence + 1;
                let mut frames = (self.render)(entry);
                // One entry may be told in several frames; only after the last has all been told.
                if let Some(last) = frames.last_mut() {
                    last.id = Some(self.feed.id(entry.sequence));
                }
                frames.iter().for_each(|frame| text.push_str(&frame.text()));
                if text.len() >= CHUNK_BYTES_MAX {
                    return text;
                }
            }
            if batch.entries.len() < CHUNK_ENTRIES_MAX {
                return text;
            }
        }
    }

    /// Tells that something is missing; the next time nothing more.
    fn farewell(&mut self) -> Option<String> {
        if self.from == u64::MAX {
            return None;
        }
        self.from = u64::MAX;
        Some(Frame::event("lagged", "").text())
    }
}

/// What the caller saw last, where it says so.
pub(crate) fn last_event_id(headers: &HeaderMap) -> Option<&str> {
    headers
        .get("last-event-id")
        .and_then(|id| id.to_str().ok())
        .filter(|id| !id.is_empty())
}
