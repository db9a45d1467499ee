//! The HTTP library, set up: the only module that knows which one it is and how it is tuned.

use std::path::Path;
use std::sync::Once;
use std::time::Duration;

use reqwest::Certificate;

use crate::error::ClientError;
use crate::settings::Access;
use crate::target::{Scheme, Target};

const USER_AGENT: &str = concat!("conduct/", env!("CARGO_PKG_VERSION"));

/// The library asks for a provider of cryptography by this process-wide registration and panics
/// without one.
fn install_provider() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // It fails only if there is one already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// A connection pool for one node.
pub(crate) fn for_node(
    target: &Target,
    access: &Access,
    connect: Duration,
) -> Result<reqwest::Client, ClientError> {
    install_provider();
    let mut builder = reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(connect)
        .tcp_nodelay(true);
    if target.is_loopback() {
        builder = builder.no_proxy();
    }
    builder = match (&access.ca_file, target.scheme) {
        (Some(file), _) => builder.tls_certs_only(authorities(file)?),
        // Reading this machine's authorities takes longer than a whole request without them.
        (None, Scheme::Http) => builder.tls_certs_only([]),
        (None, Scheme::Https) => builder,
    };
    built(builder)
}

/// A connection pool for whatever else there is to be had.
pub(crate) fn for_anything(
    is_plain: bool,
    connect: Duration,
) -> Result<reqwest::Client, ClientError> {
    install_provider();
    let mut builder = reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(connect);
    if is_plain {
        builder = builder.tls_certs_only([]).no_proxy();
    }
    built(builder)
}

fn built(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, ClientError> {
    builder
        .build()
        .map_err(|error| ClientError::Setup(crate::error::reason(&error)))
}

fn authorities(file: &Path) -> Result<Vec<Certificate>, ClientError> {
    let bytes = std::fs::read(file).map_err(|source| ClientError::File {
        path: file.to_owned(),
        doing: "read",
        source,
    })?;
    match Certificate::from_pem_bundle(&bytes) {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(ClientError::Certificate {
            path: file.to_owned(),
        }),
    }
}
