//! The stream of one user: that of the chirp service, for whomever the user follows at the moment.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use chirper_common::call::CHIRP;
use chirper_common::names::UserId;
use chirper_common::refusal::Refusal;
use futures_util::stream::unfold;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::api::{Service, friends, list};
use crate::frames::Frames;

/// How often is asked whether the user follows others by now.
const FRIENDS_EVERY: Duration = Duration::from_secs(5);
/// How long the chirp service may be silent; it says something every three seconds.
const SILENCE_MAX: Duration = Duration::from_secs(10);
/// How long to wait before it is called again.
const PAUSE: Duration = Duration::from_millis(300);
/// Tells a listener that something may have been missed.
const REFRESH: &[u8] = b"event: refresh\ndata: -\n\n";

struct Relay {
    service: Service,
    user: UserId,
    friends: Vec<UserId>,
    source: Option<Incoming>,
    frames: Frames,
    check_friends_at: Instant,
}

/// Streams events until the service ends.
pub(crate) async fn listen(
    State(service): State<Service>,
    Path(user): Path<String>,
) -> Result<Response, Refusal> {
    let user: UserId = user.parse().map_err(Refusal::bad_request)?;
    let friends = friends(&service.services, &user).await?.value;
    let relay = Relay {
        service,
        user,
        friends,
        source: None,
        frames: Frames::default(),
        check_friends_at: Instant::now() + FRIENDS_EVERY,
    };
    let stream = unfold(relay, |mut relay| async move {
        let ending = relay.service.ending.clone();
        let bytes = tokio::select! {
            bytes = relay.next() => bytes,
            () = ending.cancelled() => return None,
        };
        Some((Ok::<_, Infallible>(bytes), relay))
    });
    let headers = [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-cache"),
    ];
    Ok((headers, Body::from_stream(stream)).into_response())
}

impl Relay {
    /// The next whole events. Whatever happens to the source, this goes on with another one.
    async fn next(&mut self) -> Bytes {
        loop {
            let Some(source) = &mut self.source else {
                if self.connect().await {
                    return Bytes::from_static(REFRESH);
                }
                continue;
            };
            let frame = tokio::select! {
                frame = timeout(SILENCE_MAX, source.frame()) => frame,
                () = sleep_until(self.check_friends_at) => {
                    self.check_friends().await;
                    continue;
                }
            };
            let data = match frame {
                Ok(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
                Ok(Some(Err(_)) | None) | Err(_) => {
                    self.service.services.locator().evict(CHIRP.service);
                    self.source = None;
                    continue;
                }
            };
            if !self.frames.push(&data) {
                self.source = None;
                continue;
            }
            if let Some(whole) = self.frames.whole() {
                return whole;
            }
        }
    }

    /// Opens the stream of the chirp service; says whether it is open.
    async fn connect(&mut self) -> bool {
        self.frames = Frames::default();
        let path = format!("/api/chirps/live?users={}", list(&self.user, &self.friends));
        match self.service.services.get(CHIRP, &path).await {
            Ok(answer) if answer.status().is_success() => {
                self.source = Some(answer.into_body());
                return true;
            }
            Ok(answer) => tracing::warn!("the chirp service answered {}", answer.status()),
            Err(refusal) => tracing::warn!("{}", refusal.message),
        }
        sleep(PAUSE).await;
        false
    }

    /// Begins anew if the user follows others by now.
    async fn check_friends(&mut self) {
        self.check_friends_at = Instant::now() + FRIENDS_EVERY;
        match friends(&self.service.services, &self.user).await {
            Ok(now) if now.value != self.friends => {
                self.friends = now.value;
                self.source = None;
            }
            Ok(_) => {}
            Err(refusal) => tracing::warn!("{}", refusal.message),
        }
    }
}
