//! Paths that belong to others: to bundles that an operator may run, and to a licence that nobody
//! needs.

use axum::Router;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};

use crate::app::App;
use crate::error::ApiError;

/// The service that deploys continuously.
const DEPLOYMENTS: &str = "deployments";
/// The service that shows the cluster in a browser.
const VISUALIZER: &str = "visualizer";

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/v2/deployments", any(deployments))
        .route("/v2/deployments/{*rest}", any(deployments))
        .route("/deployments", any(deployments))
        .route("/deployments/{*rest}", any(deployments))
        .route("/", get(visualizer))
}

async fn deployments(
    State(app): State<App>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, ApiError> {
    send_on(&app, DEPLOYMENTS, &uri)
}

async fn visualizer(
    State(app): State<App>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, ApiError> {
    send_on(&app, VISUALIZER, &uri)
}

/// Sends the caller to the service. Its answer does not pass through here: a page that a bundle
/// made must not come from the address of the control API, or it could call it.
fn send_on(app: &App, service: &str, uri: &Uri) -> Result<Response, ApiError> {
    let view = app.node.views().borrow().clone();
    let routes = app.locator.routes(&view);
    let Some(host) = routes.all(service).next() else {
        return Err(ApiError::NotFound(format!(
            "this path belongs to the service '{service}', and no bundle that offers it is running"
        )));
    };
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let location = HeaderValue::from_str(&host.location(path));
    let location = location.map_err(|_| ApiError::Malformed("the path is malformed".to_owned()))?;
    let headers = [(header::LOCATION, location)];
    Ok((StatusCode::TEMPORARY_REDIRECT, headers).into_response())
}

/// Old clients ask for a licence and go on without one when there is none.
#[utoipa::path(get, path = "/license", tag = "other", operation_id = "getLicense",
    responses((status = 404, description = "There are no licences here")))]
pub(crate) async fn licence() -> ApiError {
    ApiError::NotFound("there are no licences here, and none is needed".to_owned())
}

/// Old clients may bring a licence.
#[utoipa::path(post, path = "/license", tag = "other", operation_id = "loadLicense",
    responses((status = 404, description = "There are no licences here")))]
pub(crate) async fn load_licence() -> ApiError {
    licence().await
}
