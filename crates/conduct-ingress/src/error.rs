//! Why there is no ingress.

use std::io;
use std::path::PathBuf;

/// Why the ingress cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum IngressError {
    /// HTTPS without anything to prove who we are.
    #[error("there is a port for HTTPS and no certificate for it")]
    NoCertificate,
    /// A file that cannot be read.
    #[error("could not read {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file without what it is for.
    #[error("{path} holds no {what} in PEM form")]
    Pem {
        /// Which.
        path: PathBuf,
        /// What was looked for.
        what: &'static str,
    },
    /// A key that does not belong to the certificate, or is of a kind that nobody uses.
    #[error("the certificate in {path} cannot be used")]
    Certificate {
        /// Where it is.
        path: PathBuf,
        /// Why.
        source: rustls::Error,
    },
}
