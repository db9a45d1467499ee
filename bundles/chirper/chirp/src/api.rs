//! What callers may ask and say.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use chirper_common::names::{UserId, users};
use chirper_common::refusal::Refusal;
use chirper_common::replica::{Decided, Peers, Store};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::chirps::{self, Chirp, Chirps, Event};
use crate::live;

/// How many chirps are listed at once.
const LISTED_MAX: usize = 200;
/// How many if nobody says.
const LISTED: usize = 50;
/// The longest chirp, in letters.
const TEXT_LETTERS_MAX: usize = 280;
/// The longest key.
const KEY_LETTERS_MAX: usize = 64;

#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) store: Store<Chirps>,
    peers: Peers<Chirps>,
    pub(crate) ending: CancellationToken,
}

#[derive(Deserialize)]
struct Saying {
    user: String,
    text: String,
    key: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Listing {
    #[serde(default)]
    users: String,
    before: Option<String>,
    limit: Option<usize>,
}

/// A chirp, and how many disks have it.
#[derive(Serialize)]
struct Said {
    #[serde(flatten)]
    chirp: Chirp,
    copies: usize,
}

impl Service {
    pub(crate) fn of(
        store: Store<Chirps>,
        peers: Peers<Chirps>,
        ending: CancellationToken,
    ) -> Service {
        Service {
            store,
            peers,
            ending,
        }
    }
}

impl Listing {
    pub(crate) fn users(&self) -> Result<Vec<UserId>, Refusal> {
        users(&self.users).map_err(Refusal::bad_request)
    }
}

pub(crate) fn routes(service: Service) -> Router {
    Router::new()
        .route("/api/chirps", get(list).post(say))
        .route("/api/chirps/live", get(live::listen))
        .with_state(service)
}

async fn list(
    State(service): State<Service>,
    Query(listing): Query<Listing>,
) -> Result<Json<Vec<Chirp>>, Refusal> {
    let users = listing.users()?;
    let before = match &listing.before {
        Some(id) => Some(chirps::read(id).ok_or_else(|| no_chirp(id))?),
        None => None,
    };
    let max = listing.limit.unwrap_or(LISTED).min(LISTED_MAX);
    let latest = |chirps: &Chirps| chirps.latest(&users, before, max);
    Ok(Json(service.store.look(latest)))
}

async fn say(
    State(service): State<Service>,
    Json(saying): Json<Saying>,
) -> Result<(StatusCode, Json<Said>), Refusal> {
    let user: UserId = saying.user.parse().map_err(Refusal::bad_request)?;
    let text = saying.text.trim().to_owned();
    let letters = text.chars().count();
    if letters == 0 || letters > TEXT_LETTERS_MAX {
        let told = format!("a chirp has 1 to {TEXT_LETTERS_MAX} letters, and this one {letters}");
        return Err(Refusal::bad_request(told));
    }
    let key = saying.key;
    if key.as_ref().is_some_and(|key| key.len() > KEY_LETTERS_MAX) {
        let told = format!("a key has at most {KEY_LETTERS_MAX} letters");
        return Err(Refusal::bad_request(told));
    }
    let again = key.clone().map(|key| (user.clone(), key));
    let event = Event::Chirped { user, text, key };
    let known = again.clone();
    let decide = move |chirps: &Chirps| {
        let known = known.and_then(|(user, key)| chirps.with_key(&user, &key));
        Ok(known.map_or(Decided::Write(event), |_| Decided::Already))
    };
    let Some(entry) = service.store.decide(decide).await? else {
        let known = |chirps: &Chirps| again.and_then(|(user, key)| chirps.with_key(&user, &key));
        let chirp = service.store.look(known);
        let chirp = chirp.ok_or_else(|| Refusal::unavailable("the chirp is gone"))?;
        return Ok((StatusCode::OK, Json(Said { chirp, copies: 0 })));
    };
    let copies = service.peers.copies(&entry).await;
    let chirp = service.store.look(|chirps| chirps.chirp(entry.stamp()));
    // A peer may have had the same key, with an earlier stamp.
    let chirp = chirp.ok_or_else(|| Refusal::conflict("this was said already"))?;
    Ok((StatusCode::CREATED, Json(Said { chirp, copies })))
}

fn no_chirp(id: &str) -> Refusal {
    Refusal::bad_request(format!("{id:?} is not the id of a chirp"))
}
