//! A socket that can be told to lose what comes from, or goes to, some addresses.
//!
//! This is how a person tries a split network on one machine without being root: packets vanish
//! below QUIC, so everything above sees what a cut wire would show it.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};

use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, UdpPoller};

/// The addresses with which nothing is exchanged, and what was lost for it.
#[derive(Clone, Default, Debug)]
pub(crate) struct Cut {
    addresses: Arc<RwLock<BTreeSet<SocketAddr>>>,
    lost: Arc<AtomicU64>,
}

impl Cut {
    pub(crate) fn set(&self, addresses: BTreeSet<SocketAddr>) {
        *self
            .addresses
            .write()
            .unwrap_or_else(PoisonError::into_inner) = addresses;
    }

    pub(crate) fn hides(&self, address: &SocketAddr) -> bool {
        let addresses = self
            .addresses
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        !addresses.is_empty() && addresses.contains(address)
    }

    /// As [`Cut::hides`], for a packet that is lost if so.
    fn loses(&self, address: &SocketAddr) -> bool {
        let hidden = self.hides(address);
        self.lost.fetch_add(u64::from(hidden), Ordering::Relaxed);
        hidden
    }

    /// How many packets were lost.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

/// A socket behind a [`Cut`].
pub(crate) struct Filtered {
    pub(crate) socket: Arc<dyn AsyncUdpSocket>,
    pub(crate) cut: Cut,
}

impl fmt::Debug for Filtered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.socket.fmt(f)
    }
}

impl AsyncUdpSocket for Filtered {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Arc::clone(&self.socket).create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        if self.cut.loses(&transmit.destination) {
            return Ok(());
        }
        self.socket.try_send(transmit)
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        loop {
            let Poll::Ready(received) = self.socket.poll_recv(cx, buffers, metas) else {
                return Poll::Pending;
            };
            let kept = self.keep(buffers, metas, received?);
            if kept > 0 {
                return Poll::Ready(Ok(kept));
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        self.socket.max_transmit_segments()
    }

    fn max_receive_segments(&self) -> usize {
        self.socket.max_receive_segments()
    }

    fn may_fragment(&self) -> bool {
        self.socket.may_fragment()
    }
}

impl Filtered {
    /// Moves what may be seen to the front; answers how much that is.
    fn keep(
        &self,
        buffers: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
        received: usize,
    ) -> usize {
        let mut kept = 0;
        for place in 0..received {
            if self.cut.loses(&metas[place].addr) {
                continue;
            }
            if kept < place {
                metas.swap(kept, place);
                buffers.swap(kept, place);
            }
            kept += 1;
        }
        kept
    }
}
