//! Why a bundle has fewer instances than wished.

use axum::Json;
use axum::extract::{Path, State};
use conduct_api::{Why, WhyNode};

use crate::app::App;
use crate::error::ApiError;
use crate::render;

/// Says why a bundle has fewer instances than wished: per node the first condition that fails,
/// with its numbers.
#[utoipa::path(get, path = "/bundles/{bundle}/why", tag = "bundles", operation_id = "whyBundle",
    params(("bundle" = String, Path, description = "Id, beginning of an id, name or name:tag")),
    responses(
        (status = 200, body = Why),
        (status = 300, description = "Several bundles answer to it"),
        (status = 404, description = "No bundle answers to it")))]
pub(crate) async fn why(
    State(app): State<App>,
    Path(bundle): Path<String>,
) -> Result<Json<Why>, ApiError> {
    let view = app.view().await?;
    let bundle = app.resolve(&view, &bundle)?;
    let why = app.node.why(bundle).await?;
    let bundle_id = bundle.to_string();
    let Some(why) = why else {
        return Ok(Json(Why {
            bundle_id,
            ..Why::default()
        }));
    };
    let nodes = why.nodes.into_iter().map(|(node, reason)| WhyNode {
        node: node.to_string(),
        host: render::host(&view, node),
        reason,
    });
    Ok(Json(Why {
        bundle_id,
        missing: why.missing,
        overall: why.overall,
        waits: why.waits,
        archive: why.archive,
        nodes: nodes.collect(),
    }))
}
