//! The status service: instances say here that they are healthy.

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use conduct_model::{BundleId, InstanceId};
use conduct_node::command::Command;
use conduct_node::view::{ExecutionState, View};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::{App, draw};
use crate::error::ApiError;
use crate::services::{Peer, Speaker};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(signal))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SignalQuery {
    /// `true`; there is nothing else to say.
    #[serde(rename = "isStarted")]
    #[param(required = true)]
    is_started: Option<String>,
    /// Which instance says it, where the caller knows.
    instance: Option<String>,
}

/// Says that an instance of this bundle on this node is healthy. Callers go on only when they hear
/// a 2xx; saying it again does no harm.
#[utoipa::path(put, path = "/bundles/{bundle}", tag = "status", operation_id = "signalStart",
    params(("bundle" = String, Path, description = "The value of BUNDLE_ID"), SignalQuery),
    responses(
        (status = 204, description = "The cluster knows"),
        (status = 400, description = "isStarted is not true"),
        (status = 403, description = "The caller is not that instance"),
        (status = 404, description = "No instance of it is on this node"),
        (status = 410, description = "The instance had been given up")))]
pub(crate) async fn signal(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    Path(bundle): Path<String>,
    Query(query): Query<SignalQuery>,
) -> Result<StatusCode, ApiError> {
    match query.is_started.as_deref() {
        Some("true") => {}
        Some(_) => return Err(ApiError::Malformed("isStarted can only be true".to_owned())),
        None => return Err(ApiError::Malformed("say isStarted=true".to_owned())),
    }
    let named = query
        .instance
        .as_deref()
        .map(str::parse::<InstanceId>)
        .transpose();
    let named = named.map_err(|error| ApiError::Malformed(error.to_string()))?;
    let view = app.view().await?;
    let bundle = app.resolve(&view, &bundle)?;
    let instance = speaker(&app, &view, bundle, peer, named)?;
    let command = Command::SignalStarted { instance };
    app.change(draw(), "signal", &instance.to_string(), command)
        .await?;
    app.signals.signalled(instance);
    Ok(StatusCode::NO_CONTENT)
}

/// Which of the bundle's instances on this node speaks. Only one of a system starts at a time, so
/// where nobody can tell, it is the one that starts; where none does, it is a repeated word.
fn speaker(
    app: &App,
    view: &View,
    bundle: BundleId,
    peer: Peer,
    named: Option<InstanceId>,
) -> Result<InstanceId, ApiError> {
    use ExecutionState as S;
    let executions = view.bundles.get(&bundle).map(|bundle| &bundle.executions);
    let mut here: Vec<(bool, InstanceId)> = executions
        .into_iter()
        .flatten()
        .filter(|(_, it)| it.node == view.node && !matches!(it.state, S::Preparing | S::Prepared))
        .filter(|(_, it)| it.state != S::Ended)
        .map(|(id, it)| (it.state != S::Starting, *id))
        .collect();
    here.sort_unstable();
    let among: Vec<InstanceId> = here.iter().map(|(_, id)| *id).collect();
    let absent = || {
        let bundle = bundle.to_string();
        ApiError::NotFound(format!("no instance of bundle {bundle} is on this node"))
    };
    let first = *among.first().ok_or_else(absent)?;
    let stranger = || ApiError::Forbidden("the caller is no instance of this bundle".to_owned());
    match (app.signals.speaker(peer, &among), named) {
        (Speaker::Stranger, _) => Err(stranger()),
        (Speaker::Instance(speaks), Some(named)) if speaks != named => Err(stranger()),
        (Speaker::Instance(speaks), _) => Ok(speaks),
        (Speaker::Untold, Some(named)) if among.contains(&named) => Ok(named),
        (Speaker::Untold, Some(_)) => Err(absent()),
        (Speaker::Untold, None) => Ok(first),
    }
}
