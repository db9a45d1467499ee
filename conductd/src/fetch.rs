//! Getting archives from peers: one task each, resumable, visible only when verified.

use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use conduct_model::{Digest, NodeKey};
use conduct_net::{ArchiveSource, Net, NetError, Offer};
use conduct_node::archive::{ArchiveEvent, ArchiveOrder, FetchFailure, GoneWhy};
use conduct_store::{Archives, StoreError, StoreFailure};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, spawn_blocking};

/// Does what the brain orders about archives.
pub(crate) struct Fetcher {
    net: Net,
    archives: Arc<Archives>,
    news: mpsc::Sender<ArchiveEvent>,
    running: Arc<Mutex<BTreeMap<Digest, AbortHandle>>>,
}

impl Fetcher {
    pub(crate) fn new(
        net: Net,
        archives: Arc<Archives>,
        news: mpsc::Sender<ArchiveEvent>,
    ) -> Fetcher {
        Fetcher {
            net,
            archives,
            news,
            running: Arc::default(),
        }
    }

    pub(crate) fn perform(&self, order: &ArchiveOrder) {
        match *order {
            ArchiveOrder::Fetch {
                digest,
                bytes: _,
                from,
            } => self.fetch(digest, from),
            ArchiveOrder::Cancel { digest } => self.cancel(digest),
            ArchiveOrder::Delete { digest } => self.delete(digest),
            // The peer fetches by itself as soon as the archive is announced here; sending it on
            // while it arrives only makes that sooner.
            ArchiveOrder::Forward { .. } => {}
        }
    }

    fn running(&self) -> std::sync::MutexGuard<'_, BTreeMap<Digest, AbortHandle>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a fetch; one that runs already goes on.
    fn fetch(&self, digest: Digest, from: NodeKey) {
        let mut running = self.running();
        if running.contains_key(&digest) {
            return;
        }
        let (net, archives) = (self.net.clone(), Arc::clone(&self.archives));
        let (news, done) = (self.news.clone(), Arc::clone(&self.running));
        let task = tokio::spawn(async move {
            let event = match fetch(&net, archives, digest, from).await {
                Ok(bytes) => ArchiveEvent::Verified { digest, bytes },
                Err(error) => {
                    tracing::info!(archive = %digest.short(), peer = %from.short(), %error,
                        "an archive could not be fetched");
                    ArchiveEvent::FetchFailed {
                        digest,
                        from,
                        why: error.failure(),
                    }
                }
            };
            done.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&digest);
            // The loop that ordered it is gone: the next life asks again.
            let _ = news.send(event).await;
        });
        running.insert(digest, task.abort_handle());
    }

    fn cancel(&self, digest: Digest) {
        if let Some(task) = self.running().remove(&digest) {
            task.abort();
        }
        let archives = Arc::clone(&self.archives);
        spawn_blocking(move || {
            if let Err(error) = archives.abandon_fetch(digest) {
                tracing::warn!(%error, "a part of an archive stays behind");
            }
        });
    }

    fn delete(&self, digest: Digest) {
        let (archives, news) = (Arc::clone(&self.archives), self.news.clone());
        tokio::spawn(async move {
            let deleted = spawn_blocking(move || archives.delete(digest)).await;
            match deleted {
                Ok(Ok(())) => {
                    let gone = ArchiveEvent::Gone {
                        digest,
                        why: GoneWhy::Deleted,
                    };
                    let _ = news.send(gone).await;
                }
                Ok(Err(error)) => tracing::warn!(%error, "an archive could not be deleted"),
                Err(error) => tracing::error!(%error, "deleting an archive panicked"),
            }
        });
    }
}

#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error(transparent)]
    Net(#[from] NetError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the task that writes it panicked")]
    Panicked,
}

impl FetchError {
    fn failure(&self) -> FetchFailure {
        match self {
            FetchError::Net(NetError::NoArchive) => FetchFailure::Absent,
            FetchError::Net(_) => FetchFailure::Unreachable,
            FetchError::Store(StoreError::Digest { .. } | StoreError::TooLarge { .. }) => {
                FetchFailure::Damaged
            }
            FetchError::Store(error) if error.failure() == StoreFailure::NoSpace => {
                FetchFailure::NoSpace
            }
            FetchError::Store(_) | FetchError::Panicked => FetchFailure::Disk,
        }
    }
}

/// Fetches from where the last try stopped; answers the length.
async fn fetch(
    net: &Net,
    archives: Arc<Archives>,
    digest: Digest,
    from: NodeKey,
) -> Result<u64, FetchError> {
    let begin = Arc::clone(&archives);
    let begun = spawn_blocking(move || begin.fetch(digest)).await;
    let mut incoming = begun.map_err(|_| FetchError::Panicked)??;
    let mut reader = net.fetch(from, digest, incoming.length_bytes()).await?;
    while let Some(bytes) = reader.next().await? {
        let written = spawn_blocking(move || incoming.write(&bytes).map(|()| incoming)).await;
        incoming = written.map_err(|_| FetchError::Panicked)??;
    }
    let finished = spawn_blocking(move || incoming.finish(digest)).await;
    Ok(finished.map_err(|_| FetchError::Panicked)??.length_bytes)
}

/// Lets peers read what is here.
pub(crate) struct Shelf(pub(crate) Arc<Archives>);

impl ArchiveSource for Shelf {
    fn open(
        &self,
        archive: Digest,
        offset: u64,
    ) -> Pin<Box<dyn Future<Output = io::Result<Option<Offer>>> + Send + '_>> {
        let archives = Arc::clone(&self.0);
        Box::pin(async move {
            let opened = spawn_blocking(move || archives.read(archive, offset)).await;
            let opened = opened
                .map_err(io::Error::other)?
                .map_err(io::Error::other)?;
            Ok(opened.map(|archive| Offer {
                length_bytes: archive.length_bytes,
                bytes: Box::pin(tokio::fs::File::from_std(archive.file)),
            }))
        })
    }
}
