//! One request: where it goes, what the instance sees of it, and a second try where that cannot
//! do harm.

use std::convert::Infallible;
use std::sync::Arc;

use hyper::body::{Body, Incoming};
use hyper::header::{CONNECTION, HOST, HeaderValue, UPGRADE};
use hyper::http::uri::PathAndQuery;
use hyper::upgrade::OnUpgrade;
use hyper::{Method, Request, Response, StatusCode, Uri, Version};
use hyper_util::rt::TokioIo;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access::Entry;
use crate::activity::Activity;
use crate::answer::{Answer, sentence};
use crate::backend::Backend;
use crate::caller::Caller;
use crate::headers::{for_instance, strip, wanted_protocol};
use crate::live::Live;
use crate::sent::{Idle, Sent, Timed};
use crate::settings::Settings;
use crate::tunnel::{self, Bounds};
use crate::upstream::{Lease, Upstream};

/// Instances that are tried for one request, where it may be tried again.
const INSTANCES_MAX: usize = 2;
/// Kept connections that may turn out to be closed before a request is given up.
const STALE_MAX: usize = 4;

/// Answers requests by the routing in force.
pub(crate) struct Exchange {
    live: watch::Receiver<Arc<Live>>,
    settings: Arc<Settings>,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

/// Why a caller gets a sentence instead of an instance's answer.
enum Refusal {
    /// What it wants is no request that anybody should pass on.
    Unclear,
    /// Only a proxy of another kind does this.
    Method,
    NoRoute,
    NoInstance,
    /// No instance took it, or the one that took it went away.
    Broken,
    /// The instance does not answer.
    Late,
    /// The caller does not go on.
    CallerLate,
}

impl Refusal {
    fn answer(&self) -> (StatusCode, &'static str) {
        match self {
            Refusal::Unclear => (
                StatusCode::BAD_REQUEST,
                "this request has no clear meaning\n",
            ),
            Refusal::Method => (
                StatusCode::METHOD_NOT_ALLOWED,
                "this is no proxy for that\n",
            ),
            Refusal::NoRoute => (StatusCode::NOT_FOUND, "nothing here answers this request\n"),
            Refusal::NoInstance => (
                StatusCode::SERVICE_UNAVAILABLE,
                "no instance can answer for now\n",
            ),
            Refusal::Broken => (StatusCode::BAD_GATEWAY, "the instance went away\n"),
            Refusal::Late => (
                StatusCode::GATEWAY_TIMEOUT,
                "the instance does not answer\n",
            ),
            Refusal::CallerLate => (
                StatusCode::REQUEST_TIMEOUT,
                "the request did not come to its end\n",
            ),
        }
    }
}

/// A request on its way.
struct Outgoing {
    request: Request<Sent>,
    /// Rests from when its content was sent.
    activity: Activity,
}

impl Exchange {
    pub(crate) fn new(
        live: watch::Receiver<Arc<Live>>,
        settings: Arc<Settings>,
        tasks: TaskTracker,
        shutdown: CancellationToken,
    ) -> Exchange {
        Exchange {
            live,
            settings,
            tasks,
            shutdown,
        }
    }

    /// Answers a request, whatever becomes of it.
    pub(crate) async fn answer(
        &self,
        caller: Caller,
        request: Request<Incoming>,
    ) -> Result<Response<Answer>, Infallible> {
        let host = host(&request);
        let host_text = host
            .as_ref()
            .and_then(|host| host.to_str().ok())
            .unwrap_or_default();
        let mut entry = Entry::new(
            self.settings.access_log,
            caller.source,
            request.method(),
            host_text,
            request.uri().path(),
        );
        let version = request.version();
        // Behind these the bytes of the connection are not looked at any more.
        let may_switch =
            request.headers().contains_key(UPGRADE) || request.method() == Method::CONNECT;
        let passed = self.pass(caller, host, request, &mut entry).await;
        let mut response = match passed {
            Ok(passed) => passed.answer(entry),
            Err(refusal) => {
                let (status, text) = refusal.answer();
                entry.status = status.as_u16();
                sentence(status, text, entry)
            }
        };
        let stays = response.status() != StatusCode::SWITCHING_PROTOCOLS;
        let is_last = may_switch || self.shutdown.is_cancelled();
        if is_last && stays && version < Version::HTTP_2 {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(CONNECTION, close);
        }
        Ok(response)
    }

