//! What can go wrong while an instance is made ready or started. People read it as the reason.

use std::io;
use std::path::PathBuf;

use conduct_bundle::archive::ArchiveError;

/// Why an instance could not be prepared, started or asked.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// An archive that was verified is not here any more.
    #[error("the archive {0} is not on this node")]
    NoArchive(String),
    /// The archive does not unpack.
    #[error("could not unpack the bundle")]
    Unpack(#[source] ArchiveError),
    /// The descriptor inside does not say what it has to.
    #[error("the bundle's descriptor cannot be used: {0}")]
    Descriptor(String),
    /// A file or folder.
    #[error("could not {what} {path}")]
    File {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// All ports are taken.
    #[error("no port from {first} to {last} is free on {ip}")]
    NoPort {
        /// The first of the range.
        first: u16,
        /// The last of the range.
        last: u16,
        /// Where it would have been bound.
        ip: std::net::IpAddr,
    },
    /// A port that the bundle insists on.
    #[error("port {port} for endpoint {endpoint} is taken by another program")]
    PortTaken {
        /// Which.
        port: u16,
        /// For what.
        endpoint: String,
    },
    /// A kind of component that this node cannot run.
    #[error("this node cannot run components of type {0}")]
    Kind(&'static str),
    /// The shim did not come up.
    #[error("the shim did not start: {0}")]
    Shim(String),
}

impl RuntimeError {
    pub(crate) fn file(
        what: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| RuntimeError::File { what, path, source }
    }

    /// The whole story in one line.
    pub(crate) fn story(&self) -> String {
        let mut story = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(why) = cause {
            story = format!("{story}: {why}");
            cause = why.source();
        }
        story
    }
}
