//! Whether this node lives, whether it is of use, and its numbers.

use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::ApiError;

/// The brain answers in microseconds; a node whose brain does not answer in this time is ill.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(2);

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(healthz))
        .routes(routes!(readyz))
        .routes(routes!(metrics))
}

/// Says whether the node lives: its brain answers.
#[utoipa::path(get, path = "/healthz", tag = "health", operation_id = "healthz",
    responses((status = 200, body = String), (status = 503, description = "It does not answer")))]
pub(crate) async fn healthz(State(app): State<App>) -> Result<&'static str, ApiError> {
    let answered = tokio::time::timeout(ANSWER_TIME_MAX, app.view()).await;
    let late = |_| ApiError::Quarantined("the node does not answer in time".to_owned());
    answered.map_err(late)??;
    Ok("ok\n")
}

/// Says whether the node accepts changes: it is part of a majority, and knows its own instances.
#[utoipa::path(get, path = "/readyz", tag = "health", operation_id = "readyz",
    responses((status = 200, body = String), (status = 503, description = "It does not, and why")))]
pub(crate) async fn readyz(State(app): State<App>) -> Result<&'static str, ApiError> {
    let view = app.view().await?;
    app.must_accept(&view)?;
    if view
        .members
        .get(&view.node)
        .is_some_and(|member| member.adopting)
    {
        let text = "the node has just started and is still asking its instances";
        return Err(ApiError::Quarantined(text.to_owned()));
    }
    Ok("ok\n")
}

/// Gives the node's numbers, for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "health", operation_id = "metrics",
    responses((status = 200, body = String,
        content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8")))]
pub(crate) async fn metrics(State(app): State<App>) -> Result<Response, ApiError> {
    let view = app.view().await?;
    let text = app.metrics.text(&app, &view);
    let text = text.map_err(|error| ApiError::Internal(error.to_string()))?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

/// Notes how long each answer took, by the route's pattern: paths of callers would never end.
pub(crate) async fn measure(State(app): State<App>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or_else(|| "other".to_owned(), |route| route.as_str().to_owned());
    let method = match request.method().as_str() {
        known @ ("GET" | "HEAD" | "PUT" | "POST" | "DELETE" | "OPTIONS" | "PATCH") => known,
        _ => "other",
    };
    let method = method.to_owned();
    tracing::debug!(%method, path = request.uri().path(), "request");
    let response = next.run(request).await;
    app.metrics
        .answered(&route, &method, response.status().as_u16(), began.elapsed());
    response
}
