//! Where callers come in: how many there may be, how long each part of a connection may take, how
//! they end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use conduct_proxy::proxy_protocol::{self, HEADER_BYTES_MAX};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::caller::Caller;
use crate::exchange::Exchange;
use crate::guarded::{Begun, Guarded};
use crate::settings::{Limits, Settings};
use crate::tls::Tls;

/// How long no connection is accepted after the kernel had no file descriptor for one.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// For the first bytes that come before a request: a header of the PROXY protocol, a handshake.
const GREETING_TIME_MAX: Duration = Duration::from_secs(5);
/// Connections that the kernel accepts before we do.
const BACKLOG: u32 = 1024;
/// Lines of a request's head.
const HEADERS_MAX: usize = 128;
/// Requests at a time on one connection of HTTP/2.
const STREAMS_MAX: u32 = 250;
/// What HTTP/2 begins with.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// What is read to tell.
const FIRST_BYTES: usize = 64;
/// For the next request on a connection when the daemon stops.
const LAST_REQUEST_TIME_MAX: Duration = Duration::from_millis(500);
/// What the kernel keeps for a caller that does not read, besides what is on its way.
const UNSENT_BYTES_MAX: u32 = 128 * 1024;

/// What is spoken at a door.
#[derive(Clone)]
pub(crate) enum Speech {
    Plain,
    Tls(Tls),
}

/// A listener and those behind it.
pub(crate) struct Door {
    pub(crate) listener: TcpListener,
    pub(crate) speech: Speech,
    pub(crate) free: Arc<Semaphore>,
    pub(crate) exchange: Arc<Exchange>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

/// Places for so many connections.
pub(crate) fn places(count: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(count))
}

pub(crate) fn bind(at: SocketAddr) -> io::Result<TcpListener> {
    let socket = if at.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    socket.set_reuseaddr(true)?;
    socket.bind(at)?;
    socket.listen(BACKLOG)
}

/// Accepts the next connection, whatever goes wrong with others.
pub(crate) async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            // What the caller did to its own connection before it was accepted.
            Err(error) if is_callers(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "no connection can be accepted for now");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn is_callers(error: &io::Error) -> bool {
    use io::ErrorKind as K;
    matches!(
        error.kind(),
        K::ConnectionAborted | K::ConnectionReset | K::ConnectionRefused | K::Interrupted
    )
}

/// A connection whose caller is known.
pub(crate) type Greeted = (Begun<TcpStream>, Caller);

/// Reads what comes before a connection's own bytes.
pub(crate) async fn greet(
    mut socket: TcpStream,
    source: SocketAddr,
    settings: &Settings,
) -> io::Result<Greeted> {
    socket.set_nodelay(true)?;
    socket2::SockRef::from(&socket).set_tcp_notsent_lowat(UNSENT_BYTES_MAX)?;
    let mut caller = Caller {
        source,
        destination: socket.local_addr()?,
        is_secure: false,
    };
    if !settings.accept_proxy {
        return Ok((Begun::new(Bytes::new(), socket), caller));
    }
    let read = timeout(GREETING_TIME_MAX, proxy_header(&mut socket)).await;
    let (ends, rest) = read.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    if let Some(ends) = ends {
        caller.source = ends.source;
        caller.destination = ends.destination;
    }
    Ok((Begun::new(rest, socket), caller))
}

