//! How every service begins, says who it is, and ends.

use std::future::IntoFuture as _;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::http::HeaderValue;
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::get;
use conduct_bundle_lib::{
    Endpoint, Environment, EnvironmentError, Seed, Termination, log, started_or_exit, termination,
};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Says in every answer which instance gave it.
pub const SERVED_BY: &str = "x-served-by";

/// How long requests may take to end after the word to end. A node waits longer before it kills.
const DRAIN_PATIENCE: Duration = Duration::from_millis(1500);

/// Who answers.
#[derive(Clone, Debug, Serialize)]
pub struct Identity {
    /// The service.
    pub service: &'static str,
    /// Its release: the first tag of its bundle, or that of the program.
    pub version: String,
    /// Where it is reached.
    pub address: SocketAddr,
}

/// A service that has read its environment and serves nobody yet.
pub struct Start {
    /// All that the node said.
    pub environment: Environment,
    /// Who this is.
    pub identity: Identity,
    /// Who else of its system is there.
    pub others: Vec<Seed>,
    /// Is cancelled when the service has to end; whatever lasts must watch it.
    pub ending: CancellationToken,
    bind: SocketAddr,
    termination: Termination,
}

/// A service that accepts connections.
pub struct Serving {
    environment: Environment,
    identity: Identity,
    ending: CancellationToken,
    server: JoinHandle<io::Result<()>>,
    termination: Termination,
}

/// A service cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// What the node said makes no sense.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// Signals cannot be handled.
    #[error("could not listen for signals")]
    Signals(#[source] io::Error),
    /// Somebody else is at this address, or it is none of this machine.
    #[error("could not listen at {address}")]
    Bind {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// Nothing says where the data is.
    #[error("nobody says where data is kept: set CHIRPER_DATA or HOME")]
    NoDataFolder,
}

impl Start {
    /// Reads the environment and sets up the log. The endpoint has the name of the service; outside
    /// a cluster it listens on loopback at `port` unless the same variables say otherwise. The release
    /// is that of the program; a tag of the bundle says more.
    ///
    /// # Errors
    /// If the environment makes no sense.
    pub fn of(
        service: &'static str,
        release: &'static str,
        port: u16,
    ) -> Result<Start, StartError> {
        let environment = Environment::of_process();
        log::init(&environment);
        let termination = termination().map_err(StartError::Signals)?;
        let alone = Endpoint {
            protocol: "http".to_owned(),
            bind: SocketAddr::from(([127, 0, 0, 1], port)),
            public: SocketAddr::from(([127, 0, 0, 1], port)),
            others: Vec::new(),
        };
        let endpoint = environment.endpoint(service)?.unwrap_or(alone);
        let tag = environment.tags().next();
        let version = tag.unwrap_or(release).to_owned();
        Ok(Start {
            identity: Identity {
                service,
                version,
                address: endpoint.public,
            },
            others: endpoint.others,
            bind: endpoint.bind,
            ending: CancellationToken::new(),
            environment,
            termination,
        })
    }

    /// Where data is kept that outlives the instance: `CHIRPER_DATA`, or the place for volumes of
    /// the user who runs it. In both there is a folder per service and per address of a node.
    ///
    /// # Errors
    /// If neither is known.
    pub fn data_folder(&self) -> Result<PathBuf, StartError> {
        let environment = &self.environment;
        let base = match environment.variable("CHIRPER_DATA") {
            Some(folder) => PathBuf::from(folder),
            None => {
                let home = environment.variable("HOME");
                let home = home.ok_or(StartError::NoDataFolder)?;
                let name = environment.bundle_name().unwrap_or("chirper");
                let compatible = environment.variable("BUNDLE_COMPATIBILITY_VERSION");
                PathBuf::from(home)
                    .join(".conductr/volumes")
                    .join(format!("{name}-{}", compatible.unwrap_or("1")))
            }
        };
        let host = self.identity.address.ip().to_string();
        Ok(base.join(self.identity.service).join(host))
    }

    /// Begins to accept connections. In a cluster nobody is sent here before the start is signalled.
    ///
    /// # Errors
    /// If the address cannot be had.
    pub async fn serve(self, routes: Router) -> Result<Serving, StartError> {
        let address = self.bind;
        let listener = TcpListener::bind(address)
            .await
            .map_err(|source| StartError::Bind { address, source })?;
        let routes = routes.merge(about(&self.identity));
        let told = self.ending.clone();
        let server = axum::serve(listener, routes)
            .with_graceful_shutdown(async move { told.cancelled().await });
        let Identity {
            service, version, ..
        } = &self.identity;
        tracing::info!("{service} {version} listens at {address}");
        Ok(Serving {
            environment: self.environment,
            identity: self.identity,
            ending: self.ending,
            server: tokio::spawn(server.into_future()),
            termination: self.termination,
        })
    }
}

impl Serving {
    /// Tells the node that callers may come, or ends the process.
    pub async fn started(&self) {
        let signalled = started_or_exit(&self.environment).await;
        tracing::info!("{} has started ({signalled:?})", self.identity.service);
    }

    /// Serves until the word to end comes; then what was begun is finished, for a moment.
    ///
    /// # Errors
    /// If the server ended by itself.
    pub async fn until_told_to_end(mut self) -> io::Result<()> {
        let word = tokio::select! {
            word = self.termination.told() => word,
            ended = &mut self.server => {
                return ended.unwrap_or_else(|error| Err(io::Error::other(error)));
            }
        };
        tracing::info!("{} ends: {word}", self.identity.service);
        self.ending.cancel();
        match timeout(DRAIN_PATIENCE, &mut self.server).await {
            Ok(ended) => ended.unwrap_or_else(|error| Err(io::Error::other(error))),
            Err(_) => {
                tracing::warn!("some connections were cut: they did not end in time");
                Ok(())
            }
        }
    }
}

/// What can be asked of every service; and its name on every answer.
fn about(identity: &Identity) -> Router {
    let told = identity.clone();
    Router::new().route("/health", get(move || async move { Json(told) }))
}

/// Puts the name of the instance on every answer.
pub fn named(routes: Router, identity: &Identity) -> Router {
    let Identity {
        service,
        version,
        address,
    } = identity;
    let name = HeaderValue::try_from(format!("{service} {version} {address}"));
    // A tag may be anything; one that cannot stand in a header is not shown there.
    let Ok(name) = name else {
        return routes;
    };
    let put = move |mut answer: Response| {
        let name = name.clone();
        async move {
            // An answer that was handed on names the one who gave it.
            answer.headers_mut().entry(SERVED_BY).or_insert(name);
            answer
        }
    };
    routes.layer(map_response(put))
}
