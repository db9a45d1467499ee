//! An archive on its way to the disk.

use std::sync::Arc;

use bytes::Bytes;
use conduct_bundle::archive::find_trailer;
use conduct_model::Digest;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::error::ApiError;
use crate::services::{ReadSeek, Upload, UploadError, UploadStore};

/// Pieces that wait for the disk; the caller waits when there are more.
const PIECES_MAX: usize = 32;
/// The end of an archive that is held back, as it may be a trailer and no part of it.
const HELD_BYTES: usize = 100;

/// The end that feeds the disk's thread. Dropped before its end, the thread drops the upload.
pub(super) struct Spool {
    pieces: mpsc::Sender<Order>,
    thread: JoinHandle<Result<Arrived, UploadError>>,
}

enum Order {
    Write(Bytes),
    End,
}

/// An archive that is what it calls itself, all of it on the disk and not visible yet.
pub(super) struct Arrived {
    upload: Box<dyn Upload>,
    digest: Digest,
}

/// What the disk's thread does.
struct Writing {
    upload: Box<dyn Upload>,
    held: Vec<u8>,
}

impl Spool {
    /// Begins to take the archive that calls itself `expected`.
    pub(super) fn begin(store: Arc<dyn UploadStore>, expected: Digest) -> Spool {
        let (pieces, mut orders) = mpsc::channel(PIECES_MAX);
        let thread = tokio::task::spawn_blocking(move || {
            let upload = store.begin(expected)?;
            let mut writing = Writing {
                upload,
                held: Vec::with_capacity(2 * HELD_BYTES),
            };
            while let Some(order) = orders.blocking_recv() {
                match order {
                    Order::Write(bytes) => writing.write(&bytes)?,
                    Order::End => return writing.end(expected),
                }
            }
            // Nobody asks for this any more; what was written goes with it.
            Err(UploadError::Digest {
                expected,
                actual: writing.upload.digest(),
            })
        });
        Spool { pieces, thread }
    }

    /// Takes the next bytes; waits for the disk where it has to.
    pub(super) async fn write(&mut self, bytes: Bytes) -> Result<(), ApiError> {
        if self.pieces.send(Order::Write(bytes)).await.is_ok() {
            return Ok(());
        }
        // The thread has ended before its time, and says why.
        match (&mut self.thread).await {
            Ok(Err(error)) => Err(error.into()),
            Ok(Ok(_)) => Err(ApiError::Internal("an upload ended too soon".to_owned())),
            Err(error) => Err(ApiError::Internal(error.to_string())),
        }
    }

    /// All has come.
    pub(super) async fn end(self) -> Result<Arrived, ApiError> {
        // A thread that does not hear this has ended, and says why.
        let _ = self.pieces.send(Order::End).await;
        let ended = self
            .thread
            .await
            .map_err(|error| ApiError::Internal(error.to_string()))?;
        Ok(ended?)
    }
}

impl Writing {
    fn write(&mut self, bytes: &[u8]) -> Result<(), UploadError> {
        if bytes.len() >= HELD_BYTES {
            let (sure, held) = bytes.split_at(bytes.len() - HELD_BYTES);
            self.upload.write(&self.held)?;
            self.upload.write(sure)?;
            self.held.clear();
            self.held.extend_from_slice(held);
            return Ok(());
        }
        self.held.extend_from_slice(bytes);
        let surplus = self.held.len().saturating_sub(HELD_BYTES);
        self.upload.write(&self.held[..surplus])?;
        self.held.drain(..surplus);
        Ok(())
    }

    /// The archive without its trailer if that is the one, else all of it.
    fn end(mut self, expected: Digest) -> Result<Arrived, UploadError> {
        let trailer = find_trailer(&self.held).map_or(0, |found| found.bytes as usize);
        let (sure, trailer) = self.held.split_at(self.held.len() - trailer);
        self.upload.write(sure)?;
        let bare = self.upload.digest();
        if bare != expected {
            self.upload.write(trailer)?;
            let whole = self.upload.digest();
            if whole != expected {
                // With a trailer, what stands before it is what people have the digest of.
                return Err(UploadError::Digest {
                    expected,
                    actual: bare,
                });
            }
        }
        Ok(Arrived {
            upload: self.upload,
            digest: expected,
        })
    }
}

impl Arrived {
    pub(super) fn digest(&self) -> Digest {
        self.digest
    }

    pub(super) fn reader(&self) -> Result<Box<dyn ReadSeek>, UploadError> {
        self.upload.reader()
    }

    /// Makes it visible; gives its length.
    pub(super) fn finish(self) -> Result<u64, UploadError> {
        self.upload.finish()
    }
}
