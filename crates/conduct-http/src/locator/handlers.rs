//! Answers to callers of the locator.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{OriginalUri, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use conduct_api::ServiceHost;
use conduct_api::sse::Frame;
use conduct_node::view::View;
use utoipa_axum::router::OpenApiRouter;

use super::path::{Version, Wanted};
use crate::app::App;
use crate::error::{ApiError, plain};
use crate::feed::{Entry, Follow, Told, last_event_id};
use crate::query::values;
use crate::services::Peer;
use crate::status;

/// All that the locator's port answers: start signals too, since that is where instances call.
pub(crate) fn routes() -> OpenApiRouter<App> {
    status::routes().fallback(any)
}

/// Everything that the locator is asked, whatever of its addresses the caller put before it.
pub(crate) async fn any(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    method: Method,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let wanted = Wanted::read(uri.path());
    let wanted = wanted.ok_or_else(|| {
        ApiError::NotFound("ask for /services/<name> or /v2/service-hosts/<name>".to_owned())
    })?;
    if !matches!(wanted, Wanted::Locate { .. }) && !matches!(method, Method::GET | Method::HEAD) {
        return Err(ApiError::NotFound("this can only be read".to_owned()));
    }
    let view = app.node.views().borrow().clone();
    match wanted {
        Wanted::Locate { service, rest } => locate(app, view, peer, &service, rest, &uri).await,
        Wanted::Hosts { service, version } => Ok(hosts(app, view, &service, version).await),
        Wanted::Host {
            service,
            host: ip,
            version,
        } => host(app, view, &service, &ip, version).await,
        Wanted::Events { service, version } => host_events(
            &app,
            service,
            version,
            RawQuery(uri.query().map(str::to_owned)),
            &headers,
        ),
    }
}

/// Sends the caller to an instance of the service: the first segment of the path is dropped, the
/// rest and the query are kept, and so are method and content.
#[utoipa::path(get, path = "/services/{service}/{rest}", tag = "locator", operation_id = "locate",
    params(
        ("service" = String, Path, description = "The service's name"),
        ("rest" = String, Path, description = "What the instance is asked for; may be missing")),
    responses(
        (status = 307, description = "The instance, as `Location`; `Cache-Control` says for how long it may be remembered, if no call to it fails"),
        (status = 404, description = "No instance of it takes calls")))]
pub(crate) async fn locate(
    app: App,
    view: Arc<View>,
    peer: Peer,
    service: &str,
    rest: &str,
    uri: &Uri,
) -> Result<Response, ApiError> {
    let host = app.locator.locate(&view, service, peer.remote.ip()).await;
    let host = host.ok_or_else(|| {
        let shown: String = service
            .chars()
            .filter(|c| !c.is_control())
            .take(64)
            .collect();
        ApiError::NotFound(format!("no instance of the service '{shown}' takes calls"))
    })?;
    let query = uri
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    let location = host.location(&format!("{rest}{query}"));
    let value = HeaderValue::from_str(&location);
    let value = value.map_err(|_| ApiError::Malformed("the path is malformed".to_owned()))?;
    let mut response = plain(
        StatusCode::TEMPORARY_REDIRECT,
        format!("The service is at {location}\n"),
    );
    let age = app.settings.locator_max_age.as_secs();
    let cache = format!("private=\"Location\", max-age={age}");
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, value);
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_str(&cache).expect("a number is fine in a header"),
    );
    Ok(response)
}

/// Lists where instances of the service take calls; nowhere, if there are none. Without `/v2` as
/// texts `"ip:port"`.
#[utoipa::path(get, path = "/v2/service-hosts/{service}", tag = "locator",
    operation_id = "listHosts",
    params(("service" = String, Path, description = "The service's name")),
    responses((status = 200, body = Vec<ServiceHost>)))]
pub(crate) async fn hosts(app: App, view: Arc<View>, service: &str, version: Version) -> Response {
    let hosts = app.locator.hosts(&view, service).await;
    match version {
        Version::One => {
            let texts: Vec<String> = hosts.iter().map(ServiceHost::authority).collect();
            Json(texts).into_response()
        }
        Version::Two => Json(hosts).into_response(),
    }
}

/// Shows where the instance of the service on a host takes calls. Without `/v2` as a text
/// `"ip:port"`.
#[utoipa::path(get, path = "/v2/service-hosts/{service}/{host}", tag = "locator",
    operation_id = "getHost",
    params(
        ("service" = String, Path, description = "The service's name"),
        ("host" = String, Path, description = "The host's address")),
    responses(
        (status = 200, body = ServiceHost),
        (status = 404, description = "No instance of it takes calls there")))]
pub(crate) async fn host(
    app: App,
    view: Arc<View>,
    service: &str,
    ip: &str,
    version: Version,
) -> Result<Response, ApiError> {
    let hosts = app.locator.hosts(&view, service).await;
    let is_there = |host: &&ServiceHost| {
        [&host.ipv4_host, &host.ipv6_host, &host.host_name]
            .iter()
            .any(|it| it.as_deref() == Some(ip))
    };
    let found = hosts.iter().find(is_there).ok_or_else(|| {
        ApiError::NotFound("no instance of this service takes calls there".to_owned())
    })?;
    Ok(match version {
        Version::One => Json(found.authority()).into_response(),
        Version::Two => Json(found).into_response(),
    })
}

/// Follows the instances of the service: `running` and `stopped`, with what the list says of the
/// instance as `data`.
#[utoipa::path(get, path = "/v2/service-hosts/{service}/events", tag = "locator",
    operation_id = "followHosts",
    params(
        ("service" = String, Path, description = "The service's name"),
        ("event" = Option<Vec<String>>, Query, description = "Only `running` or `stopped`"),
        ("Last-Event-ID" = Option<String>, Header, description = "What was seen last")),
    responses(
        (status = 200, content_type = "text/event-stream", body = String),
        (status = 429, description = "Too many streams are open")))]
pub(crate) fn host_events(
    app: &App,
    service: String,
    version: Version,
    RawQuery(query): RawQuery,
    headers: &HeaderMap,
) -> Result<Response<Body>, ApiError> {
    let wanted: BTreeSet<String> = values(query.as_deref(), "event").collect();
    let render = move |entry: &Entry| {
        let Told::Host(change) = &entry.told else {
            return Vec::new();
        };
        let name = if change.running { "running" } else { "stopped" };
        let is_wanted = wanted.is_empty() || wanted.contains(name);
        if change.service != service || !is_wanted {
            return Vec::new();
        }
        let data = match version {
            Version::One => change.host.authority(),
            Version::Two => serde_json::to_string(&change.host).expect("a host is texts"),
        };
        vec![Frame::event(name, data)]
    };
    app.subscribers.follow(Follow {
        last_event_id: last_event_id(headers),
        render: Box::new(render),
    })
}
