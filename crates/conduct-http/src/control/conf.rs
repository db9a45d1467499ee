//! The `bundle.conf` of a bundle, with that of its configuration laid over it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::header;
use axum::response::{IntoResponse, Response};
use conduct_bundle::archive::{Archive, Limits};
use conduct_bundle::conf::Conf;
use conduct_model::{BundleId, Digest};
use conduct_node::view::View;

use crate::app::App;
use crate::error::ApiError;
use crate::services::OpenArchive;

/// Texts that are kept: each took an archive to be opened.
const CONFS_MAX: usize = 50;

/// The texts that were asked for last.
#[derive(Debug, Default)]
pub(crate) struct ConfCache {
    kept: Mutex<VecDeque<(BundleId, Arc<str>)>>,
}

impl ConfCache {
    fn get(&self, bundle: BundleId) -> Option<Arc<str>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|(id, _)| *id == bundle)?;
        let found = kept.remove(at)?;
        let text = Arc::clone(&found.1);
        kept.push_back(found);
        Some(text)
    }

    fn put(&self, bundle: BundleId, text: Arc<str>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(id, _)| *id != bundle);
        if kept.len() >= CONFS_MAX {
            kept.pop_front();
        }
        kept.push_back((bundle, text));
    }
}

pub(super) async fn respond(
    app: &App,
    view: &View,
    bundle: BundleId,
) -> Result<Response, ApiError> {
    let text = match app.confs.get(bundle) {
        Some(text) => text,
        None => {
            let text: Arc<str> = merged(app, view, bundle).await?.into();
            app.confs.put(bundle, Arc::clone(&text));
            text
        }
    };
    Ok((
        [(header::CONTENT_TYPE, "application/hocon")],
        text.to_string(),
    )
        .into_response())
}

/// Opens an archive of a bundle, here or from who holds it.
pub(super) async fn open(
    app: &App,
    view: &View,
    bundle: BundleId,
    digest: Digest,
) -> Result<OpenArchive, ApiError> {
    let holders = view
        .bundles
        .get(&bundle)
        .map(|bundle| bundle.installations.clone());
    let opened = app.archives.open(digest, holders.unwrap_or_default()).await;
    opened.map_err(|source| ApiError::Source {
        what: format!("the archive {}", digest.short()),
        source,
    })
}

async fn merged(app: &App, view: &View, bundle: BundleId) -> Result<String, ApiError> {
    let archive = open(app, view, bundle, bundle.bundle).await?;
    let configuration = match bundle.configuration {
        Some(digest) => Some(open(app, view, bundle, digest).await?),
        None => None,
    };
    let read = move || {
        let conf = conf_of(archive)?.unwrap_or_default();
        let overlay = configuration.map(conf_of).transpose()?.flatten();
        let merged = Conf::parse(&conf, overlay.as_deref());
        Ok(merged.map_err(|error| internal(&error))?.render())
    };
    let joined = tokio::task::spawn_blocking(read).await;
    joined.map_err(|error| internal(&error))?
}

fn conf_of(archive: OpenArchive) -> Result<Option<String>, ApiError> {
    let archive =
        Archive::open(archive.file, Limits::default()).map_err(|error| internal(&error))?;
    archive.conf().map_err(|error| internal(&error))
}

/// What was loaded had been read once, so this is a matter of the machine.
fn internal(error: &dyn std::error::Error) -> ApiError {
    ApiError::Internal(format!("the bundle.conf cannot be read: {error}"))
}
