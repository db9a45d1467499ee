//! The certificate, and the next one when its files change.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::error::IngressError;
use crate::settings::TlsFiles;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// The certificate that is in use now.
#[derive(Clone)]
pub(crate) struct Tls(watch::Receiver<Arc<ServerConfig>>);

impl Tls {
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.0.borrow()))
    }
}

/// When each file was changed, and its size.
type Stamp = [Option<(SystemTime, u64)>; 2];

/// Reads the certificate, and reads it again when it changes.
pub(crate) fn watch(
    files: TlsFiles,
    tasks: &TaskTracker,
    shutdown: CancellationToken,
) -> Result<Tls, IngressError> {
    let stamp = stamp(&files);
    let (config_in, config) = watch::channel(Arc::new(load(&files)?));
    tasks.spawn(follow(files, stamp, config_in, shutdown));
    Ok(Tls(config))
}

async fn follow(
    files: TlsFiles,
    mut seen: Stamp,
    config: watch::Sender<Arc<ServerConfig>>,
    shutdown: CancellationToken,
) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = shutdown.cancelled() => return,
        }
        let files = files.clone();
        let read = tokio::task::spawn_blocking(move || {
            let stamp = stamp(&files);
            (stamp != seen).then(|| (stamp, load(&files)))
        });
        match read.await {
            Ok(Some((stamp, Ok(new)))) => {
                seen = stamp;
                config.send_replace(Arc::new(new));
                tracing::info!("the certificate was read again");
            }
            // The old one stays in use. It may be that only one of two files is there yet: the
            // other one changes the stamp again.
            Ok(Some((stamp, Err(error)))) => {
                seen = stamp;
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(%error, cause, "the changed certificate is not used");
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "the certificate could not be looked at"),
        }
    }
}

fn stamp(files: &TlsFiles) -> Stamp {
    [&files.certificate, &files.key].map(|path| {
        let data = std::fs::metadata(path).ok()?;
        Some((data.modified().ok()?, data.len()))
    })
}

fn load(files: &TlsFiles) -> Result<ServerConfig, IngressError> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect)
        .map_err(|error| unread(&files.certificate, "certificate", error))?;
    if chain.is_empty() {
        return Err(IngressError::Pem {
            path: files.certificate.clone(),
            what: "certificate",
        });
    }
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|error| unread(&files.key, "private key", error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = versions.and_then(|b| b.with_no_client_auth().with_single_cert(chain, key));
    let mut config = config.map_err(|source| IngressError::Certificate {
        path: files.certificate.clone(),
        source,
    })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn unread(path: &Path, what: &'static str, error: pem::Error) -> IngressError {
    let path = path.to_owned();
    match error {
        pem::Error::Io(source) => IngressError::Read { path, source },
        pem::Error::NoItemsFound => IngressError::Pem { path, what },
        other => IngressError::Read {
            path,
            source: io::Error::other(other),
        },
    }
}
