//! Asking other services.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST};
use axum::http::{Method, Response, StatusCode, Uri};
use conduct_bundle_lib::{Environment, Locator};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;
use tokio::time::{sleep, timeout};

use crate::refusal::{Refusal, RefusalBody};
use crate::service::SERVED_BY;

/// The longest answer that is read into memory.
const ANSWER_BYTES_MAX: usize = 8 << 20;
/// How long it may take until an answer begins.
const ANSWER_PATIENCE: Duration = Duration::from_secs(5);
/// How often a service is tried, each time at a place that was just looked up.
const TRIES_MAX: u32 = 4;
/// How long to wait before the next try.
const PAUSE: Duration = Duration::from_millis(150);

/// Keeps connections for later requests.
#[derive(Clone)]
pub struct Client {
    inner: hyper_util::client::legacy::Client<HttpConnector, Body>,
}

/// Finds services by their names, and calls them.
#[derive(Clone)]
pub struct Services {
    locator: Locator,
    client: Client,
    environment: Environment,
}

/// A service that is called.
#[derive(Clone, Copy, Debug)]
pub struct Callee {
    /// Its name at the locator.
    pub service: &'static str,
    /// The variable that says where it is outside a cluster.
    pub variable: &'static str,
    /// Where it is if nothing says so.
    pub fallback: &'static str,
}

/// What a service said.
#[derive(Clone, Debug)]
pub struct Answered<T> {
    /// The answer.
    pub value: T,
    /// The instance that gave it.
    pub served_by: String,
}

/// Users and who follows whom.
pub const FRIEND: Callee = Callee {
    service: "friend",
    variable: "FRIEND_URL",
    fallback: "http://127.0.0.1:8101",
};
/// What they say.
pub const CHIRP: Callee = Callee {
    service: "chirp",
    variable: "CHIRP_URL",
    fallback: "http://127.0.0.1:8102",
};
/// What those say whom somebody follows.
pub const ACTIVITY: Callee = Callee {
    service: "activity",
    variable: "ACTIVITY_URL",
    fallback: "http://127.0.0.1:8103",
};

impl Default for Client {
    fn default() -> Client {
        Client::new()
    }
}

impl Client {
    /// One without connections.
    pub fn new() -> Client {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(Duration::from_secs(2)));
        connector.set_nodelay(true);
        let inner = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
            // Shorter than servers keep them, so that a request seldom meets a closing one.
            .pool_idle_timeout(Duration::from_secs(5))
            .pool_timer(hyper_util::rt::TokioTimer::new())
            .build(connector);
        Client { inner }
    }

    /// Posts JSON and reads JSON; what went wrong is told in words.
    ///
    /// # Errors
    /// If there is no answer, or none that is a success.
    pub async fn post_json<T: DeserializeOwned>(
        &self,
        url: &str,
        message: &impl Serialize,
    ) -> Result<T, String> {
        let body = serde_json::to_vec(message).map_err(|error| error.to_string())?;
        let request = Request::builder()
            .method(Method::POST)
            .uri(url)
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .map_err(|error| error.to_string())?;
        let answer = self.inner.request(request).await;
        let answer = answer.map_err(|error| in_words(&error))?;
        read_json(answer).await.map_err(|refusal| refusal.message)
    }
}

impl Services {
    /// Those that the environment's locator knows.
    pub fn new(environment: &Environment) -> Services {
        Services {
            locator: Locator::new(environment),
            client: Client::new(),
            environment: environment.clone(),
        }
    }

    /// The locator itself.
    pub fn locator(&self) -> &Locator {
        &self.locator
    }

    /// Gets JSON. A place that does not answer is forgotten and another one looked up.
    ///
    /// # Errors
    /// What the service refuses, or that it cannot be reached.
    pub async fn get_json<T: DeserializeOwned>(
        &self,
        callee: Callee,
        path: &str,
    ) -> Result<Answered<T>, Refusal> {
        let answer = self.get(callee, path).await?;
        let served_by = answer.headers().get(SERVED_BY);
        let served_by = served_by.and_then(|name| name.to_str().ok());
        let served_by = served_by.unwrap_or(callee.service).to_owned();
        Ok(Answered {
            value: read_json(answer).await?,
            served_by,
        })
    }

