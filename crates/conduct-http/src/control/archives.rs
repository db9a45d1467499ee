//! The archives of a bundle, as they were loaded.

use axum::body::Body;
use axum::response::Response;
use conduct_bundle::archive::ArchiveName;
use conduct_model::BundleId;
use conduct_node::view::View;

use super::conf::open;
use super::multipart_out::{Part, respond as respond_with};
use crate::app::App;
use crate::error::ApiError;

pub(super) async fn respond(
    app: &App,
    view: &View,
    bundle: BundleId,
) -> Result<Response<Body>, ApiError> {
    let descriptor = view
        .bundles
        .get(&bundle)
        .and_then(|bundle| bundle.descriptor.as_ref());
    let label = descriptor.map_or("bundle", |descriptor| &descriptor.name);
    let mut parts = vec![Part {
        name: "bundle",
        file_name: ArchiveName::new(label, bundle.bundle).to_string(),
        archive: open(app, view, bundle, bundle.bundle).await?,
    }];
    if let Some(digest) = bundle.configuration {
        parts.push(Part {
            name: "configuration",
            file_name: ArchiveName::new(label, digest).to_string(),
            archive: open(app, view, bundle, digest).await?,
        });
    }
    Ok(respond_with(parts))
}
