//! One or several nodes, asked in turn.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rand::TryRng as _;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap};
use serde::de::DeserializeOwned;

use crate::error::{Attempt, ClientError, reason};
use crate::http;
use crate::request::{Method, Request};
use crate::settings::Access;
use crate::target::Target;

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Until a connection stands.
    pub connect: Duration,
    /// Until an answer begins that changes nothing, and between its pieces.
    pub answer: Duration,
    /// Until the answer to a change begins: a node waits up to ten seconds for a quorum, and what
    /// it says then is worth having.
    pub change: Duration,
    /// Until the next piece of an upload is taken, or its answer begins.
    pub upload: Duration,
    /// Until the next piece of an event stream, which has a heartbeat every second.
    pub stream: Duration,
    /// Bytes of an answer that is kept.
    pub answer_bytes: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connect: Duration::from_secs(3),
            answer: Duration::from_secs(5),
            change: Duration::from_secs(15),
            upload: Duration::from_secs(60),
            stream: Duration::from_secs(10),
            answer_bytes: 64 * 1024 * 1024,
        }
    }
}

/// What is asked for unless a request says something else.
pub(crate) const JSON: &str = "application/json, */*;q=0.5";

/// Where our nodes say for programs what went wrong.
const CODE: &str = "conduct-error";

/// What of an error's text is kept for people.
const ERROR_BYTES_MAX: u64 = 64 * 1024;

/// A cluster, reached through one or several of its nodes.
#[derive(Debug)]
pub struct Client {
    nodes: Vec<Node>,
    /// The node that answered last is asked first.
    preferred: AtomicUsize,
    pub(crate) limits: Limits,
}

#[derive(Debug)]
struct Node {
    target: Target,
    access: Access,
    http: OnceLock<reqwest::Client>,
}

/// An answer that began well.
#[derive(Debug)]
pub struct Answer {
    pub(crate) url: String,
    pub(crate) response: reqwest::Response,
    limits: Limits,
}

/// How a request for one node is made complete.
type Finish<'a> =
    dyn FnMut(reqwest::RequestBuilder) -> Result<reqwest::RequestBuilder, ClientError> + Send + 'a;

/// Why one node gave no answer.
enum Silence {
    /// The next one may be asked.
    Node(Attempt),
    /// No other node would change that.
    Final(ClientError),
}

impl Client {
    /// A client of the cluster that these nodes belong to. There has to be at least one.
    pub fn new(nodes: impl IntoIterator<Item = (Target, Access)>, limits: Limits) -> Client {
        let nodes: Vec<Node> = nodes
            .into_iter()
            .map(|(target, access)| Node {
                target,
                access,
                http: OnceLock::new(),
            })
            .collect();
        assert!(!nodes.is_empty(), "a cluster has nodes");
        Client {
            nodes,
            preferred: AtomicUsize::new(0),
            limits,
        }
    }

    /// The node that answered last, or will be asked first.
    pub fn target(&self) -> &Target {
        &self.nodes[self.preferred.load(Ordering::Relaxed)].target
    }

    pub(crate) fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// Asks the nodes in turn until one answers. A node that cannot serve right now is passed over
    /// while there are others.
    pub async fn send(&self, request: &Request) -> Result<Answer, ClientError> {
        let name = idempotency_key(request.method);
        let usual = match request.method {
            Method::Get => self.limits.answer,
            Method::Put | Method::Post | Method::Delete => self.limits.change,
        };
        let within = request.within.unwrap_or(usual);
        let says_what = request.headers.iter().any(|(name, _)| *name == "Accept");
        let mut finish = |mut builder: reqwest::RequestBuilder| {
            if !says_what {
                builder = builder.header(ACCEPT, JSON);
            }
            for (header, value) in &request.headers {
                builder = builder.header(*header, value);
            }
            if let Some(name) = &name {
                // Old servers want to be told that there is no body.
                builder = builder
                    .header("Idempotency-Key", name)
                    .header("Content-Length", "0");
            }
            Ok(builder)
        };
        self.in_turn(request, &mut finish, |sent| async move {
            match tokio::time::timeout(within, sent.send()).await {
                Ok(sent) => sent.map_err(|error| reason(&error)),
                Err(_) => Err(no_answer_within(within)),
            }
        })
        .await
    }

    /// Asks the nodes in turn; `perform` sends one request and gives an answer or a reason.
    pub(crate) async fn in_turn<F>(
        &self,
        request: &Request,
        finish: &mut Finish<'_>,
        perform: impl Fn(reqwest::RequestBuilder) -> F,
    ) -> Result<Answer, ClientError>
    where
        F: Future<Output = Result<reqwest::Response, String>>,
    {
        let mut tried = Vec::new();
        let mut unable = None;
        let first = self.preferred.load(Ordering::Relaxed);
        for offset in 0..self.nodes.len() {
            let index = (first + offset) % self.nodes.len();
            let node = &self.nodes[index];
            match self.ask(node, request, finish, &perform).await {
                Ok(answer) => {
                    self.preferred.store(index, Ordering::Relaxed);
                    match answer.succeeded().await {
                        // It may be cut off, and another one may not be.
                        Err(error) if error.status() == Some(503) => {
                            unable.get_or_insert(error);
                        }
                        result => return result,
                    }
                }
                Err(Silence::Node(attempt)) => tried.push(attempt),
                Err(Silence::Final(error)) => return Err(error),
            }
        }
        Err(unable.unwrap_or(ClientError::Unreachable { tried }))
    }

