//! Speaking with a registry, which wants to know who asks.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{ACCEPT, WWW_AUTHENTICATE};
use reqwest::{RequestBuilder, StatusCode};
use serde::Deserialize;

use super::challenge::Challenge;
use super::manifest::unusable;
use super::reference::ImageName;
use crate::client::{Answer, Limits, no_answer_within};
use crate::download::is_plain;
use crate::error::{Attempt, ClientError, reason};
use crate::http;
use crate::settings::Credentials;

/// Until an answer begins.
const PATIENCE: Duration = Duration::from_secs(30);

/// A registry that is asked about one image.
#[derive(Debug)]
pub(super) struct Session<'a> {
    image: &'a ImageName,
    credentials: Option<Credentials>,
    http: reqwest::Client,
    /// Where the registry is: with scheme, without a slash at its end.
    root: String,
    /// What to say of oneself, once that is known.
    authorization: Mutex<Option<Authorization>>,
}

#[derive(Debug, Clone)]
enum Authorization {
    Basic(Credentials),
    Bearer(String),
}

#[derive(Deserialize)]
struct Token {
    #[serde(alias = "access_token")]
    token: String,
}

impl<'a> Session<'a> {
    pub(super) fn new(
        image: &'a ImageName,
        credentials: Option<Credentials>,
    ) -> Result<Session<'a>, ClientError> {
        // A registry on this machine has no certificate that anybody would know.
        let plain = format!("http://{}", image.host());
        let root = if is_plain(&plain) {
            plain
        } else {
            format!("https://{}", image.host())
        };
        Ok(Session {
            image,
            credentials,
            http: http::for_anything(is_plain(&root), Limits::default().connect)?,
            root,
            authorization: Mutex::new(None),
        })
    }

    /// Asks, and when it is refused says who asks and asks again.
    pub(super) async fn get(&self, path: &str, accept: &str) -> Result<Answer, ClientError> {
        let url = format!("{}{path}", self.root);
        let ask = || self.authorized(self.http.get(&url).header(ACCEPT, accept));
        let mut response = self.send(ask()).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            let challenge = response.headers().get_all(WWW_AUTHENTICATE).iter();
            let challenge = challenge
                .filter_map(|value| value.to_str().ok())
                .find_map(Challenge::parse);
            if let Some(challenge) = challenge
                && let Some(authorization) = self.authorize(challenge).await?
            {
                self.set(authorization);
                response = self.send(ask()).await?;
            }
        }
        let answer = Answer::new(self.root.clone(), response, Limits::default());
        match answer.succeeded().await {
            Err(error) if error.status() == Some(404) => {
                Err(unusable(self.image, "the registry has no such image"))
            }
            Err(error) if matches!(error.status(), Some(401 | 403)) => Err(unusable(
                self.image,
                "the registry has none that you may see",
            )),
            result => result,
        }
    }

    async fn authorize(&self, challenge: Challenge) -> Result<Option<Authorization>, ClientError> {
        let (realm, service, scope) = match challenge {
            Challenge::Basic => return Ok(self.credentials.clone().map(Authorization::Basic)),
            Challenge::Bearer {
                realm,
                service,
                scope,
            } => (realm, service, scope),
        };
        // A password goes nowhere in the open.
        let is_private = realm.starts_with("https://") || is_plain(&realm);
        if !is_private {
            return Err(unusable(
                self.image,
                "its registry sends passwords into the open",
            ));
        }
        let mut url = realm;
        for (name, value) in [("service", service), ("scope", scope)] {
            if let Some(value) = value {
                let separator = if url.contains('?') { '&' } else { '?' };
                url += &format!("{separator}{name}={}", crate::request::encode(&value));
            }
        }
        let mut request = self.http.get(&url);
        if let Some(Credentials { username, password }) = &self.credentials {
            request = request.basic_auth(username, Some(password));
        }
        let response = self.send(request).await?;
        let answer = Answer::new(url, response, Limits::default());
        let answer = answer.succeeded().await?;
        let (Token { token }, _) = answer.json("a token").await?;
        Ok(Some(Authorization::Bearer(token)))
    }

    fn authorized(&self, request: RequestBuilder) -> RequestBuilder {
        let authorization = self.authorization.lock();
        match &*authorization.unwrap_or_else(PoisonError::into_inner) {
            None => request,
            Some(Authorization::Bearer(token)) => request.bearer_auth(token),
            Some(Authorization::Basic(Credentials { username, password })) => {
                request.basic_auth(username, Some(password))
            }
        }
    }

    fn set(&self, authorization: Authorization) {
        let held = self.authorization.lock();
        *held.unwrap_or_else(PoisonError::into_inner) = Some(authorization);
    }

    async fn send(&self, request: RequestBuilder) -> Result<reqwest::Response, ClientError> {
        let unreachable = |reason| ClientError::Unreachable {
            tried: vec![Attempt {
                url: self.root.clone(),
                reason,
            }],
        };
        match tokio::time::timeout(PATIENCE, request.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(unreachable(reason(&error))),
            Err(_) => Err(unreachable(no_answer_within(PATIENCE))),
        }
    }
}
