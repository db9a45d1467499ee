//! Archives between nodes: asked for by digest, from any offset, on a connection of their own.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use conduct_model::{Digest, NodeKey};
use quinn::{Connection, RecvStream, SendStream};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::{Instant, sleep_until, timeout};

use crate::endpoint::{Counters, DONE, Shared};
use crate::error::NetError;

/// What is read from the disk and written to the stream at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// Archives that one peer may fetch at the same time on one connection.
const ANSWER_PATIENCE: Duration = Duration::from_secs(10);

const REQUEST_BYTES: usize = 32 + 8;
const HELD: u8 = 1;
const NOT_HELD: u8 = 0;

/// An archive that is here.
pub struct Offer {
    /// Its whole length.
    pub length_bytes: u64,
    /// The bytes from the offset on that was asked for.
    pub bytes: Pin<Box<dyn AsyncRead + Send>>,
}

/// Where archives are kept. The daemon's store stands behind it.
pub trait ArchiveSource: Send + Sync + 'static {
    /// Opens an archive at an offset; nothing when it is not here or shorter than that.
    fn open(
        &self,
        archive: Digest,
        offset: u64,
    ) -> Pin<Box<dyn Future<Output = io::Result<Option<Offer>>> + Send + '_>>;
}

/// An archive that is coming in. Whether it is what its name says is for the reader to check.
pub struct ArchiveReader {
    /// The archive's whole length.
    pub length_bytes: u64,
    stream: RecvStream,
    /// Closes when the reader is done with it.
    connection: Connection,
}

impl ArchiveReader {
    /// The next bytes; nothing at the end.
    pub async fn next(&mut self) -> Result<Option<bytes::Bytes>, NetError> {
        let waited = timeout(ANSWER_PATIENCE, self.stream.read_chunk(CHUNK_BYTES, true)).await;
        let broken = |why: String| NetError::Unreachable {
            address: self.connection.remote_address(),
            why,
        };
        let chunk = waited.map_err(|_| broken("the archive stopped coming".to_owned()))?;
        let chunk = chunk.map_err(|error| broken(error.to_string()))?;
        Ok(chunk.map(|chunk| chunk.bytes))
    }
}

impl Drop for ArchiveReader {
    fn drop(&mut self) {
        self.connection.close(DONE, b"enough");
    }
}

/// Asks for an archive on a fresh connection.
pub(crate) async fn request(
    connection: Connection,
    archive: Digest,
    offset: u64,
) -> Result<ArchiveReader, NetError> {
    let address = connection.remote_address();
    let broken = |why: String| NetError::Unreachable { address, why };
    let ask = async {
        let (mut send, mut stream) = connection
            .open_bi()
            .await
            .map_err(|error| broken(error.to_string()))?;
        let mut request = archive.as_bytes().to_vec();
        request.extend_from_slice(&offset.to_be_bytes());
        send.write_all(&request)
            .await
            .map_err(|error| broken(error.to_string()))?;
        // Nothing more is asked; a peer that has gone says so by the answer that is missing.
        let _ = send.finish();
        let mut answer = [0; 1 + 8];
        stream
            .read_exact(&mut answer)
            .await
            .map_err(|error| broken(error.to_string()))?;
        Ok::<_, NetError>((stream, answer))
    };
    let asked = timeout(ANSWER_PATIENCE, ask).await;
    let (stream, answer) = asked.map_err(|_| broken("no answer about an archive".to_owned()))??;
    let [status, length @ ..] = answer;
    if status != HELD {
        return Err(NetError::NoArchive);
    }
    Ok(ArchiveReader {
        length_bytes: u64::from_be_bytes(length),
        stream,
        connection,
    })
}

/// Answers what a peer asks for on its archive connection, one archive after the other.
pub(crate) async fn serve(
    shared: &Arc<Shared>,
    connection: Connection,
    peer: NodeKey,
    archives: Arc<dyn ArchiveSource>,
) {
    while let Ok((mut send, mut ask)) = connection.accept_bi().await {
        if let Err(why) = answer(shared, &mut send, &mut ask, archives.as_ref()).await {
            Counters::count(&shared.counters.frames_dropped);
            tracing::debug!(peer = %peer.short(), %why, "an archive was not sent to its end");
        }
    }
}

async fn answer(
    shared: &Shared,
    send: &mut SendStream,
    ask: &mut RecvStream,
    archives: &dyn ArchiveSource,
) -> io::Result<()> {
    let mut request = [0; REQUEST_BYTES];
    ask.read_exact(&mut request)
        .await
        .map_err(io::Error::other)?;
    let (digest, offset) = request.split_at(32);
    let digest = Digest::from_bytes(digest.try_into().map_err(io::Error::other)?);
    let offset = u64::from_be_bytes(offset.try_into().map_err(io::Error::other)?);
    let Some(mut offer) = archives.open(digest, offset).await? else {
        send.write_all(&[NOT_HELD, 0, 0, 0, 0, 0, 0, 0, 0]).await?;
        return send.finish().map_err(io::Error::other);
    };
    send.write_all(&[HELD]).await?;
    send.write_all(&offer.length_bytes.to_be_bytes()).await?;
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut due = Instant::now();
    loop {
        let length = offer.bytes.read(&mut chunk).await?;
        if length == 0 {
            return send.finish().map_err(io::Error::other);
        }
        send.write_all(&chunk[..length]).await?;
        // What was slow on its own is not held up further.
        due = due.max(Instant::now()) + shared.pace.spread(length);
        sleep_until(due).await;
    }
}
