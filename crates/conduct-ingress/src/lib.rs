//! The ingress: one address for callers, and behind it whatever instances are active now.
//!
//! It is told by a `watch` channel where requests go ([`Routing`]), and tells by another which
//! version of that it has applied: from then on no request reaches an instance that is not in it.
//! Requests that such an instance still has are waited for, though not for ever.
//!
//! ```text
//!  door ── guard ── hyper (HTTP/1.1, HTTP/2) ── exchange ── pool of connections ── instance
//!  port ─────────────────────────────────────── tunnel ─────────────────────────── instance
//! ```
//!
//! It decides nothing: routes, their order and their rewrites are `conduct-proxy`'s.

mod access;
mod activity;
mod answer;
mod backend;
mod caller;
mod door;
mod error;
mod exchange;
mod guarded;
mod headers;
mod live;
mod ports;
mod sent;
mod settings;
mod status;
mod tls;
mod tunnel;
mod upstream;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use error::IngressError;
pub use live::Routing;
pub use settings::{Limits, Settings, TlsFiles};

use door::{Door, Speech};
use exchange::Exchange;
use live::Live;
use ports::Ports;

/// Sockets that listen already, so that whoever bound them knows their ports.
#[derive(Debug)]
pub struct Listeners {
    /// For HTTP.
    pub http: Vec<TcpListener>,
    /// For HTTPS; needs [`Settings::tls`].
    pub https: Vec<TcpListener>,
    /// For `GET /status`.
    pub status: Option<TcpListener>,
}

/// The ingress, being served.
#[derive(Debug)]
pub struct Ingress {
    applied: watch::Receiver<u64>,
    tasks: TaskTracker,
}

impl Ingress {
    /// The version of the routing that is applied, and its changes.
    pub fn applied(&self) -> watch::Receiver<u64> {
        self.applied.clone()
    }

    /// Waits until all connections have ended; that is some seconds after the shutdown began.
    pub async fn ended(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Serves until the shutdown begins.
pub fn serve(
    settings: Settings,
    listeners: Listeners,
    routing: watch::Receiver<Arc<Routing>>,
    shutdown: CancellationToken,
) -> Result<Ingress, IngressError> {
    let tasks = TaskTracker::new();
    let tls = match &settings.tls {
        Some(files) => Some(tls::watch(files.clone(), &tasks, shutdown.clone())?),
        None if listeners.https.is_empty() => None,
        None => return Err(IngressError::NoCertificate),
    };
    let settings = Arc::new(settings);
    let free = door::places(settings.limits.connections_max);
    let (live_in, live) = watch::channel(Arc::new(Live::default()));
    let (applied_in, applied) = watch::channel(0);
    let (open_in, open) = watch::channel(ports::Open::default());
    tasks.spawn(live::follow(
        routing,
        live_in,
        applied_in,
        Arc::clone(&settings),
        shutdown.clone(),
    ));
    tasks.spawn(ports::follow(
        live.clone(),
        open_in,
        Ports {
            settings: Arc::clone(&settings),
            free: Arc::clone(&free),
            tasks: tasks.clone(),
            shutdown: shutdown.clone(),
        },
    ));
    let exchange = Arc::new(Exchange::new(
        live.clone(),
        Arc::clone(&settings),
        tasks.clone(),
        shutdown.clone(),
    ));
    let plain = listeners.http.into_iter().map(|at| (at, Speech::Plain));
    // Without a certificate there are no listeners for it: that was refused above.
    let speech = tls.map(Speech::Tls);
    let secure = listeners.https.into_iter().zip(speech.into_iter().cycle());
    for (listener, speech) in plain.chain(secure) {
        let door = Door {
            listener,
            speech,
            free: Arc::clone(&free),
            exchange: Arc::clone(&exchange),
            settings: Arc::clone(&settings),
            shutdown: shutdown.clone(),
            tasks: tasks.clone(),
        };
        tasks.spawn(door.open());
    }
    if let Some(listener) = listeners.status {
        tasks.spawn(status::serve(listener, live, open, shutdown));
    }
    Ok(Ingress { applied, tasks })
}

/// Binds a listener as the ingress wants it: it can be bound again at once by a next life.
pub fn bind(at: SocketAddr) -> std::io::Result<TcpListener> {
    door::bind(at)
}
