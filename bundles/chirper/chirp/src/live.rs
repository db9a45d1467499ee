//! Telling chirps as they are said, here or at a peer.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use chirper_common::names::UserId;
use chirper_common::refusal::Refusal;
use chirper_common::replica::{Entry, Store};
use futures_util::Stream;
use futures_util::stream::unfold;
use serde_json::Value;
use tokio::sync::broadcast::Receiver;
use tokio_util::sync::CancellationToken;

use crate::api::{Listing, Service};
use crate::chirps::{Chirp, Chirps};

/// How often a listener hears that the line is still there.
const BEAT_EVERY: Duration = Duration::from_secs(3);

/// The data of an event that has none: browsers pass events over that have really none.
const NOTHING: &str = "-";

/// One listener.
struct Listener {
    store: Store<Chirps>,
    news: Receiver<Entry<Value>>,
    /// Whom it wants to hear; everybody if nobody is named.
    users: BTreeSet<UserId>,
    ending: CancellationToken,
    is_greeted: bool,
}

/// A stream of `chirp` events. It says `open` first: what is listed after that misses nothing
/// together with what the stream tells. It ends when the service does, or when the listener is too
/// slow; then it has to list again.
pub(crate) async fn listen(
    State(service): State<Service>,
    Query(listing): Query<Listing>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refusal> {
    let listener = Listener {
        news: service.store.news(),
        users: listing.users()?.into_iter().collect(),
        store: service.store,
        ending: service.ending,
        is_greeted: false,
    };
    let stream = unfold(listener, |mut listener| async move {
        let event = listener.next().await?;
        Some((Ok(event), listener))
    });
    let beat = Event::default().event("beat").data(NOTHING);
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(BEAT_EVERY).event(beat)))
}

impl Listener {
    async fn next(&mut self) -> Option<Event> {
        if !self.is_greeted {
            self.is_greeted = true;
            return Some(Event::default().event("open").data(NOTHING));
        }
        loop {
            let entry = tokio::select! {
                entry = self.news.recv() => entry.ok()?,
                () = self.ending.cancelled() => return None,
            };
            // What was said before with the same key is not in the view a second time.
            let chirp = self.store.look(|chirps| chirps.chirp(entry.stamp()));
            if let Some(chirp) = chirp.filter(|chirp| self.wants(chirp)) {
                let event = Event::default().event("chirp").id(&chirp.id);
                return event.json_data(&chirp).ok();
            }
        }
    }

    fn wants(&self, chirp: &Chirp) -> bool {
        self.users.is_empty() || self.users.contains(&chirp.user)
    }
}