    async fn ask<F>(
        &self,
        node: &Node,
        request: &Request,
        finish: &mut Finish<'_>,
        perform: &impl Fn(reqwest::RequestBuilder) -> F,
    ) -> Result<Answer, Silence>
    where
        F: Future<Output = Result<reqwest::Response, String>>,
    {
        let url = node.target.url(&request.path);
        let http = node.http(&self.limits).map_err(Silence::Final)?;
        let mut builder = match request.method {
            Method::Get => http.get(&url),
            Method::Put => http.put(&url),
            Method::Post => http.post(&url),
            Method::Delete => http.delete(&url),
        };
        if let Some(credentials) = &node.access.credentials {
            builder = builder.basic_auth(&credentials.username, Some(&credentials.password));
        }
        let builder = finish(builder).map_err(Silence::Final)?;
        match perform(builder).await {
            Ok(response) => Ok(Answer {
                url: node.target.root(),
                response,
                limits: self.limits,
            }),
            Err(reason) => Err(Silence::Node(Attempt {
                url: node.target.root(),
                reason,
            })),
        }
    }
}

pub(crate) fn no_answer_within(span: Duration) -> String {
    format!("no answer within {} s", span.as_secs())
}

/// A new name for each change: whichever node hears of it twice knows that it is one.
pub(crate) fn idempotency_key(method: Method) -> Option<String> {
    if method == Method::Get {
        return None;
    }
    let mut bytes = [0; 16];
    // Without randomness from the system there is no name, and a change is not repeatable.
    rand::rngs::SysRng.try_fill_bytes(&mut bytes).ok()?;
    // Marked as random by the bits that the format of such names keeps for that.
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    Some(conduct_model::RequestId::from_u128(u128::from_be_bytes(bytes)).to_string())
}

impl Node {
    fn http(&self, limits: &Limits) -> Result<reqwest::Client, ClientError> {
        if let Some(http) = self.http.get() {
            return Ok(http.clone());
        }
        let http = http::for_node(&self.target, &self.access, limits.connect)?;
        Ok(self.http.get_or_init(|| http).clone())
    }
}

impl Answer {
    pub(crate) fn new(url: String, response: reqwest::Response, limits: Limits) -> Answer {
        Answer {
            url,
            response,
            limits,
        }
    }

    /// The headers.
    pub(crate) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// What it says that its content is, without parameters.
    pub fn content_type(&self) -> String {
        let value = self.headers().get(CONTENT_TYPE);
        let text = value.and_then(|value| value.to_str().ok()).unwrap_or("");
        let kind = text.split(';').next().unwrap_or("");
        kind.trim().to_ascii_lowercase()
    }

    /// Itself, if it is a success; else the error that it tells.
    pub(crate) async fn succeeded(self) -> Result<Answer, ClientError> {
        let status = self.response.status();
        if status.is_success() {
            return Ok(self);
        }
        let (url, limits) = (self.url.clone(), self.limits);
        let code = self.headers().get(CODE).and_then(|code| code.to_str().ok());
        let code = code.unwrap_or("").to_owned();
        // What cannot be read of an error leaves the error that it is.
        let body = Box::pin(self.bytes_up_to(ERROR_BYTES_MAX.min(limits.answer_bytes))).await;
        let body = body.unwrap_or_default();
        Err(ClientError::Status {
            url,
            status: status.as_u16(),
            phrase: status.canonical_reason().unwrap_or("").to_owned(),
            code,
            body: String::from_utf8_lossy(&body).trim().to_owned(),
        })
    }

    /// All of its content.
    pub async fn bytes(self) -> Result<Bytes, ClientError> {
        let max = self.limits.answer_bytes;
        self.bytes_up_to(max).await
    }

    async fn bytes_up_to(mut self, bytes_max: u64) -> Result<Bytes, ClientError> {
        let mut whole = BytesMut::new();
        while let Some(piece) = self.piece(self.limits.answer).await? {
            if (whole.len() + piece.len()) as u64 > bytes_max {
                return Err(ClientError::TooLarge {
                    url: self.url,
                    bytes_max,
                });
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }

    /// The next piece of its content, which has to come within `span`.
    pub(crate) async fn piece(&mut self, span: Duration) -> Result<Option<Bytes>, ClientError> {
        let broken = |reason| ClientError::Broken {
            url: self.url.clone(),
            reason,
        };
        match tokio::time::timeout(span, self.response.chunk()).await {
            Ok(Ok(piece)) => Ok(piece),
            Ok(Err(error)) => Err(broken(reason(&error))),
            Err(_) => Err(broken(format!("nothing more within {} s", span.as_secs()))),
        }
    }

    /// Its content as `what`.
    pub async fn json<T: DeserializeOwned>(
        self,
        what: &'static str,
    ) -> Result<(T, Bytes), ClientError> {
        let url = self.url.clone();
        let bytes = self.bytes().await?;
        match serde_json::from_slice(&bytes) {
            Ok(value) => Ok((value, bytes)),
            Err(source) => Err(ClientError::Malformed { url, what, source }),
        }
    }
}
