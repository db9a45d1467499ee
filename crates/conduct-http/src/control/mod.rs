//! The control API.

mod agents;
mod archives;
mod bundles;
mod conf;
mod elsewhere;
mod journal;
mod load;
mod members;
mod multipart_out;
mod streams;
mod why;

pub(crate) use conf::ConfCache;

use axum::Router;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

/// The routes of one version, without its prefix, and what is written about them.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(bundles::list, load::load))
        .routes(routes!(streams::bundle_events))
        .routes(routes!(bundles::get, bundles::scale, bundles::unload))
        .routes(routes!(journal::logs))
        .routes(routes!(journal::events))
        .routes(routes!(why::why))
        .routes(routes!(members::list, members::join))
        .routes(routes!(streams::member_events))
        .routes(routes!(members::get, members::operate, members::leave))
        .routes(routes!(members::drain, members::undrain))
        .routes(routes!(members::voters, members::force_majority))
        .routes(routes!(agents::list))
        .routes(routes!(streams::agent_events))
        .routes(routes!(journal::all_events))
        .routes(routes!(streams::all_events))
        .routes(routes!(elsewhere::licence, elsewhere::load_licence))
}

/// What is not an interface of this program but of a bundle.
pub(crate) fn elsewhere() -> Router<App> {
    elsewhere::routes()
}
