//! What callers may ask.

use axum::extract::{Path, Query, State};
use axum::routing::get;
use axum::{Json, Router};
use chirper_common::call::{Answered, CHIRP, FRIEND, Services};
use chirper_common::names::UserId;
use chirper_common::refusal::Refusal;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::live;

/// How many of those whom somebody follows are asked for at once: their names travel in a URL.
const FRIENDS_MAX: usize = 300;

#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) services: Services,
    pub(crate) ending: CancellationToken,
}

#[derive(Deserialize)]
struct Paging {
    before: Option<String>,
    limit: Option<usize>,
}

/// A user, as the friend service tells.
#[derive(Deserialize)]
struct User {
    friends: Vec<UserId>,
}

/// A chirp, as the chirp service tells.
#[derive(Deserialize, Serialize)]
struct Chirp {
    id: String,
    user: UserId,
    text: String,
    at: u64,
}

/// The answer.
#[derive(Serialize)]
struct Activity {
    chirps: Vec<Chirp>,
    friends: Vec<UserId>,
    /// Which instances were asked.
    asked: [String; 2],
}

pub(crate) fn routes(services: Services, ending: CancellationToken) -> Router {
    Router::new()
        .route("/api/activity/{user}", get(activity))
        .route("/api/activity/{user}/live", get(live::listen))
        .with_state(Service { services, ending })
}

async fn activity(
    State(service): State<Service>,
    Path(user): Path<String>,
    Query(paging): Query<Paging>,
) -> Result<Json<Activity>, Refusal> {
    let user: UserId = user.parse().map_err(Refusal::bad_request)?;
    let friends = friends(&service.services, &user).await?;
    let mut path = format!("/api/chirps?users={}", list(&user, &friends.value));
    if let Some(limit) = paging.limit {
        path = format!("{path}&limit={limit}");
    }
    if let Some(before) = paging.before {
        let fits = |letter: char| letter.is_ascii_hexdigit() || letter == '.';
        if !before.chars().all(fits) {
            let told = format!("{before:?} is not the id of a chirp");
            return Err(Refusal::bad_request(told));
        }
        path = format!("{path}&before={before}");
    }
    let chirps: Answered<Vec<Chirp>> = service.services.get_json(CHIRP, &path).await?;
    Ok(Json(Activity {
        chirps: chirps.value,
        friends: friends.value,
        asked: [friends.served_by, chirps.served_by],
    }))
}

/// Whom a user follows.
pub(crate) async fn friends(
    services: &Services,
    user: &UserId,
) -> Result<Answered<Vec<UserId>>, Refusal> {
    let path = format!("/api/users/{user}");
    let answered: Answered<User> = services.get_json(FRIEND, &path).await?;
    Ok(Answered {
        value: answered.value.friends,
        served_by: answered.served_by,
    })
}

/// The user and those followed, as the chirp service wants them.
pub(crate) fn list(user: &UserId, friends: &[UserId]) -> String {
    let all = std::iter::once(user).chain(friends).take(FRIENDS_MAX);
    all.map(UserId::as_str).collect::<Vec<_>>().join(",")
}