async fn proxy_header(socket: &mut TcpStream) -> io::Result<(Option<proxy_protocol::Ends>, Bytes)> {
    let mut bytes = BytesMut::with_capacity(HEADER_BYTES_MAX);
    loop {
        match proxy_protocol::read(&bytes).map_err(io::Error::other)? {
            Some(header) => return Ok((header.ends, bytes.split_off(header.bytes).freeze())),
            None if socket.read_buf(&mut bytes).await? == 0 => {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            None => {}
        }
    }
}

impl Door {
    /// Accepts connections until the daemon stops.
    pub(crate) async fn open(self) {
        loop {
            // A caller that finds no place waits in the kernel's queue.
            let place = tokio::select! {
                place = Arc::clone(&self.free).acquire_owned() => place,
                () = self.shutdown.cancelled() => return,
            };
            let Ok(place) = place else {
                return;
            };
            let (socket, source) = tokio::select! {
                accepted = accept(&self.listener) => accepted,
                () = self.shutdown.cancelled() => return,
            };
            self.admit(socket, source, place);
        }
    }

    fn admit(&self, socket: TcpStream, source: SocketAddr, place: OwnedSemaphorePermit) {
        let speech = self.speech.clone();
        let exchange = Arc::clone(&self.exchange);
        let settings = Arc::clone(&self.settings);
        let shutdown = self.shutdown.clone();
        self.tasks.spawn(async move {
            // A caller that is gone already, or that goes away later, is nobody's fault.
            let served = serve(socket, source, speech, exchange, &settings, shutdown).await;
            if let Err(error) = served {
                tracing::debug!(%error, %source, "a connection ended");
            }
            drop(place);
        });
    }
}

type AnyError = Box<dyn std::error::Error + Send + Sync>;

async fn serve(
    socket: TcpStream,
    source: SocketAddr,
    speech: Speech,
    exchange: Arc<Exchange>,
    settings: &Settings,
    shutdown: CancellationToken,
) -> Result<(), AnyError> {
    let (socket, mut caller) = greet(socket, source, settings).await?;
    match speech {
        Speech::Plain => converse(socket, caller, exchange, &settings.limits, shutdown).await,
        Speech::Tls(tls) => {
            let socket = timeout(GREETING_TIME_MAX, tls.acceptor().accept(socket)).await??;
            caller.is_secure = true;
            converse(socket, caller, exchange, &settings.limits, shutdown).await
        }
    }
}

/// Serves HTTP on a connection.
async fn converse<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    mut socket: S,
    caller: Caller,
    exchange: Arc<Exchange>,
    limits: &Limits,
    shutdown: CancellationToken,
) -> Result<(), AnyError> {
    let begun = timeout(limits.head_time_max, beginning(&mut socket)).await??;
    let is_second = begun.len() == PREFACE.len() && begun == PREFACE;
    let socket = Guarded::new(Begun::new(begun, socket), limits.content_idle_max);
    let socket = TokioIo::new(socket);
    let service = service_fn(move |request| {
        let exchange = Arc::clone(&exchange);
        async move { exchange.answer(caller, request).await }
    });
    if is_second {
        let connection = second(limits).serve_connection(socket, service);
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            ended = connection.as_mut() => return Ok(ended?),
            () = shutdown.cancelled() => connection.as_mut().graceful_shutdown(),
        }
        return Ok(timeout(limits.farewell_time_max, connection).await??);
    }
    let connection = first(limits)
        .serve_connection(socket, service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return Ok(ended?),
        () = shutdown.cancelled() => {}
    }
    // A caller may be about to ask once more on its connection. It gets its answer, and with it
    // the word that this was the last.
    if let Ok(ended) = timeout(LAST_REQUEST_TIME_MAX, connection.as_mut()).await {
        return Ok(ended?);
    }
    connection.as_mut().graceful_shutdown();
    Ok(timeout(limits.farewell_time_max, connection).await??)
}

/// The first bytes of a connection: as many as tell whether it speaks HTTP/2.
async fn beginning(socket: &mut (impl AsyncRead + Unpin)) -> io::Result<Bytes> {
    let mut bytes = BytesMut::with_capacity(FIRST_BYTES);
    loop {
        let is_all_preface = bytes.iter().zip(PREFACE).all(|(a, b)| a == b);
        let is_told = !bytes.is_empty() && (!is_all_preface || bytes.len() >= PREFACE.len());
        if is_told {
            return Ok(bytes.freeze());
        }
        let mut rest = (&mut *socket).take((PREFACE.len() - bytes.len()) as u64);
        if rest.read_buf(&mut bytes).await? == 0 {
            return Ok(bytes.freeze());
        }
    }
}

fn first(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time_max)
        .max_headers(HEADERS_MAX)
        .max_buf_size(limits.head_bytes_max);
    builder
}

fn second(limits: &Limits) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(u32::try_from(limits.head_bytes_max).unwrap_or(u32::MAX))
        .keep_alive_interval(limits.content_idle_max)
        .keep_alive_timeout(limits.head_time_max);
    builder
}
