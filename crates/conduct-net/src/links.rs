//! One peer, one link: the connections there are, the one that is being made, what waits for it.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use conduct_model::NodeKey;
use quinn::{ClientConfig, Connection, RecvStream, SendStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::endpoint::{Counters, LinkNews, NetEvent, REPLACED, STUCK, Shared};
use crate::error::NetError;
use crate::questions;

/// Two nodes that call each other at once make two; one more comes while an old one dies.
const CONNECTIONS_PER_PEER_MAX: usize = 3;

/// Frames that wait for a peer to take them, in number and in bytes.
const FRAMES_WAITING_MAX: usize = 256;
const FRAME_BYTES_MAX: usize = 1024 * 1024;

/// A peer that takes no byte of a frame for so long has its connection closed.
const FRAME_PATIENCE: Duration = Duration::from_secs(10);

/// Between calls to a peer that does not answer: from the first to the last of them.
const RECALL_FIRST: Duration = Duration::from_millis(100);
const RECALL_LAST: Duration = Duration::from_millis(500);

/// Every frame has its length before it.
const LENGTH_BYTES: usize = 4;

/// All peers.
#[derive(Default)]
pub(crate) struct Links(Mutex<BTreeMap<NodeKey, Peer>>);

#[derive(Default)]
struct Peer {
    address: Option<SocketAddr>,
    /// Whether the connection stands even when there is nothing to say.
    kept: bool,
    calling: bool,
    links: Vec<Link>,
    waiting: VecDeque<Bytes>,
}

struct Link {
    connection: Connection,
    frames: mpsc::Sender<Bytes>,
}

impl Peer {
    /// The newest connection that is not known to be dead.
    fn link(&self) -> Option<&Link> {
        self.links
            .iter()
            .rev()
            .find(|link| link.connection.close_reason().is_none())
    }

    fn is_wanted(&self) -> bool {
        self.kept || !self.waiting.is_empty()
    }

    /// Whether a call should begin now; whoever is told so makes it.
    fn must_be_called(&mut self) -> bool {
        let must =
            self.address.is_some() && self.is_wanted() && self.link().is_none() && !self.calling;
        self.calling |= must;
        must
    }
}

impl Links {
    fn peers(&self) -> MutexGuard<'_, BTreeMap<NodeKey, Peer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn found(&self, peer: NodeKey, address: SocketAddr) {
        self.peers().entry(peer).or_default().address = Some(address);
    }

    pub(crate) fn address(&self, peer: NodeKey) -> Option<SocketAddr> {
        self.peers().get(&peer)?.address
    }

    pub(crate) fn connection(&self, peer: NodeKey) -> Option<Connection> {
        Some(self.peers().get(&peer)?.link()?.connection.clone())
    }

    pub(crate) fn slowest_round_trip(&self) -> Option<Duration> {
        let peers = self.peers();
        peers
            .values()
            .filter_map(Peer::link)
            .map(|link| link.connection.rtt())
            .max()
    }

    /// Lets the connection to a peer stand; calls it when there is none.
    pub(crate) fn keep(shared: &Arc<Shared>, key: NodeKey) {
        let mut peers = shared.links.peers();
        let peer = peers.entry(key).or_default();
        peer.kept = true;
        if peer.must_be_called() {
            tokio::spawn(call(Arc::clone(shared), key));
        }
    }

    pub(crate) fn release(&self, key: NodeKey) {
        if let Some(peer) = self.peers().get_mut(&key) {
            peer.kept = false;
        }
    }

    /// Queues a frame; calls the peer when there is no connection.
    pub(crate) fn frame(shared: &Arc<Shared>, to: NodeKey, bytes: Bytes) {
        let mut peers = shared.links.peers();
        let peer = peers.entry(to).or_default();
        if bytes.len() > FRAME_BYTES_MAX {
            Counters::count(&shared.counters.frames_dropped);
            return;
        }
        if let Some(link) = peer.link() {
            if link.frames.try_send(bytes).is_err() {
                Counters::count(&shared.counters.frames_dropped);
            }
            return;
        }
        if peer.waiting.len() == FRAMES_WAITING_MAX {
            peer.waiting.pop_front();
            Counters::count(&shared.counters.frames_dropped);
        }
        peer.waiting.push_back(bytes);
        if peer.must_be_called() {
            tokio::spawn(call(Arc::clone(shared), to));
        }
    }

    /// Takes a fresh connection into use, in whichever direction it was made.
    pub(crate) fn admit(shared: &Arc<Shared>, key: NodeKey, connection: Connection) {
        let (frames, queue) = mpsc::channel(FRAMES_WAITING_MAX);
        let address = connection.remote_address();
        {
            let mut peers = shared.links.peers();
            let peer = peers.entry(key).or_default();
            peer.address = Some(address);
            for frame in peer.waiting.drain(..) {
                // The queue is as long as what may have waited.
                let _ = frames.try_send(frame);
            }
            peer.links.push(Link {
                connection: connection.clone(),
                frames,
            });
            if peer.links.len() > CONNECTIONS_PER_PEER_MAX {
                peer.links
                    .remove(0)
                    .connection
                    .close(REPLACED, b"newer connections stand");
            }
        }
        tokio::spawn(carry(Arc::clone(shared), key, connection, queue));
    }

    /// Forgets a dead connection; answers whether it was the last, and whether to call again.
    fn forget(&self, key: NodeKey, connection: &Connection) -> (bool, bool) {
        let mut peers = self.peers();
        let Some(peer) = peers.get_mut(&key) else {
            return (true, false);
        };
        let dead = connection.stable_id();
        peer.links
            .retain(|link| link.connection.stable_id() != dead);
        (peer.link().is_none(), peer.must_be_called())
    }
}

