//! The description of all interfaces, as a program reads it.

use axum::http::header;
use axum::response::IntoResponse;
use bytes::Bytes;
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;

use crate::locator;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Conduct",
        version = "2",
        description = "The control API (port 9005), the status service (9007 and 9008) and the \
                       service locator (9008) of every node.\n\nErrors are `text/plain` sentences; \
                       the header `conduct-error` holds a word for programs. The paths below \
                       `/v2` also answer without it.",
        license(name = "MIT OR Apache-2.0"),
    ),
    paths(
        locator::handlers::locate,
        locator::handlers::hosts,
        locator::handlers::host,
        locator::handlers::host_events
    ),
    tags(
        (name = "bundles", description = "Bundles: load, run, stop, unload, look at"),
        (name = "members", description = "Nodes: who is here, who runs what, who leaves"),
        (name = "events", description = "What happens in the cluster"),
        (name = "status", description = "For instances: ports 9007 and 9008"),
        (name = "locator", description = "For instances and their callers: port 9008"),
        (name = "health", description = "For those who watch over nodes"),
        (name = "other", description = "For old clients"),
    )
)]
struct Base;

/// The description to which routes add their own parts.
pub(crate) fn base() -> Document {
    Base::openapi()
}

/// A document, ready to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Served(Bytes);

impl Served {
    pub(crate) fn new(document: &Document) -> Served {
        let text = document.to_pretty_json().expect("the description is texts");
        Served(text.into())
    }
}

impl IntoResponse for Served {
    fn into_response(self) -> axum::response::Response {
        ([(header::CONTENT_TYPE, "application/json")], self.0).into_response()
    }
}
