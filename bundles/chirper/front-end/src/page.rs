//! The files of the page.

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::IntoResponse;
use axum::routing::get;

/// Nothing but what comes from here is run, shown or called.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// One file: its path, its type, its text.
type Asset = (&'static str, &'static str, &'static str);

const ASSETS: &[Asset] = &[
    (
        "/",
        "text/html; charset=utf-8",
        include_str!("../page/index.html"),
    ),
    (
        "/style.css",
        "text/css; charset=utf-8",
        include_str!("../page/style.css"),
    ),
    (
        "/icon.svg",
        "image/svg+xml",
        include_str!("../page/icon.svg"),
    ),
    ("/app.js", SCRIPT, include_str!("../page/app.js")),
    ("/api.js", SCRIPT, include_str!("../page/api.js")),
    ("/live.js", SCRIPT, include_str!("../page/live.js")),
    ("/view.js", SCRIPT, include_str!("../page/view.js")),
];

pub(crate) fn routes() -> Router {
    let mut routes = Router::new();
    for (path, kind, text) in ASSETS {
        routes = routes.route(path, get(move || async move { file(kind, text) }));
    }
    routes.fallback(nothing_here)
}

fn file(kind: &'static str, text: &'static str) -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, kind),
        // A new release of the page is seen at once.
        (CACHE_CONTROL, "no-cache"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    (headers, text)
}

async fn nothing_here() -> impl IntoResponse {
    let told = "There is nothing here. The page of Chirper is at /\n";
    (StatusCode::NOT_FOUND, told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_small() {
        let bytes: usize = ASSETS.iter().map(|(_, _, text)| text.len()).sum();
        assert!(bytes < 100 << 10, "{bytes} bytes");
    }

    #[test]
    fn the_page_has_nothing_that_its_policy_forbids() {
        for (path, _, text) in ASSETS {
            for forbidden in [
                "style=\"",
                "onclick",
                "<script>",
                "innerHTML",
                "eval(",
                "http://",
            ] {
                let text = text.replace("http://www.w3.org/2000/svg", "");
                assert!(!text.contains(forbidden), "{path} has {forbidden}");
            }
        }
    }
}
