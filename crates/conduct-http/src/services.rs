//! What this crate needs of the rest of the daemon besides the brain: disks, logs, other nodes.
//!
//! The daemon introduces them to each other; here stands only what each has to promise.

use std::fs::File;
use std::io::{Read, Seek};
use std::net::SocketAddr;
use std::sync::Arc;

use conduct_api::Stream;
use conduct_model::{BundleId, Digest, InstanceId, NodeKey, Wall};
use conduct_node::event::Event;
use futures_util::future::BoxFuture;
use prometheus_client::registry::Registry;

use crate::handle::NodeHandle;

/// Everything that the interfaces are made of.
pub struct Services {
    /// The brain.
    pub node: NodeHandle,
    /// Where uploads go.
    pub uploads: Arc<dyn UploadStore>,
    /// Where archives come from.
    pub archives: Arc<dyn ArchiveSource>,
    /// What was written and what happened, on this node and others.
    pub journal: Arc<dyn Journal>,
    /// Who must know that an instance signalled.
    pub signals: Arc<dyn Signals>,
    /// What else the daemon measures; what is measured here joins it at `/metrics`.
    pub registry: Registry,
}

/// Takes archives that arrive. All of it may block; it is called on threads that may.
pub trait UploadStore: Send + Sync + 'static {
    /// Begins to take the archive that calls itself `expected`. The brain is told that it arrives.
    fn begin(&self, expected: Digest) -> Result<Box<dyn Upload>, UploadError>;
}

/// An archive that arrives, hashed as it does. Dropped unfinished it leaves nothing behind, and
/// the brain is told that nothing came of it.
pub trait Upload: Send {
    /// Takes the next bytes.
    fn write(&mut self, bytes: &[u8]) -> Result<(), UploadError>;

    /// What came so far hashes to this.
    fn digest(&self) -> Digest;

    /// A look at what came so far, from its start.
    fn reader(&self) -> Result<Box<dyn ReadSeek>, UploadError>;

    /// Makes the archive visible if it is what it calls itself, and syncs it; else nothing of it
    /// stays. When this returns, the brain has been told, before anything that it is told later:
    /// a load that follows finds the archive. Gives its length in bytes.
    fn finish(self: Box<Self>) -> Result<u64, UploadError>;
}

/// Something to read from anywhere in it.
pub trait ReadSeek: Read + Seek + Send {}

impl<T: Read + Seek + Send> ReadSeek for T {}

/// Why an archive was not taken.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// No room is left on this node.
    #[error("this node has no room left for the archive")]
    NoSpace,
    /// It is larger than archives may be.
    #[error("the archive has more than {max_bytes} bytes, which is the most")]
    TooLarge {
        /// The bound.
        max_bytes: u64,
    },
    /// It is not what it calls itself.
    #[error("the archive should be {expected}, its contents hash to {actual}")]
    Digest {
        /// What it calls itself.
        expected: Digest,
        /// What it is.
        actual: Digest,
    },
    /// The disk failed.
    #[error("this node could not write the archive")]
    Disk(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Gives archives for reading.
pub trait ArchiveSource: Send + Sync + 'static {
    /// Opens an archive that is here, or gets it from one of those who hold it.
    fn open(
        &self,
        digest: Digest,
        holders: Vec<NodeKey>,
    ) -> BoxFuture<'_, Result<OpenArchive, SourceError>>;
}

/// An archive, opened at its start.
#[derive(Debug)]
pub struct OpenArchive {
    /// Its bytes.
    pub file: File,
    /// How many.
    pub bytes: u64,
}

/// Why something cannot be had from here or from another node.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Nobody has it.
    #[error("no node that answers has it")]
    Absent,
    /// It is elsewhere, and that node does not answer.
    #[error("node {} does not answer", .0.short())]
    Silent(NodeKey),
    /// It could not be read.
    #[error("it could not be read")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What instances wrote and nodes told, node by node.
pub trait Journal: Send + Sync + 'static {
    /// The newest lines of a bundle's instances on `node`, this one or another, also of instances
    /// that have ended; oldest first.
    fn logs(
        &self,
        node: NodeKey,
        query: LogQuery,
    ) -> BoxFuture<'_, Result<Vec<LogRecord>, SourceError>>;

    /// The newest events that another node told, oldest first. That node answers with
    /// [`Server::events`](crate::Server::events).
    fn events(
        &self,
        node: NodeKey,
        query: EventQuery,
    ) -> BoxFuture<'_, Result<Vec<Arc<Event>>, SourceError>>;
}

/// Which lines are asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogQuery {
    /// Of which bundle's instances.
    pub bundle: BundleId,
    /// Of this instance only.
    pub instance: Option<InstanceId>,
    /// Of none of these.
    pub except: Vec<InstanceId>,
    /// How many at most; the newest.
    pub count: usize,
    /// Not before this moment.
    pub since: Option<Wall>,
    /// Only what was written there.
    pub stream: Option<Stream>,
}

/// A line that an instance wrote.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogRecord {
    /// When.
    pub at: Wall,
    /// Which instance.
    pub instance: InstanceId,
    /// Where.
    pub stream: Stream,
    /// What.
    pub text: String,
}

/// Which events are asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventQuery {
    /// About this bundle only.
    pub bundle: Option<BundleId>,
    /// How many at most; the newest.
    pub count: usize,
    /// Not before this moment.
    pub since: Option<Wall>,
}

/// Start signals, besides what the brain does about them.
pub trait Signals: Send + Sync + 'static {
    /// Which of `among`, instances of one bundle on this node, speaks through a connection.
    fn speaker(&self, connection: Peer, among: &[InstanceId]) -> Speaker;

    /// The brain has taken an instance's signal. Whoever keeps it across a restart of the daemon
    /// keeps it now.
    fn signalled(&self, instance: InstanceId);
}

/// Who speaks through a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Speaker {
    /// This instance, proven by the kernel.
    Instance(InstanceId),
    /// Nobody that may speak for any of them.
    Stranger,
    /// It cannot be told here.
    Untold,
}

/// The two ends of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Peer {
    /// The caller's.
    pub remote: SocketAddr,
    /// Ours.
    pub local: SocketAddr,
}
