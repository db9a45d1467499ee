//! Bytes in both directions, when they are no HTTP, or none any more.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional};
use tokio_util::sync::CancellationToken;

use crate::activity::Activity;

/// How long a tunnel goes on, at most.
#[derive(Clone)]
pub(crate) struct Bounds {
    /// Without any bytes.
    pub(crate) idle_max: Duration,
    /// After the daemon was told to stop.
    pub(crate) farewell_time_max: Duration,
    pub(crate) shutdown: CancellationToken,
}

/// Carries bytes until both sides have ended, or nothing has come for too long.
pub(crate) async fn carry(
    caller: impl AsyncRead + AsyncWrite + Unpin,
    mut instance: impl AsyncRead + AsyncWrite + Unpin,
    bounds: Bounds,
) -> io::Result<()> {
    let activity = Activity::new();
    let mut caller = Watched {
        inner: caller,
        activity: activity.clone(),
    };
    let farewell = async {
        bounds.shutdown.cancelled().await;
        tokio::time::sleep(bounds.farewell_time_max).await;
    };
    tokio::select! {
        carried = copy_bidirectional(&mut caller, &mut instance) => carried.map(|_| ()),
        () = activity.rests(bounds.idle_max) => Err(io::ErrorKind::TimedOut.into()),
        () = farewell => Err(io::ErrorKind::Interrupted.into()),
    }
}

/// A connection that tells when something goes through it.
struct Watched<S> {
    inner: S,
    activity: Activity,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = ready!(Pin::new(&mut self.inner).poll_read(cx, buf));
        self.activity.touch();
        Poll::Ready(read)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let wrote = ready!(Pin::new(&mut self.inner).poll_write(cx, bytes));
        self.activity.touch();
        Poll::Ready(wrote)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
