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
    /// The root file system of a container.
    #[error("component {component} has no image that can be run")]
    Image {
        /// Whose.
        component: String,
        /// What is wrong with it.
        source: crate::ImageFailure,
    },
    /// A component of a container kind.
    #[error("component {component} could not be started: {why}")]
    Component {
        /// Which.
        component: String,
        /// What its script, or runc, said.
        why: String,
    },
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
        story(self)
    }
}

/// An error with all its causes, in one line.
pub(crate) fn story(error: &dyn std::error::Error) -> String {
    let mut story = error.to_string();
    let mut cause = error.source();
    while let Some(why) = cause {
        story = format!("{story}: {why}");
        cause = why.source();
    }
    story
}
