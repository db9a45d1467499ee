//! The control API, call by call.

use bytes::Bytes;

use crate::answers::{Accepted, Agent, Bundle, EventLine, License, LogLine, Members, Why};
use crate::client::Client;
use crate::error::ClientError;
use crate::request::{Method, Request, encode};
use crate::stream::{EVENT_STREAM, EventStream, streaming};

/// What was answered, understood and word for word.
#[derive(Debug, Clone)]
pub struct Answered<T> {
    /// What it means.
    pub value: T,
    /// What was said.
    pub text: Bytes,
}

/// Which lines of a bundle's instances are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// How many at most, the newest.
    pub count: Option<u32>,
    /// Of instances that have ended.
    pub previous: bool,
    /// Also those that are yet to come, as a stream.
    pub follow: bool,
}

/// What nodes give to whoever follows.
#[derive(Debug)]
pub enum Followed {
    /// Lines as they come.
    Stream(Box<EventStream>),
    /// The newest of them; to be asked for again.
    Lines(Vec<LogLine>),
}

impl Client {
    async fn call<T: serde::de::DeserializeOwned>(
        &self,
        request: Request,
        what: &'static str,
    ) -> Result<Answered<T>, ClientError> {
        let (value, text) = self.send(&request).await?.json(what).await?;
        Ok(Answered { value, text })
    }

    /// All bundles.
    pub async fn bundles(&self) -> Result<Answered<Vec<Bundle>>, ClientError> {
        self.call(Request::get("bundles"), "a list of bundles")
            .await
    }

    /// What the cluster may be used for, where servers have such a thing.
    pub async fn license(&self) -> Result<Answered<License>, ClientError> {
        self.call(Request::get("license"), "a licence").await
    }

    /// Wishes for so many instances.
    pub async fn scale(
        &self,
        reference: &str,
        scale: u32,
        affinity: Option<&str>,
    ) -> Result<Answered<Accepted>, ClientError> {
        let mut request = Request::new(Method::Put, self.bundle_path(reference)?);
        request = request.query("scale", scale);
        if let Some(affinity) = affinity {
            request = request.query("affinity", affinity);
        }
        self.call(request, "an acceptance").await
    }

    /// Forgets a bundle.
    pub async fn unload(&self, reference: &str) -> Result<Answered<Accepted>, ClientError> {
        let request = Request::new(Method::Delete, self.bundle_path(reference)?);
        self.call(request, "an acceptance").await
    }

    /// The newest events of a bundle, oldest first.
    pub async fn bundle_events(
        &self,
        reference: &str,
        count: u32,
    ) -> Result<Answered<Vec<EventLine>>, ClientError> {
        let path = format!("{}/events", self.bundle_path(reference)?);
        let request = Request::get(path).query("count", count);
        self.call(request, "a list of events").await
    }

    /// The newest events of the whole cluster, oldest first.
    pub async fn events(&self, count: u32) -> Result<Answered<Vec<EventLine>>, ClientError> {
        let request = Request::get("events").query("count", count);
        self.call(request, "a list of events").await
    }

    /// Everything that happens from now on, or after `last`.
    pub async fn follow_events(&self, last: Option<&str>) -> Result<EventStream, ClientError> {
        self.stream(Request::get("events/stream"), last).await
    }

    /// Names of bundles of which something changed.
    pub async fn bundle_changes(&self) -> Result<EventStream, ClientError> {
        self.stream(Request::get("bundles/events"), None).await
    }

    /// The newest lines that a bundle's instances wrote, oldest first.
    pub async fn logs(
        &self,
        reference: &str,
        query: &LogQuery,
    ) -> Result<Answered<Vec<LogLine>>, ClientError> {
        let request = self.logs_request(reference, query)?;
        self.call(request, "a list of log lines").await
    }

    /// Lines as they come. Nodes that have no such stream give the newest ones instead.
    pub async fn follow_logs(
        &self,
        reference: &str,
        query: &LogQuery,
        last: Option<&str>,
    ) -> Result<Followed, ClientError> {
        let request = self.logs_request(reference, query)?;
        let answer = self.send(&streaming(request, last)).await?;
        if answer.content_type() == EVENT_STREAM {
            let stream = EventStream::new(answer, self.limits.stream);
            return Ok(Followed::Stream(Box::new(stream)));
        }
        let (lines, _) = answer.json("a list of log lines").await?;
        Ok(Followed::Lines(lines))
    }

    fn logs_request(&self, reference: &str, query: &LogQuery) -> Result<Request, ClientError> {
        let mut request = Request::get(format!("{}/logs", self.bundle_path(reference)?));
        if let Some(count) = query.count {
            request = request.query("count", count);
        }
        if query.previous {
            request = request.query("previous", true);
        }
        if query.follow {
            request = request.query("follow", true);
        }
        Ok(request)
    }

    /// The members that keep the cluster's state.
    pub async fn members(&self) -> Result<Answered<Members>, ClientError> {
        self.call(Request::get("members"), "a list of members")
            .await
    }

    /// The nodes that run instances.
    pub async fn agents(&self) -> Result<Answered<Vec<Agent>>, ClientError> {
        self.call(Request::get("agents"), "a list of agents").await
    }

    /// Why a bundle has fewer instances than wished.
    pub async fn why(&self, reference: &str) -> Result<Answered<Why>, ClientError> {
        let path = format!("{}/why", self.bundle_path(reference)?);
        self.call(Request::get(path), "an explanation").await
    }

    /// Moves the instances of a member to others and gives it no new ones, or ends that.
    pub async fn drain(
        &self,
        member: &str,
        on: bool,
    ) -> Result<Answered<serde_json::Value>, ClientError> {
        let method = if on { Method::Put } else { Method::Delete };
        let path = format!("members/{}/drain", self.segment(member)?);
        self.call(Request::new(method, path), "an acceptance").await
    }

    fn bundle_path(&self, reference: &str) -> Result<String, ClientError> {
        Ok(format!("bundles/{}", self.segment(reference)?))
    }

    /// A text from outside as a segment of a path. Some texts lead elsewhere however they are
    /// written.
    fn segment(&self, text: &str) -> Result<String, ClientError> {
        if matches!(text, "" | "." | "..") {
            return Err(ClientError::Url {
                url: self.target().url(&format!("…/{text}")),
                reason: format!("{text:?} names nothing"),
            });
        }
        Ok(encode(text))
    }
}
