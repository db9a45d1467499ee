//! Serving: which paths each port answers, and for how long.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use conduct_node::event::Event;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use utoipa::openapi::OpenApi as Document;
use utoipa_axum::router::OpenApiRouter;

use crate::app::{App, Shared, UPLOADS_MAX, draw};
use crate::connection::{CONNECTIONS_MAX, Door};
use crate::control::{self, ConfCache};
use crate::error::{ApiError, plain};
use crate::feed::{self, Feed, STREAMS_MAX, Subscribers};
use crate::guard::{Guard, guard};
use crate::health;
use crate::locator::{self, Locator};
use crate::metrics::Metrics;
use crate::openapi::{self, Served};
use crate::per_view::PerView;
use crate::services::{EventQuery, Services};
use crate::settings::Settings;
use crate::status;

/// The body of everything but a load.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Sockets that listen already, so that whoever bound them knows their ports.
#[derive(Debug)]
pub struct Listeners {
    /// For people and their programs.
    pub control: TcpListener,
    /// For instances.
    pub status: TcpListener,
    /// For instances and those who look for them.
    pub locator: TcpListener,
}

/// The interfaces, being served.
#[derive(Debug)]
pub struct Server {
    feed: Arc<Feed>,
    tasks: TaskTracker,
}

impl Server {
    /// What this node told, for another node that asks for it.
    pub fn events(&self, query: &EventQuery) -> Vec<Arc<Event>> {
        self.feed.events(query)
    }

    /// Waits until all connections have ended; that is some seconds after the shutdown began.
    pub async fn ended(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Serves all interfaces until the shutdown begins.
pub fn serve(
    services: Services,
    settings: Settings,
    listeners: Listeners,
    shutdown: &CancellationToken,
) -> Server {
    let (app, feeding) = assemble(services, settings, shutdown.clone());
    let tasks = TaskTracker::new();
    tasks.spawn(feeding);
    let ports = [
        (listeners.control, control_router(&app)),
        (listeners.status, status_router(&app)),
        (listeners.locator, locator_router(&app)),
    ];
    for (listener, router) in ports {
        let door = Door {
            listener,
            router,
            connections_max: CONNECTIONS_MAX,
            shutdown: shutdown.clone(),
            tasks: tasks.clone(),
        };
        tasks.spawn(door.open());
    }
    Server {
        feed: Arc::clone(&app.feed),
        tasks,
    }
}

/// What the handlers share, and the task that fills the row of events.
pub(crate) fn assemble(
    services: Services,
    settings: Settings,
    shutdown: CancellationToken,
) -> (App, impl Future<Output = ()> + Send + 'static) {
    let feed = Arc::new(Feed::new(format!("{:08x}", draw().as_u128() as u32)));
    let metrics = Arc::new(Metrics::new(services.registry));
    let feeding = feed::run(
        services.node.clone(),
        Arc::clone(&feed),
        Arc::clone(&metrics),
        shutdown.clone(),
    );
    let app = Arc::new(Shared {
        node: services.node,
        uploads: services.uploads,
        archives: services.archives,
        journal: services.journal,
        signals: services.signals,
        subscribers: Subscribers::new(Arc::clone(&feed), STREAMS_MAX, shutdown),
        feed,
        metrics,
        locator: Locator::new(settings.external.clone()),
        slots: Semaphore::new(UPLOADS_MAX),
        listed: PerView::default(),
        confs: ConfCache::default(),
        settings,
    });
    (app, feeding)
}

/// The control API under both of its prefixes, and its description.
fn control_api() -> (Router<App>, Document) {
    let versioned = OpenApiRouter::with_openapi(openapi::base())
        .nest("/v2", control::routes())
        .merge(health::routes());
    let (router, document) = versioned.split_for_parts();
    let (unversioned, _) = control::routes().split_for_parts();
    (
        router.merge(unversioned).merge(control::elsewhere()),
        document,
    )
}

/// The description of all interfaces.
pub(crate) fn document() -> Document {
    let (_, mut document) = control_api();
    let (_, status) = status::routes().split_for_parts();
    // The one path of the status service, told from the bundles of the control API by its port.
    for (path, item) in status.paths.paths {
        document.paths.paths.insert(path, item);
    }
    document
}

pub(crate) fn control_router(app: &App) -> Router {
    let (router, _) = control_api();
    let described = Served::new(&document());
    let router = router.route("/v2/openapi.json", get(move || async move { described }));
    finish(router.fallback(no_such_path), app, app.settings.token)
}

pub(crate) fn status_router(app: &App) -> Router {
    let (router, _) = status::routes().split_for_parts();
    finish(router.fallback(no_such_path), app, None)
}

pub(crate) fn locator_router(app: &App) -> Router {
    let (router, _) = locator::routes().split_for_parts();
    finish(router, app, None)
}

/// Puts around a port's routes what all ports need.
fn finish(router: Router<App>, app: &App, token: Option<conduct_model::Digest>) -> Router {
    let guarded = Arc::new(Guard::new(app.settings.names.clone(), token));
    router
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(map_response(as_plain))
        .layer(from_fn_with_state(Arc::clone(app), health::measure))
        .layer(from_fn_with_state(guarded, guard))
        .with_state(Arc::clone(app))
}

async fn no_such_path() -> ApiError {
    ApiError::NotFound("there is nothing at this path".to_owned())
}

/// Gives the answers of the framework itself the shape of ours.
async fn as_plain(response: Response) -> Response {
    let status = response.status();
    let has_type = response
        .headers()
        .contains_key(axum::http::header::CONTENT_TYPE);
    if status == StatusCode::METHOD_NOT_ALLOWED && !has_type {
        let allow = response.headers().get(axum::http::header::ALLOW).cloned();
        let mut told = plain(status, "this path has no such method\n");
        if let Some(allow) = allow {
            told.headers_mut().insert(axum::http::header::ALLOW, allow);
        }
        return told.into_response();
    }
    response
}
