//! The endpoint: what the daemon holds, and the loop that lets others in.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use conduct_model::{Digest, NodeKey};
use quinn::crypto::rustls::HandshakeData;
use quinn::{Connection, Endpoint, EndpointConfig, Incoming, Runtime, TokioRuntime, VarInt};
use rustls::pki_types::CertificateDer;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

use crate::archive::{self, ArchiveReader, ArchiveSource};
use crate::error::NetError;
use crate::filter::{Cut, Filtered};
use crate::hint::{self, Hint};
use crate::identity::{Identity, NODE_NAME, node_of};
use crate::join::{self, JoinDesk};
use crate::links::{self, Links};
use crate::pace::Pace;
use crate::questions::{self, Answers};
use crate::tls;

/// Handshakes under way at once; a flood of strangers gets no more of our time.
const HANDSHAKES_MAX: usize = 64;

/// Longer than this no honest handshake takes.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(2);

/// How long a closing endpoint stays so that peers can hear of it.
const GOODBYE: Duration = Duration::from_millis(200);

/// How often round trips are looked at for the pace of archives.
const PACE_LOOK: Duration = Duration::from_millis(100);

/// Reasons for closing a connection that the peer can read.
pub(crate) const NO_CERTIFICATE: VarInt = VarInt::from_u32(1);
pub(crate) const STRANGER: VarInt = VarInt::from_u32(2);
pub(crate) const REPLACED: VarInt = VarInt::from_u32(3);
pub(crate) const STUCK: VarInt = VarInt::from_u32(4);
pub(crate) const DONE: VarInt = VarInt::from_u32(0);

/// What an endpoint needs to know.
pub struct Config {
    /// The address of this node's cluster port.
    pub bind: SocketAddr,
    /// Who this node is.
    pub identity: Identity,
    /// Where archives are read from that peers ask for.
    pub archives: Arc<dyn ArchiveSource>,
    /// Who decides about joiners; without one, nobody joins here.
    pub desk: Option<Arc<dyn JoinDesk>>,
    /// Who answers the questions of peers; without one, nobody does.
    pub answers: Option<Arc<dyn Answers>>,
}

/// What comes in.
#[derive(Debug)]
pub enum NetEvent {
    /// A datagram from a proven peer.
    Datagram {
        /// Who sent it.
        from: NodeKey,
        /// What it holds.
        bytes: Bytes,
    },
    /// A whole frame of the peer's ordered stream.
    Frame {
        /// Who sent it.
        from: NodeKey,
        /// What it holds.
        bytes: Bytes,
    },
    /// Nobody of this cluster answered where [`Net::dial`] called.
    DialFailed {
        /// Where.
        address: SocketAddr,
    },
    /// A link came, went, or is being made.
    Link {
        /// The peer at its other end.
        peer: NodeKey,
        /// What happened.
        news: LinkNews,
    },
}

/// What happened to the link with a peer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkNews {
    /// A call is under way: silence means nothing yet.
    Connecting,
    /// Datagrams and frames flow, to and from this address.
    Connected(SocketAddr),
    /// The last connection is gone.
    Lost,
}

/// What an operator wants counted.
#[derive(Default, Debug)]
pub struct Counters {
    /// Handshakes that failed: strangers, other clusters, noise.
    pub handshakes_refused: AtomicU64,
    /// Datagrams that did not fit, or had no connection to go by.
    pub datagrams_unsent: AtomicU64,
    /// Datagrams that came faster than the node could take them.
    pub datagrams_dropped: AtomicU64,
    /// Frames given up because the peer took none for too long.
    pub frames_dropped: AtomicU64,
}

impl Counters {
    pub(crate) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// A node's end of the network. Clones share it; it closes with [`Net::close`].
#[derive(Clone)]
pub struct Net {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) endpoint: Endpoint,
    pub(crate) own: NodeKey,
    pub(crate) node_client: quinn::ClientConfig,
    pub(crate) standing_client: quinn::ClientConfig,
    pub(crate) archive_client: quinn::ClientConfig,
    pub(crate) events: mpsc::Sender<NetEvent>,
    pub(crate) links: Links,
    pub(crate) counters: Counters,
    pub(crate) pace: Pace,
    archives: Arc<dyn ArchiveSource>,
    desk: Option<Arc<dyn JoinDesk>>,
    pub(crate) answers: Option<Arc<dyn Answers>>,
    cut: Cut,
}

