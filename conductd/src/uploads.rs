//! Archives between HTTP and the disk: taking uploads, giving what is here or at a peer.

use std::fs::File;
use std::sync::Arc;

use conduct_http::{
    ArchiveSource, OpenArchive, ReadSeek, SourceError, Upload, UploadError, UploadStore,
};
use conduct_model::{Digest, NodeKey};
use conduct_net::Net;
use conduct_node::archive::ArchiveEvent;
use conduct_store::{Archives, Incoming, StoreError, StoreFailure};
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

/// The archives of this node, as HTTP uses them.
#[derive(Clone)]
pub(crate) struct Uploads {
    pub(crate) archives: Arc<Archives>,
    pub(crate) net: Net,
    pub(crate) news: mpsc::Sender<ArchiveEvent>,
}

impl UploadStore for Uploads {
    fn begin(&self, expected: Digest) -> Result<Box<dyn Upload>, UploadError> {
        let incoming = self.archives.upload().map_err(refused)?;
        let arriving = ArchiveEvent::Arriving {
            digest: expected,
            bytes: None,
        };
        // The loop has ended: so will this upload.
        let _ = self.news.blocking_send(arriving);
        let news = self.news.clone();
        Ok(Box::new(Arriving {
            incoming: Some(incoming),
            expected,
            news,
        }))
    }
}

struct Arriving {
    /// There until it is finished.
    incoming: Option<Incoming>,
    expected: Digest,
    news: mpsc::Sender<ArchiveEvent>,
}

impl Arriving {
    fn incoming(&self) -> &Incoming {
        self.incoming
            .as_ref()
            .expect("only finishing takes it, and that takes all of this")
    }
}

impl Upload for Arriving {
    fn write(&mut self, bytes: &[u8]) -> Result<(), UploadError> {
        let incoming = self.incoming.as_mut();
        incoming
            .expect("only finishing takes it, and that takes all of this")
            .write(bytes)
            .map_err(refused)
    }

    fn digest(&self) -> Digest {
        self.incoming().digest()
    }

    fn reader(&self) -> Result<Box<dyn ReadSeek>, UploadError> {
        let opened = File::open(self.incoming().part());
        Ok(Box::new(
            opened.map_err(|error| UploadError::Disk(Box::new(error)))?,
        ))
    }

    fn finish(mut self: Box<Self>) -> Result<u64, UploadError> {
        let Some(incoming) = self.incoming.take() else {
            return Ok(0);
        };
        match incoming.finish(self.expected) {
            Ok(received) => {
                let verified = ArchiveEvent::Verified {
                    digest: received.digest,
                    bytes: received.length_bytes,
                };
                let _ = self.news.blocking_send(verified);
                Ok(received.length_bytes)
            }
            Err(why) => {
                let _ = self.news.blocking_send(ArchiveEvent::Aborted {
                    digest: self.expected,
                });
                Err(refused(why))
            }
        }
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        if self.incoming.take().is_some() {
            // May be dropped by a task, which must not wait; the brain then learns it from the
            // command that never comes.
            let _ = self.news.try_send(ArchiveEvent::Aborted {
                digest: self.expected,
            });
        }
    }
}

fn refused(why: StoreError) -> UploadError {
    match why {
        StoreError::TooLarge { max_bytes } => UploadError::TooLarge { max_bytes },
        StoreError::Digest { expected, actual } => UploadError::Digest { expected, actual },
        why if why.failure() == StoreFailure::NoSpace => UploadError::NoSpace,
        why => UploadError::Disk(Box::new(why)),
    }
}

impl ArchiveSource for Uploads {
    fn open(
        &self,
        digest: Digest,
        holders: Vec<NodeKey>,
    ) -> BoxFuture<'_, Result<OpenArchive, SourceError>> {
        Box::pin(async move {
            if let Some(open) = self.open_here(digest).await? {
                return Ok(open);
            }
            let mut silent = None;
            for holder in holders {
                match self.take_from(holder, digest).await {
                    Ok(()) => {
                        if let Some(open) = self.open_here(digest).await? {
                            return Ok(open);
                        }
                    }
                    Err(error) => {
                        tracing::info!(peer = %holder.short(), %error, "an archive cannot be had");
                        silent = Some(holder);
                    }
                }
            }
            Err(silent.map_or(SourceError::Absent, SourceError::Silent))
        })
    }
}

impl Uploads {
    async fn open_here(&self, digest: Digest) -> Result<Option<OpenArchive>, SourceError> {
        let archives = Arc::clone(&self.archives);
        let opened = spawn_blocking(move || archives.read(digest, 0)).await;
        let opened = opened.map_err(|error| SourceError::Failed(Box::new(error)))?;
        let opened = opened.map_err(|error| SourceError::Failed(Box::new(error)))?;
        Ok(opened.map(|archive| OpenArchive {
            file: archive.file,
            bytes: archive.length_bytes,
        }))
    }

    /// Brings an archive here that only a peer has.
    async fn take_from(&self, holder: NodeKey, digest: Digest) -> anyhow::Result<()> {
        let mut reader = self.net.fetch(holder, digest, 0).await?;
        let archives = Arc::clone(&self.archives);
        let mut incoming = spawn_blocking(move || archives.upload()).await??;
        while let Some(bytes) = reader.next().await? {
            incoming = spawn_blocking(move || incoming.write(&bytes).map(|()| incoming)).await??;
        }
        let received = spawn_blocking(move || incoming.finish(digest)).await??;
        let bytes = received.length_bytes;
        self.news
            .send(ArchiveEvent::Verified { digest, bytes })
            .await?;
        Ok(())
    }
}
