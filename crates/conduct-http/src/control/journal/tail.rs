//! Going on with what comes: the nodes are asked again and again for what is new.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::response::Response;
use conduct_api::sse::Frame;
use conduct_model::Wall;
use tokio::time::{Interval, MissedTickBehavior};

use super::event::event_line;
use super::gather;
use crate::app::App;
use crate::error::ApiError;
use crate::feed::{Permit, respond, stream};
use crate::services::{EventQuery, LogQuery};

/// How often the nodes are asked.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Lines or events that one look may bring; more are told as `lagged`.
const LOOK_ITEMS_MAX: usize = 2000;
/// What comes so much later than something newer is not seen any more.
const LATE_MILLIS_MAX: u64 = 10_000;
/// Looks without news before a heartbeat says that the stream lives.
const QUIET_LOOKS_MAX: u32 = 2;

/// Where an item is from, and where it stands there.
type Place = (Wall, u64);

/// Something to be told once.
struct Item {
    source: String,
    place: Place,
    frame: Frame,
}

enum Query {
    Logs(LogQuery),
    Events(EventQuery),
}

struct Tail {
    app: App,
    query: Query,
    /// The newest that was told, by source.
    told: BTreeMap<String, Place>,
    newest: Option<Wall>,
    every: Interval,
    quiet: u32,
    is_first: bool,
    _permit: Permit,
}

/// Follows what instances write.
pub(super) fn follow_logs(app: App, query: LogQuery) -> Result<Response, ApiError> {
    follow(app, Query::Logs(query))
}

/// Follows what nodes tell.
pub(super) fn follow_events(app: App, query: EventQuery) -> Result<Response, ApiError> {
    follow(app, Query::Events(query))
}

fn follow(app: App, query: Query) -> Result<Response, ApiError> {
    let permit = app.subscribers.permit()?;
    let mut every = tokio::time::interval(LOOK_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let tail = Tail {
        app,
        query,
        told: BTreeMap::new(),
        newest: None,
        every,
        quiet: 0,
        is_first: true,
        _permit: permit,
    };
    Ok(respond(stream(tail, |mut tail| async move {
        tail.next().await.map(|text| (text, tail))
    })))
}

impl Tail {
    /// The next frames; nothing when the daemon stops.
    async fn next(&mut self) -> Option<String> {
        loop {
            tokio::select! {
                _ = self.every.tick() => {}
                () = self.app.subscribers.stopped() => return None,
            }
            let items = match self.look().await {
                Ok(items) => items,
                Err(ApiError::Gone(_)) => return None,
                // The next look may find a node that answers.
                Err(error) => {
                    tracing::debug!(%error, "the journal cannot be followed for now");
                    Vec::new()
                }
            };
            let is_lagging = !self.is_first && items.len() >= LOOK_ITEMS_MAX;
            let mut text = String::new();
            if is_lagging {
                text.push_str(&Frame::event("lagged", "").text());
            }
            items
                .into_iter()
                .for_each(|item| self.tell(item, &mut text));
            self.is_first = false;
            self.quiet += 1;
            if !text.is_empty() || self.quiet >= QUIET_LOOKS_MAX {
                self.quiet = 0;
                let is_quiet = text.is_empty();
                return Some(if is_quiet {
                    Frame::HEARTBEAT.to_owned()
                } else {
                    text
                });
            }
        }
    }

    fn tell(&mut self, item: Item, text: &mut String) {
        let told = self.told.entry(item.source).or_default();
        if item.place > *told {
            *told = item.place;
            self.newest = self.newest.max(Some(item.place.0));
            text.push_str(&item.frame.text());
        }
    }

    async fn look(&self) -> Result<Vec<Item>, ApiError> {
        let view = self.app.view().await?;
        let late =
            |newest: Wall| Wall::from_millis(newest.as_millis().saturating_sub(LATE_MILLIS_MAX));
        let since = self.newest.map(late);
        match &self.query {
            Query::Logs(query) => {
                let mut query = query.clone();
                self.widen(&mut query.count, &mut query.since, since);
                let gathered = gather::logs(&self.app, &view, &query).await?;
                let mut same: BTreeMap<String, Place> = BTreeMap::new();
                let item = |it: gather::NodeLine| {
                    let source = it.record.instance.to_string();
                    let place = same.entry(source.clone()).or_default();
                    let is_same = place.0 == it.record.at;
                    *place = (it.record.at, if is_same { place.1 + 1 } else { 1 });
                    Item {
                        source,
                        place: *place,
                        frame: frame("line", &it.line(&view)),
                    }
                };
                Ok(gathered.items.into_iter().map(item).collect())
            }
            Query::Events(query) => {
                let mut query = query.clone();
                self.widen(&mut query.count, &mut query.since, since);
                let gathered = gather::events(&self.app, &view, &query).await?;
                let events = gathered.items.into_iter().map(|event| Item {
                    source: event.node.to_string(),
                    place: (event.at, event.sequence + 1),
                    frame: frame(event.kind.name(), &event_line(&view, &event)),
                });
                Ok(events.collect())
            }
        }
    }

    /// The first look is what was asked for; later ones are for what is new.
    fn widen(&self, count: &mut usize, since: &mut Option<Wall>, newer: Option<Wall>) {
        if !self.is_first {
            *count = LOOK_ITEMS_MAX;
            *since = (*since).max(newer);
        }
    }
}

fn frame(event: &str, line: &impl serde::Serialize) -> Frame {
    Frame::event(event, serde_json::to_string(line).expect("a line is texts"))
}
