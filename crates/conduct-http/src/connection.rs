//! Connections: how many there may be, how long each part of one may take, how they end.

use std::convert::Infallible;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;

use crate::services::Peer;
use crate::socket::Socket;
use crate::strict::has_content;

/// Connections to one listener.
pub(crate) const CONNECTIONS_MAX: usize = 10_000;
/// Callers that are turned away politely at a time; more are turned away without a word.
const TURNED_AWAY_MAX: usize = 64;
/// From the moment that a connection waits for a request until its head is there. It needs a
/// timer: without one the parser waits for ever.
pub(crate) const HEAD_TIME_MAX: Duration = Duration::from_secs(10);
/// A request's head, as it arrives. The parser keeps no more of any request at a time.
pub(crate) const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Its lines.
pub(crate) const HEADERS_MAX: usize = 64;
/// For the answers that are under way when the daemon stops.
const FAREWELL_TIME_MAX: Duration = Duration::from_secs(5);
/// How long no connection is accepted after the kernel had no file descriptor for one.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

const TURNED_AWAY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    content-type: text/plain; charset=UTF-8\r\nretry-after: 1\r\nconnection: close\r\n\
    content-length: 31\r\n\r\nthere are too many connections\n";

/// A listener and what it answers with.
pub(crate) struct Door {
    pub(crate) listener: TcpListener,
    pub(crate) router: Router,
    pub(crate) connections_max: usize,
    pub(crate) shutdown: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

impl Door {
    /// Accepts connections until the daemon stops.
    pub(crate) async fn open(self) {
        let free = Arc::new(Semaphore::new(self.connections_max));
        let turning_away = Arc::new(Semaphore::new(TURNED_AWAY_MAX));
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = self.shutdown.cancelled() => return,
            };
            match accepted {
                Ok((socket, remote)) => match Arc::clone(&free).try_acquire_owned() {
                    Ok(permit) => self.admit(socket, remote, permit),
                    Err(_) => self.turn_away(socket, &turning_away),
                },
                Err(error) if is_callers(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "no connection can be accepted for now");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn admit(&self, socket: TcpStream, remote: SocketAddr, permit: OwnedSemaphorePermit) {
        let (router, shutdown) = (self.router.clone(), self.shutdown.clone());
        self.tasks.spawn(async move {
            // A caller that is gone already, or that goes away later, is nobody's fault.
            if let Err(error) = serve(socket, remote, router, shutdown).await {
                tracing::debug!(%error, %remote, "a connection ended");
            }
            drop(permit);
        });
    }

    /// Says why, as long as not too many have to be told.
    fn turn_away(&self, socket: TcpStream, turning_away: &Arc<Semaphore>) {
        let Ok(permit) = Arc::clone(turning_away).try_acquire_owned() else {
            return;
        };
        self.tasks.spawn(async move {
            // Nobody is left to tell that this failed.
            let _ = tokio::time::timeout(Duration::from_secs(1), say_goodbye(socket)).await;
            drop(permit);
        });
    }
}

/// What the caller did to its own connection before it was accepted.
fn is_callers(error: &io::Error) -> bool {
    use io::ErrorKind as K;
    matches!(
        error.kind(),
        K::ConnectionAborted | K::ConnectionReset | K::ConnectionRefused | K::Interrupted
    )
}

/// Writes the refusal and reads what the caller still sends, so that it gets to see it.
async fn say_goodbye(socket: TcpStream) -> io::Result<()> {
    let mut socket = socket.into_std()?;
    socket.write_all(TURNED_AWAY)?;
    socket.shutdown(std::net::Shutdown::Write)?;
    let mut rest = TcpStream::from_std(socket)?.take(HEAD_BYTES_MAX as u64);
    tokio::io::copy(&mut rest, &mut tokio::io::sink()).await?;
    Ok(())
}

async fn serve(
    socket: TcpStream,
    remote: SocketAddr,
    router: Router,
    shutdown: CancellationToken,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let peer = Peer {
        remote,
        local: socket.local_addr()?,
    };
    let socket = TokioIo::new(Socket::new(socket)?);
    let service = service_fn(move |request| answer(router.clone(), peer, request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(socket, service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return Ok(ended?),
        () = shutdown.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    tokio::time::timeout(FAREWELL_TIME_MAX, connection).await??;
    Ok(())
}

async fn answer(
    mut router: Router,
    peer: Peer,
    mut request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    request.extensions_mut().insert(peer);
    let is_last = has_content(request.headers());
    let mut response = router.call(request.map(Body::new)).await?;
    if is_last {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    Ok(response)
}
