//! An instance, and connections to it that are kept for the next request.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use conduct_proxy::Server;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::sent::Sent;
use crate::settings::Limits;

/// How long an instance that did not take a connection gets none, if there are others.
const SUSPICION: Duration = Duration::from_secs(1);
/// How long a kept connection may need to be done with its last request.
const READY_TIME_MAX: Duration = Duration::from_millis(20);
/// Lines of an answer's head.
const HEADERS_MAX: usize = 256;

/// An instance that requests go to.
#[derive(Debug)]
pub(crate) struct Upstream {
    server: Server,
    /// The one that was used last is at the back.
    kept: Mutex<VecDeque<Kept>>,
    busy: AtomicUsize,
    retired: AtomicBool,
    suspect_until: Mutex<Option<Instant>>,
    is_suspected: AtomicBool,
}

#[derive(Debug)]
struct Kept {
    sender: SendRequest<Sent>,
    since: Instant,
}

/// A connection to an instance for one request; counts as its work until it is dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) upstream: Arc<Upstream>,
    pub(crate) sender: SendRequest<Sent>,
    kept_max: usize,
    _work: Work,
}

/// Something that an instance is busy with.
#[derive(Debug)]
pub(crate) struct Work(Arc<Upstream>);

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is in there is whole after every line that changes it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Upstream {
    pub(crate) fn new(server: Server) -> Upstream {
        Upstream {
            server,
            kept: Mutex::default(),
            busy: AtomicUsize::new(0),
            retired: AtomicBool::new(false),
            suspect_until: Mutex::default(),
            is_suspected: AtomicBool::new(false),
        }
    }

    pub(crate) fn server(&self) -> Server {
        self.server
    }

    /// Notes that it did not take a connection.
    pub(crate) fn suspect(&self) {
        *locked(&self.suspect_until) = Some(Instant::now() + SUSPICION);
        self.is_suspected.store(true, Ordering::Relaxed);
    }

    /// Whether it did not take a connection a moment ago.
    pub(crate) fn is_suspect(&self) -> bool {
        if !self.is_suspected.load(Ordering::Relaxed) {
            return false;
        }
        let is_suspect = locked(&self.suspect_until).is_some_and(|until| until > Instant::now());
        self.is_suspected.store(is_suspect, Ordering::Relaxed);
        is_suspect
    }

    /// Whether it has requests to answer.
    pub(crate) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::SeqCst) > 0
    }

    /// It gets no more requests; connections that were kept for them are closed.
    pub(crate) fn retire(&self) {
        self.retired.store(true, Ordering::SeqCst);
        locked(&self.kept).clear();
    }

    /// Closes connections that were kept for too long.
    pub(crate) fn close_old(&self, max: Duration) {
        let now = Instant::now();
        locked(&self.kept).retain(|kept| now - kept.since < max && !kept.sender.is_closed());
    }

    /// Counts something as its work.
    pub(crate) fn work(self: &Arc<Upstream>) -> Work {
        self.busy.fetch_add(1, Ordering::SeqCst);
        Work(Arc::clone(self))
    }

    /// A connection for one request: one that was kept, or a new one.
    pub(crate) async fn lease(self: &Arc<Upstream>, limits: &Limits) -> io::Result<Lease> {
        let work = self.work();
        let sender = match self.kept(limits.kept_time_max).await {
            Some(sender) => sender,
            None => self.connect(limits).await?,
        };
        Ok(Lease {
            upstream: Arc::clone(self),
            sender,
            kept_max: limits.kept_max,
            _work: work,
        })
    }

    async fn kept(&self, time_max: Duration) -> Option<SendRequest<Sent>> {
        loop {
            let Kept { mut sender, since } = locked(&self.kept).pop_back()?;
            if since.elapsed() >= time_max || sender.is_closed() {
                continue;
            }
            if sender.is_ready() {
                return Some(sender);
            }
            if let Ok(Ok(())) = timeout(READY_TIME_MAX, sender.ready()).await {
                return Some(sender);
            }
        }
    }

    async fn connect(&self, limits: &Limits) -> io::Result<SendRequest<Sent>> {
        let socket = connect(self.server, limits.connect_time_max).await?;
        let mut builder = http1::Builder::new();
        builder.max_headers(HEADERS_MAX);
        let shaken = builder.handshake(TokioIo::new(socket)).await;
        let (sender, connection) = shaken.map_err(io::Error::other)?;
        let server = self.server;
        tokio::spawn(async move {
            if let Err(error) = connection.with_upgrades().await {
                tracing::debug!(%error, server = %server.0, "a connection to an instance ended");
            }
        });
        Ok(sender)
    }
}

/// A connection to an instance.
pub(crate) async fn connect(server: Server, time_max: Duration) -> io::Result<TcpStream> {
    let socket = timeout(time_max, TcpStream::connect(server.0)).await;
    let socket = socket.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    socket.set_nodelay(true)?;
    Ok(socket)
}

impl Lease {
    /// The answer has been read to its end: the connection serves the next request.
    pub(crate) fn finish(self) {
        let Lease {
            upstream,
            sender,
            kept_max,
            ..
        } = self;
        // Asked with the lock held: whoever retires it says so before it takes the lock.
        let mut kept = locked(&upstream.kept);
        let is_over = upstream.retired.load(Ordering::SeqCst) || sender.is_closed();
        if !is_over && kept.len() < kept_max {
            let since = Instant::now();
            kept.push_back(Kept { sender, since });
        }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::SeqCst);
    }
}