impl Net {
    /// Opens the port and lets peers in. Everything that happens goes to `events`.
    pub fn open(config: Config, events: mpsc::Sender<NetEvent>) -> Result<Net, NetError> {
        let cut = Cut::default();
        let endpoint = bind(&config, &cut)?;
        let shared = Arc::new(Shared {
            endpoint,
            own: config.identity.node(),
            node_client: tls::client(&config.identity, tls::NODE)?,
            standing_client: tls::standing_client(&config.identity)?,
            archive_client: tls::client(&config.identity, tls::ARCHIVE)?,
            events,
            links: Links::default(),
            counters: Counters::default(),
            pace: Pace::new(),
            archives: config.archives,
            desk: config.desk,
            answers: config.answers,
            cut,
        });
        tokio::spawn(let_in(Arc::clone(&shared)));
        tokio::spawn(watch_round_trips(Arc::clone(&shared)));
        Ok(Net { shared })
    }

    /// The address that peers reach this node at.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.shared.endpoint.local_addr()
    }

    /// Lets a connection to a peer stand from now on, made again whenever it is lost. Others are
    /// called when there is a frame for them, and left when they are idle.
    pub fn keep(&self, peer: NodeKey) {
        Links::keep(&self.shared, peer);
    }

    /// Lets the connection to a peer go when it is idle.
    pub fn release(&self, peer: NodeKey) {
        self.shared.links.release(peer);
    }

    /// Calls an address without knowing who answers there: a link comes of it, or
    /// [`NetEvent::DialFailed`].
    pub fn dial(&self, address: SocketAddr) {
        tokio::spawn(links::dial(Arc::clone(&self.shared), address));
    }

    /// Notes where a peer is, without keeping a connection to it.
    pub fn found(&self, peer: NodeKey, address: SocketAddr) {
        self.shared.links.found(peer, address);
    }

    /// Sends a datagram by a standing connection, or not at all.
    pub fn datagram(&self, to: NodeKey, bytes: Bytes) {
        let sent = self
            .shared
            .links
            .connection(to)
            .map(|link| link.send_datagram(bytes));
        if !matches!(sent, Some(Ok(()))) {
            Counters::count(&self.shared.counters.datagrams_unsent);
        }
    }

    /// Sends a frame in order after the frames before it, calling the peer if need be. A frame can
    /// still be lost with its connection; whoever needs an answer asks again.
    pub fn frame(&self, to: NodeKey, bytes: Bytes) {
        Links::frame(&self.shared, to, bytes);
    }

    /// Asks the kernel of the peer's machine whether its port is held.
    pub async fn ask_kernel(&self, peer: NodeKey) -> Hint {
        let own = self.shared.endpoint.local_addr();
        match (own, self.shared.links.address(peer)) {
            (Ok(own), Some(address)) if !self.shared.cut.hides(&address) => {
                hint::ask(own, address).await
            }
            _ => Hint::Silent,
        }
    }

    /// Asks a peer for an archive from `offset` on.
    pub async fn fetch(
        &self,
        peer: NodeKey,
        archive: Digest,
        offset: u64,
    ) -> Result<ArchiveReader, NetError> {
        let address = self
            .shared
            .links
            .address(peer)
            .ok_or(NetError::Unknown(peer))?;
        let client = self.shared.archive_client.clone();
        let connection = self.shared.call(client, peer, address).await?;
        archive::request(connection, archive, offset).await
    }

    /// Asks a peer what only it knows.
    pub async fn ask(&self, peer: NodeKey, question: Bytes) -> Result<Bytes, NetError> {
        let connection = match self.shared.links.connection(peer) {
            Some(connection) => connection,
            None => {
                let address = self
                    .shared
                    .links
                    .address(peer)
                    .ok_or(NetError::Unknown(peer))?;
                self.shared
                    .call(self.shared.node_client.clone(), peer, address)
                    .await?
            }
        };
        questions::ask(connection, question).await
    }

    /// Loses everything to and from these addresses, below QUIC, until told otherwise.
    pub fn cut(&self, addresses: BTreeSet<SocketAddr>) {
        self.shared.cut.set(addresses);
    }

    /// How many packets were lost to cuts.
    pub fn packets_cut(&self) -> u64 {
        self.shared.cut.lost()
    }

    /// What was counted since the start.
    pub fn counters(&self) -> &Counters {
        &self.shared.counters
    }

    /// Tells all peers that this end closes, and waits until they could hear it.
    pub async fn close(&self) {
        self.shared.endpoint.close(DONE, b"closing");
        // A peer that misses it finds out by its own time-outs.
        let _ = timeout(GOODBYE, self.shared.endpoint.wait_idle()).await;
    }
}

impl Shared {
    /// Calls `peer` and makes sure that it is who answers.
    pub(crate) async fn call(
        &self,
        client: quinn::ClientConfig,
        peer: NodeKey,
        address: SocketAddr,
    ) -> Result<Connection, NetError> {
        let (connection, actual) = self.call_anyone(client, address).await?;
        if actual != peer {
            connection.close(STRANGER, b"another node was expected here");
            return Err(NetError::Stranger {
                address,
                expected: peer,
                actual,
            });
        }
        Ok(connection)
    }

