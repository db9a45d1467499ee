//! What instances wrote and nodes told, put together from all nodes.

mod event;
mod gather;
mod tail;

pub(super) use event::event_line;

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::HeaderValue;
use axum::response::{IntoResponse, Response};
use conduct_api::{EventLine, LogLine, Stream, Timestamp};
use conduct_model::{BundleId, InstanceId};
use conduct_node::event::Event;
use conduct_node::view::{ExecutionState, View};
use serde::Deserialize;

use crate::app::App;
use crate::error::ApiError;
use crate::services::{EventQuery, LogQuery};
use gather::Gathered;

/// Lines or events in an answer.
const COUNT_MAX: usize = 100;
const COUNT_DEFAULT: usize = 10;

/// Which lines are wanted.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LinesQuery {
    /// How many, 1 to 100; the newest.
    #[param(value_type = Option<u32>)]
    count: Option<String>,
    /// Not before this date.
    since: Option<String>,
    /// Only `stdout` or `stderr`.
    stream: Option<String>,
    /// Only of this instance.
    instance: Option<String>,
    /// Only of instances that have ended.
    #[serde(default)]
    previous: bool,
    /// Go on with what comes, as a stream of events.
    #[serde(default)]
    follow: bool,
}

/// Lists the newest lines that a bundle's instances wrote, on whatever node, oldest first; also of
/// instances that have ended. With `follow` it goes on as a stream, an event `line` each.
#[utoipa::path(get, path = "/bundles/{bundle}/logs", tag = "bundles", operation_id = "bundleLogs",
    params(("bundle" = String, Path, description = "Id, beginning of an id, name or name:tag"),
        LinesQuery),
    responses(
        (status = 200, body = Vec<LogLine>),
        (status = 300, description = "Several bundles answer to it"),
        (status = 400, description = "The count is out of range, or another value makes no sense"),
        (status = 404, description = "No bundle answers to it"),
        (status = 503, description = "No node could be asked")))]
pub(crate) async fn logs(
    State(app): State<App>,
    Path(bundle): Path<String>,
    Query(query): Query<LinesQuery>,
) -> Result<Response, ApiError> {
    let view = app.view().await?;
    let bundle = app.resolve(&view, &bundle)?;
    let asked = LogQuery {
        bundle,
        instance: optional("instance", query.instance.as_deref())?,
        except: if query.previous {
            alive(&view, bundle)
        } else {
            Vec::new()
        },
        count: count(query.count.as_deref(), &bundle.to_string())?,
        since: optional::<Timestamp>("since", query.since.as_deref())?.map(|since| since.0),
        stream: stream(query.stream.as_deref())?,
    };
    if query.follow {
        return tail::follow_logs(app, asked);
    }
    let gathered = gather::logs(&app, &view, &asked).await?;
    let lines: Vec<LogLine> = gathered.items.iter().map(|it| it.line(&view)).collect();
    Ok(respond(&gathered, Json(lines)))
}

/// Which events are wanted.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsQuery {
    /// How many, 1 to 100; the newest.
    #[param(value_type = Option<u32>)]
    count: Option<String>,
    /// Not before this date.
    since: Option<String>,
    /// Go on with what comes, as a stream of events.
    #[serde(default)]
    follow: bool,
}

/// Lists the newest events about a bundle, from all nodes, oldest first. With `follow` it goes on
/// as a stream.
#[utoipa::path(get, path = "/bundles/{bundle}/events", tag = "bundles",
    operation_id = "bundleEvents",
    params(("bundle" = String, Path, description = "Id, beginning of an id, name or name:tag"),
        EventsQuery),
    responses(
        (status = 200, body = Vec<EventLine>),
        (status = 300, description = "Several bundles answer to it"),
        (status = 400, description = "The count is out of range, or another value makes no sense"),
        (status = 404, description = "No bundle answers to it")))]
pub(crate) async fn events(
    State(app): State<App>,
    Path(bundle): Path<String>,
    Query(query): Query<EventsQuery>,
) -> Result<Response, ApiError> {
    let view = app.view().await?;
    let bundle = app.resolve(&view, &bundle)?;
    respond_with_events(app, &view, Some(bundle), &query).await
}

/// Lists the newest events, from all nodes, oldest first. With `follow` it goes on as a stream.
#[utoipa::path(get, path = "/events", tag = "events", operation_id = "listEvents",
    params(EventsQuery),
    responses(
        (status = 200, body = Vec<EventLine>),
        (status = 400, description = "The count is out of range, or another value makes no sense")))]
pub(crate) async fn all_events(
    State(app): State<App>,
    Query(query): Query<EventsQuery>,
) -> Result<Response, ApiError> {
    let view = app.view().await?;
    respond_with_events(app, &view, None, &query).await
}

async fn respond_with_events(
    app: App,
    view: &View,
    bundle: Option<BundleId>,
    query: &EventsQuery,
) -> Result<Response, ApiError> {
    let subject = bundle.map_or_else(|| "the cluster".to_owned(), |bundle| bundle.to_string());
    let asked = EventQuery {
        bundle,
        count: count(query.count.as_deref(), &subject)?,
        since: optional::<Timestamp>("since", query.since.as_deref())?.map(|since| since.0),
    };
    if query.follow {
        return tail::follow_events(app, asked);
    }
    let gathered = gather::events(&app, view, &asked).await?;
    let line = |event: &Arc<Event>| event_line(view, event);
    let lines: Vec<EventLine> = gathered.items.iter().map(line).collect();
    Ok(respond(&gathered, Json(lines)))
}

/// Names the nodes that should have been asked and did not answer.
fn respond<T>(gathered: &Gathered<T>, body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    if !gathered.silent.is_empty()
        && let Ok(silent) = HeaderValue::from_str(&gathered.silent.join(","))
    {
        response.headers_mut().insert("conduct-silent", silent);
    }
    response
}

fn alive(view: &View, bundle: BundleId) -> Vec<InstanceId> {
    let bundle = view.bundles.get(&bundle);
    let executions = bundle.into_iter().flat_map(|bundle| &bundle.executions);
    let alive = executions.filter(|(_, execution)| execution.state != ExecutionState::Ended);
    alive.map(|(instance, _)| *instance).collect()
}

fn count(text: Option<&str>, subject: &str) -> Result<usize, ApiError> {
    let Some(text) = text else {
        return Ok(COUNT_DEFAULT);
    };
    let count = text
        .parse()
        .ok()
        .filter(|count| (1..=COUNT_MAX).contains(count));
    count.ok_or_else(|| {
        ApiError::Malformed(format!(
            "'{}' was asked for of {subject}, count is a number from 1 to {COUNT_MAX}",
            harmless(text)
        ))
    })
}

fn optional<T: std::str::FromStr>(name: &str, text: Option<&str>) -> Result<Option<T>, ApiError>
where
    T::Err: std::fmt::Display,
{
    let parsed = text.map(str::parse).transpose();
    parsed.map_err(|error| ApiError::Malformed(format!("{name}: {error}")))
}

fn stream(text: Option<&str>) -> Result<Option<Stream>, ApiError> {
    match text {
        None => Ok(None),
        Some("stdout") => Ok(Some(Stream::Stdout)),
        Some("stderr") => Ok(Some(Stream::Stderr)),
        Some(other) => Err(ApiError::Malformed(format!(
            "stream is stdout or stderr, not '{}'",
            harmless(other)
        ))),
    }
}

fn harmless(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(32).collect()
}