    async fn pass(
        &self,
        caller: Caller,
        host: Option<HeaderValue>,
        mut request: Request<Incoming>,
        entry: &mut Entry,
    ) -> Result<Passed, Refusal> {
        if request.method() == Method::CONNECT {
            return Err(Refusal::Method);
        }
        let is_plain = request.uri().path().is_ascii();
        if !is_plain || host.is_none() && request.version() > Version::HTTP_10 {
            return Err(Refusal::Unclear);
        }
        let live = Arc::clone(&self.live.borrow());
        let name = host.as_ref().map(without_port).unwrap_or_default();
        let path = request.uri().path();
        let chosen = live.router.find(request.method().as_str(), name, path);
        let chosen = chosen.ok_or(Refusal::NoRoute)?;
        let backend = &live.http[chosen.place];
        entry.goes_to(backend.owner());

        let protocol = wanted_protocol(&request);
        let on_caller = protocol.is_some().then(|| hyper::upgrade::on(&mut request));
        let uri = origin_form(request.uri(), chosen.path.as_deref()).ok_or(Refusal::Unclear)?;
        let outgoing = self.outgoing(caller, host.as_ref(), uri, protocol.as_ref(), request);
        let (response, lease) = self.send(backend, outgoing).await?;
        entry.answered_by(lease.upstream.server().0);
        entry.status = response.status().as_u16();
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let on_caller = on_caller.ok_or(Refusal::Broken)?;
            return Ok(Passed::Switched(self.switch(response, lease, on_caller)));
        }
        let idle_max = self.settings.limits.content_idle_max;
        Ok(Passed::Answered {
            response,
            lease,
            idle_max,
        })
    }

    fn outgoing(
        &self,
        caller: Caller,
        host: Option<&HeaderValue>,
        uri: Uri,
        protocol: Option<&HeaderValue>,
        request: Request<Incoming>,
    ) -> Outgoing {
        let (mut parts, content) = request.into_parts();
        parts.uri = uri;
        parts.version = Version::HTTP_11;
        parts.extensions.clear();
        for_instance(
            &mut parts.headers,
            host,
            caller,
            self.settings.trust_forwarded,
        );
        if let Some(protocol) = protocol {
            let upgrade = HeaderValue::from_static("upgrade");
            parts.headers.insert(CONNECTION, upgrade);
            parts.headers.insert(UPGRADE, protocol.clone());
        }
        let activity = Activity::new();
        let sent = if content.is_end_stream() {
            Sent::Nothing
        } else {
            let timed = Timed::new(content, self.settings.limits.content_idle_max);
            Sent::Content(timed.holding(activity.clone()))
        };
        Outgoing {
            request: Request::from_parts(parts, sent),
            activity,
        }
    }

    /// Sends a request to an instance, and to another one if the first did not take it, or went
    /// away and the request may be repeated.
    async fn send(
        &self,
        backend: &Backend,
        outgoing: Outgoing,
    ) -> Result<(Response<Incoming>, Lease), Refusal> {
        let limits = &self.settings.limits;
        let Outgoing {
            mut request,
            activity,
        } = outgoing;
        let mut spare = spare(&request);
        let mut failed: Option<Arc<Upstream>> = None;
        let mut stale = 0;
        let mut instances = 0;
        while instances < INSTANCES_MAX && stale < STALE_MAX {
            let upstream = backend.choose(failed.as_ref()).ok_or(Refusal::NoInstance)?;
            let mut lease = match upstream.lease(limits).await {
                Ok(lease) => lease,
                Err(error) => {
                    let server = upstream.server().0;
                    tracing::debug!(%error, %server, "an instance does not take a connection");
                    upstream.suspect();
                    failed = Some(upstream);
                    instances += 1;
                    continue;
                }
            };
            let sending = lease.sender.try_send_request(request);
            let sent = tokio::select! {
                sent = sending => sent,
                () = activity.rests(limits.answer_time_max) => return Err(Refusal::Late),
            };
            let mut error = match sent {
                Ok(response) => return Ok((response, lease)),
                Err(error) => error,
            };
            if let Some(unsent) = error.take_message() {
                // The kept connection was closed before anything went through it.
                request = unsent;
                stale += 1;
                continue;
            }
            if let Some(refusal) = callers_fault(error.error()) {
                return Err(refusal);
            }
            let Some(again) = spare.take() else {
                return Err(Refusal::Broken);
            };
            request = again;
            failed = Some(upstream);
            instances += 1;
        }
        Err(if instances == 0 {
            Refusal::Broken
        } else {
            Refusal::NoInstance
        })
    }