/// Runs one connection until it dies.
async fn carry(
    shared: Arc<Shared>,
    key: NodeKey,
    connection: Connection,
    queue: mpsc::Receiver<Bytes>,
) {
    let address = connection.remote_address();
    tell(&shared, key, LinkNews::Connected(address)).await;
    let writing = tokio::spawn(write_frames(Arc::clone(&shared), connection.clone(), queue));
    let reading = tokio::spawn(read_frames(Arc::clone(&shared), key, connection.clone()));
    let answering = shared.answers.clone().map(|answers| {
        tokio::spawn(questions::serve(
            Arc::clone(&shared),
            key,
            connection.clone(),
            answers,
        ))
    });
    let why = read_datagrams(&shared, key, &connection).await;
    tracing::debug!(peer = %key.short(), %why, "a connection ended");
    writing.abort();
    reading.abort();
    if let Some(answering) = answering {
        answering.abort();
    }
    let (last, again) = shared.links.forget(key, &connection);
    if last {
        tell(&shared, key, LinkNews::Lost).await;
    }
    if again {
        tokio::spawn(call(shared, key));
    }
}

async fn tell(shared: &Shared, peer: NodeKey, news: LinkNews) {
    // The daemon that listened is gone: so is everybody who could want to know.
    let _ = shared.events.send(NetEvent::Link { peer, news }).await;
}

async fn read_datagrams(
    shared: &Shared,
    from: NodeKey,
    connection: &Connection,
) -> quinn::ConnectionError {
    loop {
        match connection.read_datagram().await {
            Ok(bytes) => {
                if shared
                    .events
                    .try_send(NetEvent::Datagram { from, bytes })
                    .is_err()
                {
                    Counters::count(&shared.counters.datagrams_dropped);
                }
            }
            Err(why) => return why,
        }
    }
}

async fn read_frames(shared: Arc<Shared>, from: NodeKey, connection: Connection) {
    while let Ok(mut stream) = connection.accept_uni().await {
        while let Ok(Some(bytes)) = read_frame(&mut stream).await {
            if shared
                .events
                .send(NetEvent::Frame { from, bytes })
                .await
                .is_err()
            {
                return;
            }
        }
    }
}

/// The next frame of a stream; nothing when the stream ended between two.
async fn read_frame(stream: &mut RecvStream) -> Result<Option<Bytes>, NetError> {
    let mut length = [0; LENGTH_BYTES];
    if stream.read_exact(&mut length).await.is_err() {
        return Ok(None);
    }
    let length = u32::from_be_bytes(length) as usize;
    if length > FRAME_BYTES_MAX {
        return Err(NetError::Protocol("a frame is longer than frames may be"));
    }
    let mut bytes = BytesMut::zeroed(length);
    let broken = |_| NetError::Protocol("a frame broke off");
    stream.read_exact(&mut bytes).await.map_err(broken)?;
    Ok(Some(bytes.freeze()))
}

async fn write_frames(
    shared: Arc<Shared>,
    connection: Connection,
    mut queue: mpsc::Receiver<Bytes>,
) {
    let Ok(mut stream) = connection.open_uni().await else {
        return;
    };
    while let Some(bytes) = queue.recv().await {
        match timeout(FRAME_PATIENCE, write_frame(&mut stream, &bytes)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return,
            Err(_) => {
                Counters::count(&shared.counters.frames_dropped);
                connection.close(STUCK, b"frames were not taken");
                return;
            }
        }
    }
}

async fn write_frame(stream: &mut SendStream, bytes: &[u8]) -> Result<(), quinn::WriteError> {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    stream.write_all(&length.to_be_bytes()).await?;
    stream.write_all(bytes).await
}

/// Calls a peer again and again until a connection stands or nobody wants it any more.
async fn call(shared: Arc<Shared>, key: NodeKey) {
    let mut pause = RECALL_FIRST;
    loop {
        let Some((address, client)) = next_call(&shared, key) else {
            return;
        };
        tell(&shared, key, LinkNews::Connecting).await;
        match shared.call(client, key, address).await {
            Ok(connection) => {
                finish_call(&shared, key);
                Links::admit(&shared, key, connection);
                return;
            }
            Err(why) => tracing::debug!(peer = %key.short(), %why, "a call failed"),
        }
        if shared.events.is_closed() {
            return;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(RECALL_LAST);
    }
}

/// Calls an address once, whoever is there.
pub(crate) async fn dial(shared: Arc<Shared>, address: SocketAddr) {
    match shared
        .call_anyone(shared.node_client.clone(), address)
        .await
    {
        Ok((connection, peer)) if peer != shared.own => Links::admit(&shared, peer, connection),
        Ok(_) => tracing::debug!(%address, "this node's own address was called"),
        Err(why) => {
            tracing::debug!(%address, %why, "a call failed");
            // The daemon that listened is gone: so is everybody who could want to know.
            let _ = shared.events.send(NetEvent::DialFailed { address }).await;
        }
    }
}

/// Where to call next, and how; nothing when the peer called us meanwhile or nobody wants it any
/// more.
fn next_call(shared: &Shared, key: NodeKey) -> Option<(SocketAddr, ClientConfig)> {
    let mut peers = shared.links.peers();
    let peer = peers.get_mut(&key)?;
    let address = peer
        .address
        .filter(|_| peer.link().is_none() && peer.is_wanted());
    peer.calling = address.is_some();
    let client = if peer.kept {
        &shared.standing_client
    } else {
        &shared.node_client
    };
    Some((address?, client.clone()))
}

fn finish_call(shared: &Shared, key: NodeKey) {
    if let Some(peer) = shared.links.peers().get_mut(&key) {
        peer.calling = false;
    }
}