    /// Gets an answer whose body is read as it comes.
    ///
    /// # Errors
    /// That the service cannot be reached.
    pub async fn get(&self, callee: Callee, path: &str) -> Result<Response<Incoming>, Refusal> {
        let mut why = String::new();
        for attempt in 0..TRIES_MAX {
            if attempt > 0 {
                sleep(PAUSE * attempt).await;
            }
            let request = Request::builder().uri(path).body(Body::empty());
            let request = request.map_err(Refusal::bad_request)?;
            match self.once(callee, request).await {
                Ok(answer) if answer.status() == StatusCode::SERVICE_UNAVAILABLE => {
                    why = format!("{} answered 503", callee.service);
                }
                Ok(answer) => return Ok(answer),
                Err(Failure { words, .. }) => why = words,
            }
            self.locator.evict(callee.service);
        }
        Err(Refusal::unavailable(why))
    }

    /// Hands a request on. It is repeated elsewhere only as long as no instance has seen it.
    ///
    /// # Errors
    /// That the service cannot be reached.
    pub async fn forward(
        &self,
        callee: Callee,
        request: Request,
    ) -> Result<Response<Incoming>, Refusal> {
        let (head, body) = request.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(Refusal::bad_request)?.to_bytes();
        let mut why = String::new();
        for attempt in 0..TRIES_MAX {
            if attempt > 0 {
                sleep(PAUSE * attempt).await;
            }
            let mut copy = Request::builder()
                .method(head.method.clone())
                .uri(head.uri.clone());
            if let Some(headers) = copy.headers_mut() {
                let of_connection = [HOST, CONNECTION, CONTENT_LENGTH];
                let end_to_end = head.headers.iter();
                let end_to_end = end_to_end.filter(|(name, _)| !of_connection.contains(name));
                headers.extend(end_to_end.map(|(name, value)| (Some(name.clone()), value.clone())));
            }
            let copy = copy.body(Body::from(body.clone()));
            let copy = copy.map_err(Refusal::bad_request)?;
            match self.once(callee, copy).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => {
                    why = failure.words;
                    self.locator.evict(callee.service);
                    if !failure.unseen && !head.method.is_safe() {
                        break;
                    }
                }
            }
        }
        Err(Refusal::unavailable(why))
    }

    async fn once(
        &self,
        callee: Callee,
        mut request: Request,
    ) -> Result<Response<Incoming>, Failure> {
        let service = callee.service;
        let unseen = |words| Failure {
            words,
            unseen: true,
        };
        let fallback = self.environment.variable(callee.variable);
        let found = self
            .locator
            .lookup(service, fallback.unwrap_or(callee.fallback));
        let place = found.await.map_err(|error| unseen(error.to_string()))?;
        let place = place.ok_or_else(|| unseen(format!("no instance of {service} runs")))?;
        let path = request.uri().path_and_query().map_or("/", |it| it.as_str());
        let uri = format!("{}{path}", place.trim_end_matches('/')).parse::<Uri>();
        *request.uri_mut() = uri.map_err(|error| unseen(format!("{place}: {error}")))?;
        let answer = timeout(ANSWER_PATIENCE, self.client.inner.request(request)).await;
        let answer = answer.map_err(|_| Failure {
            words: format!("{service} at {place} does not answer"),
            unseen: false,
        })?;
        answer.map_err(|error| Failure {
            words: format!("{service} at {place}: {}", in_words(&error)),
            unseen: error.is_connect(),
        })
    }
}

struct Failure {
    words: String,
    /// No instance has got the request.
    unseen: bool,
}

async fn read_json<T: DeserializeOwned>(answer: Response<Incoming>) -> Result<T, Refusal> {
    let status = answer.status();
    let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX);
    let body = body.collect().await;
    let body = body
        .map_err(|error| Refusal::unavailable(format!("the answer broke off: {error}")))?
        .to_bytes();
    if !status.is_success() {
        let told = serde_json::from_slice::<RefusalBody>(&body);
        return Err(Refusal {
            status,
            message: told.map_or_else(|_| format!("it answered {status}"), |told| told.error),
        });
    }
    serde_json::from_slice(&body)
        .map_err(|error| Refusal::unavailable(format!("an answer cannot be read: {error}")))
}

/// An error with its causes.
fn in_words(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}