    /// Joins both connections once they speak something else.
    fn switch(
        &self,
        mut response: Response<Incoming>,
        lease: Lease,
        on_caller: OnUpgrade,
    ) -> Response<()> {
        let on_instance = hyper::upgrade::on(&mut response);
        let protocol = response.headers().get(UPGRADE).cloned();
        let mut switched = Response::new(());
        *switched.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        *switched.headers_mut() = std::mem::take(response.headers_mut());
        strip(switched.headers_mut());
        let upgrade = HeaderValue::from_static("upgrade");
        switched.headers_mut().insert(CONNECTION, upgrade);
        if let Some(protocol) = protocol {
            switched.headers_mut().insert(UPGRADE, protocol);
        }
        let bounds = Bounds {
            idle_max: self.settings.limits.tunnel_idle_max,
            farewell_time_max: self.settings.limits.farewell_time_max,
            shutdown: self.shutdown.clone(),
        };
        // A tunnel may last for days, so nobody waits for it: it is no request any more.
        let sender = lease.sender;
        self.tasks.spawn(async move {
            let joined = async {
                let (caller, instance) = tokio::try_join!(on_caller, on_instance)?;
                drop(sender);
                tunnel::carry(TokioIo::new(caller), TokioIo::new(instance), bounds).await?;
                Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
            };
            if let Err(error) = joined.await {
                tracing::debug!(%error, "a tunnel ended");
            }
        });
        switched
    }
}

/// What came of a request that was passed on.
enum Passed {
    Answered {
        response: Response<Incoming>,
        lease: Lease,
        idle_max: std::time::Duration,
    },
    Switched(Response<()>),
}

impl Passed {
    fn answer(self, entry: Entry) -> Response<Answer> {
        match self {
            Passed::Answered {
                response,
                lease,
                idle_max,
            } => {
                let (mut parts, content) = response.into_parts();
                strip(&mut parts.headers);
                parts.version = Version::HTTP_11;
                parts.extensions.clear();
                let content = Timed::new(content, idle_max);
                Response::from_parts(parts, Answer::relayed(content, lease, entry))
            }
            Passed::Switched(response) => response.map(|()| Answer::Sentence(None, entry)),
        }
    }
}

/// The same request once more, if it may be repeated: one that a server may be asked any number of
/// times, and that has no content which is gone once it was sent.
fn spare(request: &Request<Sent>) -> Option<Request<Sent>> {
    let is_repeatable = matches!(request.body(), Sent::Nothing) && request.method().is_idempotent();
    is_repeatable.then(|| {
        let mut again = Request::new(Sent::Nothing);
        *again.method_mut() = request.method().clone();
        *again.uri_mut() = request.uri().clone();
        *again.version_mut() = request.version();
        *again.headers_mut() = request.headers().clone();
        again
    })
}

fn host(request: &Request<Incoming>) -> Option<HeaderValue> {
    match request.uri().authority() {
        // The port is a part of it, a user is not.
        Some(authority) => {
            let text = authority.as_str();
            let text = text.rsplit_once('@').map_or(text, |(_, host)| host);
            HeaderValue::from_str(text).ok()
        }
        None => request.headers().get(HOST).cloned(),
    }
}

fn without_port(host: &HeaderValue) -> &str {
    let host = host.to_str().unwrap_or_default();
    // Not the colons of [::1].
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Path and query, as an instance is asked.
fn origin_form(uri: &Uri, path: Option<&str>) -> Option<Uri> {
    let path_and_query = match path {
        None => uri.path_and_query()?.clone(),
        Some(path) => match uri.query() {
            Some(query) => PathAndQuery::try_from(format!("{path}?{query}")).ok()?,
            None => PathAndQuery::try_from(path).ok()?,
        },
    };
    Some(Uri::from(path_and_query))
}

/// What the caller did, if it was the caller's content that did not come as it should.
fn callers_fault(error: &hyper::Error) -> Option<Refusal> {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if error.is::<Idle>() {
            return Some(Refusal::CallerLate);
        }
        cause = error.source();
    }
    error.is_user().then_some(Refusal::Unclear)
}
