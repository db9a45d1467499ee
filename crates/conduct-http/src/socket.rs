//! A connection's socket, with what the parser behind it does not see to.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

use crate::strict::{Scanner, Verdict};

/// How long a caller may take nothing of what is written to it.
pub(crate) const STALL_TIME_MAX: Duration = Duration::from_secs(14);

/// What the kernel keeps for a caller that does not read, besides what is on its way.
const UNSENT_BYTES_MAX: u32 = 128 * 1024;

/// A socket that spoils what has two meanings, and gives up a caller that does not read.
///
/// A response's stream is not asked for more while its socket takes nothing, so it cannot watch
/// over itself; the connection can, since it waits here.
pub(crate) struct Socket {
    inner: TcpStream,
    scanner: Scanner,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Socket {
    pub(crate) fn new(inner: TcpStream) -> io::Result<Socket> {
        inner.set_nodelay(true)?;
        socket2::SockRef::from(&inner).set_tcp_notsent_lowat(UNSENT_BYTES_MAX)?;
        Ok(Socket {
            inner,
            scanner: Scanner::default(),
            stalled: None,
        })
    }

    /// What a write came to; one that waits for too long came to nothing.
    fn watched<T>(
        &mut self,
        cx: &mut Context<'_>,
        wrote: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if wrote.is_ready() {
            self.stalled = None;
            return wrote;
        }
        let stalled = self
            .stalled
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(STALL_TIME_MAX)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buf))?;
        let new = &mut buf.filled_mut()[before..];
        if let Verdict::Refused(at) = self.scanner.look(new) {
            // No head holds such a byte, so the parser refuses it.
            new[at..].fill(0);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.watched(cx, wrote)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.inner).poll_write_vectored(cx, pieces);
        self.watched(cx, wrote)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
