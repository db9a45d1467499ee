//! Ports of tcp rules: opened when there is somebody behind them, closed when there is not.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use conduct_proxy::proxy_protocol;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::door::{accept, bind, greet};
use crate::live::Live;
use crate::settings::Settings;
use crate::tunnel::{self, Bounds};
use crate::upstream::connect;

/// How long a port that could not be opened is left alone: at first, and at most.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// Instances that are tried for one connection.
const INSTANCES_MAX: usize = 2;

/// Which ports are open, and which could not be opened.
#[derive(Clone, Debug, Default)]
pub(crate) struct Open {
    pub(crate) ports: BTreeSet<NonZeroU16>,
    pub(crate) failed: BTreeMap<NonZeroU16, String>,
}

/// What every port needs.
#[derive(Clone)]
pub(crate) struct Ports {
    pub(crate) settings: Arc<Settings>,
    pub(crate) free: Arc<Semaphore>,
    pub(crate) tasks: TaskTracker,
    pub(crate) shutdown: CancellationToken,
}

/// Opens and closes ports as the routing says.
pub(crate) async fn follow(
    mut live: watch::Receiver<Arc<Live>>,
    told: watch::Sender<Open>,
    ports: Ports,
) {
    let mut open: BTreeMap<NonZeroU16, CancellationToken> = BTreeMap::new();
    let mut pause = RETRY.0;
    loop {
        let wanted: BTreeSet<NonZeroU16> = live.borrow_and_update().tcp.keys().copied().collect();
        open.retain(|port, listening| {
            let stays = wanted.contains(port);
            if !stays {
                listening.cancel();
            }
            stays
        });
        let mut failed = BTreeMap::new();
        for port in &wanted {
            if open.contains_key(port) {
                continue;
            }
            match ports.open(*port, live.clone()) {
                Ok(listening) => {
                    open.insert(*port, listening);
                }
                Err(error) => {
                    tracing::warn!(%error, %port, "a port cannot be opened for a bundle");
                    failed.insert(*port, error.to_string());
                }
            }
        }
        let any_failed = !failed.is_empty();
        told.send_replace(Open {
            ports: open.keys().copied().collect(),
            failed,
        });
        let again = async {
            if any_failed {
                tokio::time::sleep(pause).await;
            } else {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            changed = live.changed() => {
                if changed.is_err() {
                    return;
                }
                pause = RETRY.0;
            }
            () = again => pause = (pause * 2).min(RETRY.1),
            () = ports.shutdown.cancelled() => return,
        }
    }
}

impl Ports {
    fn open(
        &self,
        port: NonZeroU16,
        live: watch::Receiver<Arc<Live>>,
    ) -> io::Result<CancellationToken> {
        let listener = bind(SocketAddr::new(self.settings.bind_host, port.get()))?;
        let listening = self.shutdown.child_token();
        let (ports, until) = (self.clone(), listening.clone());
        self.tasks
            .spawn(async move { ports.listen(port, listener, live, until).await });
        Ok(listening)
    }

    async fn listen(
        &self,
        port: NonZeroU16,
        listener: TcpListener,
        live: watch::Receiver<Arc<Live>>,
        until: CancellationToken,
    ) {
        loop {
            let place = tokio::select! {
                place = Arc::clone(&self.free).acquire_owned() => place,
                () = until.cancelled() => return,
            };
            let Ok(place) = place else {
                return;
            };
            let (socket, source) = tokio::select! {
                accepted = accept(&listener) => accepted,
                () = until.cancelled() => return,
            };
            let (ports, live) = (self.clone(), Arc::clone(&live.borrow()));
            self.tasks.spawn(async move {
                if let Err(error) = ports.pass(port, socket, source, &live).await {
                    tracing::debug!(%error, %source, %port, "a connection ended");
                }
                drop(place);
            });
        }
    }

    async fn pass(
        &self,
        port: NonZeroU16,
        socket: TcpStream,
        source: SocketAddr,
        live: &Live,
    ) -> io::Result<()> {
        let (socket, caller) = greet(socket, source, &self.settings).await?;
        let mut instance = instance(port, live, &self.settings).await?;
        if self.settings.send_proxy.contains(&port) {
            let header = proxy_protocol::write(caller.ends());
            instance.write_all(&header).await?;
        }
        if self.settings.access_log {
            let server = instance.peer_addr()?;
            tracing::info!(target: "access", source = %caller.source, %port, %server);
        }
        let bounds = Bounds {
            idle_max: self.settings.limits.tunnel_idle_max,
            farewell_time_max: self.settings.limits.farewell_time_max,
            shutdown: self.shutdown.clone(),
        };
        tunnel::carry(socket, instance, bounds).await
    }
}

/// A connection to an instance, and to another one if the first does not take it.
async fn instance(port: NonZeroU16, live: &Live, settings: &Settings) -> io::Result<TcpStream> {
    let mut failed = None;
    let mut last = io::Error::from(io::ErrorKind::NotConnected);
    for _ in 0..INSTANCES_MAX {
        let backend = live.tcp.get(&port);
        let Some(upstream) = backend.and_then(|backend| backend.choose(failed.as_ref())) else {
            break;
        };
        match connect(upstream.server(), settings.limits.connect_time_max).await {
            Ok(instance) => return Ok(instance),
            Err(error) => last = error,
        }
        upstream.suspect();
        failed = Some(upstream);
    }
    Err(last)
}
