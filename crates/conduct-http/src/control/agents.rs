//! Nodes as runners of instances.

use axum::Json;
use axum::extract::State;
use conduct_api::Agent;

use crate::app::App;
use crate::error::ApiError;
use crate::render;

/// Lists the nodes that run instances, with what they have left.
#[utoipa::path(get, path = "/agents", tag = "members", operation_id = "listAgents",
    responses((status = 200, body = Vec<Agent>)))]
pub(crate) async fn list(State(app): State<App>) -> Result<Json<Vec<Agent>>, ApiError> {
    Ok(Json(render::agents(&*app.view().await?)))
}
