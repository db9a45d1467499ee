//! What callers may ask and wish.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, put};
use axum::{Json, Router};
use chirper_common::names::UserId;
use chirper_common::refusal::Refusal;
use chirper_common::replica::{Decided, Peers, Store};
use serde::{Deserialize, Serialize};

use crate::friends::{Event, Friends, User};

/// How many users are listed at once.
const LISTED_MAX: usize = 200;
/// The longest name that is shown, in letters.
const NAME_LETTERS_MAX: usize = 40;

#[derive(Clone)]
struct Service {
    store: Store<Friends>,
    peers: Peers<Friends>,
}

#[derive(Deserialize)]
struct SignUp {
    id: String,
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct Listing {
    limit: Option<usize>,
}

/// A user, and how many disks know what was just changed.
#[derive(Serialize)]
struct Changed {
    #[serde(flatten)]
    user: User,
    copies: usize,
}

pub(crate) fn routes(store: Store<Friends>, peers: Peers<Friends>) -> Router {
    Router::new()
        .route("/api/users", get(list).post(sign_up))
        .route("/api/users/{id}", get(one))
        .route(
            "/api/users/{id}/friends/{friend}",
            put(follow).delete(unfollow),
        )
        .with_state(Service { store, peers })
}

async fn list(State(service): State<Service>, Query(query): Query<Listing>) -> Json<Vec<User>> {
    let max = query.limit.unwrap_or(LISTED_MAX).min(LISTED_MAX);
    Json(service.store.look(|friends| friends.latest(max)))
}

async fn one(
    State(service): State<Service>,
    Path(id): Path<String>,
) -> Result<Json<User>, Refusal> {
    let id = user_id(&id)?;
    Ok(Json(service.store.look(|friends| known(friends, &id))?))
}

async fn sign_up(
    State(service): State<Service>,
    Json(wish): Json<SignUp>,
) -> Result<(StatusCode, Json<Changed>), Refusal> {
    let user = user_id(&wish.id)?;
    let name = match wish.name.trim() {
        "" => user.to_string(),
        name if name.chars().count() > NAME_LETTERS_MAX => {
            let told = format!("a name has at most {NAME_LETTERS_MAX} letters");
            return Err(Refusal::bad_request(told));
        }
        name => name.to_owned(),
    };
    let event = Event::SignedUp {
        user: user.clone(),
        name,
    };
    let id = user.clone();
    let decide = move |friends: &Friends| match friends.user(&id) {
        Some(_) => Err(Refusal::conflict(format!("{id} is taken"))),
        None => Ok(Decided::Write(event)),
    };
    let changed = service.change(user, decide).await?;
    Ok((StatusCode::CREATED, changed))
}

async fn follow(
    State(service): State<Service>,
    Path(pair): Path<(String, String)>,
) -> Result<Json<Changed>, Refusal> {
    service.follows(pair, true).await
}

async fn unfollow(
    State(service): State<Service>,
    Path(pair): Path<(String, String)>,
) -> Result<Json<Changed>, Refusal> {
    service.follows(pair, false).await
}

impl Service {
    async fn follows(
        &self,
        (user, friend): (String, String),
        follows: bool,
    ) -> Result<Json<Changed>, Refusal> {
        let (user, friend) = (user_id(&user)?, user_id(&friend)?);
        if user == friend {
            return Err(Refusal::bad_request("nobody follows themselves"));
        }
        let id = user.clone();
        let decide = move |friends: &Friends| {
            known(friends, &user)?;
            known(friends, &friend)?;
            if friends.follows(&user, &friend) == follows {
                return Ok(Decided::Already);
            }
            Ok(Decided::Write(Event::Follows {
                user,
                friend,
                follows,
            }))
        };
        self.change(id, decide).await
    }

    async fn change<D>(&self, user: UserId, decide: D) -> Result<Json<Changed>, Refusal>
    where
        D: FnOnce(&Friends) -> Result<Decided<Event>, Refusal> + Send + 'static,
    {
        let copies = match self.store.decide(decide).await? {
            Some(entry) => self.peers.copies(&entry).await,
            None => 0,
        };
        let user = self.store.look(|friends| known(friends, &user))?;
        Ok(Json(Changed { user, copies }))
    }
}

fn known(friends: &Friends, id: &UserId) -> Result<User, Refusal> {
    let user = friends.user(id);
    user.ok_or_else(|| Refusal::not_found(format!("nobody is called {id}")))
}

fn user_id(text: &str) -> Result<UserId, Refusal> {
    text.parse().map_err(Refusal::bad_request)
}