    /// Calls an address; answers who is there.
    pub(crate) async fn call_anyone(
        &self,
        client: quinn::ClientConfig,
        address: SocketAddr,
    ) -> Result<(Connection, NodeKey), NetError> {
        let unreachable = |why: String| NetError::Unreachable { address, why };
        let connecting = self
            .endpoint
            .connect_with(client, address, NODE_NAME)
            .map_err(|error| unreachable(error.to_string()))?;
        let connection = timeout(HANDSHAKE_PATIENCE, connecting)
            .await
            .map_err(|_| unreachable("no answer".to_owned()))?
            .map_err(|error| unreachable(error.to_string()))?;
        let actual = peer_of(&connection)?;
        Ok((connection, actual))
    }
}

fn bind(config: &Config, cut: &Cut) -> Result<Endpoint, NetError> {
    let failed = |source| NetError::Bind {
        address: config.bind,
        source,
    };
    let socket = std::net::UdpSocket::bind(config.bind).map_err(failed)?;
    let runtime = Arc::new(TokioRuntime);
    let socket = runtime.wrap_udp_socket(socket).map_err(failed)?;
    let filtered = Arc::new(Filtered {
        socket,
        cut: cut.clone(),
    });
    let server = tls::server(&config.identity)?;
    Endpoint::new_with_abstract_socket(EndpointConfig::default(), Some(server), filtered, runtime)
        .map_err(failed)
}

/// The node whose certificate the other end showed.
fn peer_of(connection: &Connection) -> Result<NodeKey, NetError> {
    let shown = connection.peer_identity();
    let chain = shown.and_then(|shown| shown.downcast::<Vec<CertificateDer<'static>>>().ok());
    let first = chain.as_ref().and_then(|chain| chain.first());
    node_of(first.ok_or(NetError::Protocol("no certificate was shown"))?)
}

async fn let_in(shared: Arc<Shared>) {
    let handshakes = Arc::new(Semaphore::new(HANDSHAKES_MAX));
    while let Some(incoming) = shared.endpoint.accept().await {
        let Ok(permit) = Arc::clone(&handshakes).try_acquire_owned() else {
            incoming.refuse();
            continue;
        };
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            match greet(&shared, incoming).await {
                Ok((connection, protocol)) => {
                    drop(permit);
                    serve(shared, connection, &protocol).await;
                }
                Err(why) => {
                    Counters::count(&shared.counters.handshakes_refused);
                    tracing::debug!(%why, "a handshake failed");
                }
            }
        });
    }
}

async fn greet(shared: &Shared, incoming: Incoming) -> Result<(Connection, Vec<u8>), NetError> {
    let address = incoming.remote_address();
    let unreachable = |why: String| NetError::Unreachable { address, why };
    let connecting = incoming
        .accept()
        .map_err(|error| unreachable(error.to_string()))?;
    let connection = timeout(HANDSHAKE_PATIENCE, connecting)
        .await
        .map_err(|_| unreachable("the handshake was not finished".to_owned()))?
        .map_err(|error| unreachable(error.to_string()))?;
    let data = connection.handshake_data();
    let data = data.and_then(|data| data.downcast::<HandshakeData>().ok());
    let protocol = data.and_then(|data| data.protocol).unwrap_or_default();
    if protocol != tls::JOIN && peer_of(&connection).is_err() {
        connection.close(NO_CERTIFICATE, b"a certificate of this cluster is needed");
        return Err(NetError::Protocol("no certificate was shown"));
    }
    if peer_of(&connection).is_ok_and(|peer| peer == shared.own) {
        connection.close(STRANGER, b"this is the node itself");
        return Err(NetError::Protocol("the node called itself"));
    }
    Ok((connection, protocol))
}

async fn serve(shared: Arc<Shared>, connection: Connection, protocol: &[u8]) {
    match (protocol, peer_of(&connection)) {
        (tls::JOIN, _) => match &shared.desk {
            Some(desk) => join::answer(connection, desk.as_ref()).await,
            None => connection.close(NO_CERTIFICATE, b"this node lets nobody join"),
        },
        (tls::ARCHIVE, Ok(peer)) => {
            let archives = Arc::clone(&shared.archives);
            archive::serve(&shared, connection, peer, archives).await;
        }
        (_, Ok(peer)) => Links::admit(&shared, peer, connection),
        (_, Err(_)) => connection.close(NO_CERTIFICATE, b"a certificate is needed"),
    }
}

/// Feeds the pace of archives with the round trips that probes have.
async fn watch_round_trips(shared: Arc<Shared>) {
    let mut look = tokio::time::interval(PACE_LOOK);
    while !shared.events.is_closed() {
        look.tick().await;
        if let Some(slowest) = shared.links.slowest_round_trip() {
            shared.pace.saw(slowest);
        }
    }
}
