//! Bringing replicas together: at the start, after every write, and once a second in any case.
//!
//! A peer is known because the node named it as one of the others of the system, because another
//! peer knows it, because the locator lists it, or because it called. Each is visited by a task of
//! its own; one that does not answer for a minute is forgotten, and known again when it comes back.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use conduct_bundle_lib::{Locator, Seed};
use futures_util::future::join_all;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::log::{Entry, Vector};
use super::store::{Store, View};
use super::wire::{self, Exchange, Exchanged};
use crate::call::Client;
use crate::refusal::Refusal;

/// How often replicas compare what they have when nothing is written.
const COMPARE_EVERY: Duration = Duration::from_secs(1);
/// How long one message may take.
const EXCHANGE_PATIENCE: Duration = Duration::from_secs(5);
/// How long to wait before a peer that did not answer is asked again: at first, and at most.
const PAUSE: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(4);
/// When a peer that does not answer is forgotten.
const FORGET_AFTER: Duration = Duration::from_secs(60);
/// How often the locator is asked who is there.
const DISCOVER_EVERY: Duration = Duration::from_secs(10);
/// How long a starting replica tries to get what the others have.
const CATCH_UP_PATIENCE: Duration = Duration::from_secs(10);
/// How long a caller waits for a second copy.
const COPY_PATIENCE: Duration = Duration::from_millis(500);

/// The peers of a replica. Clones are the same ones.
pub struct Peers<V: View> {
    shared: Arc<Shared<V>>,
}

struct Shared<V: View> {
    service: &'static str,
    address: SocketAddr,
    store: Store<V>,
    client: Client,
    /// Where no node says who is there, those that the environment names are never forgotten.
    forgets: bool,
    known: Mutex<BTreeMap<SocketAddr, Known>>,
    /// Changes whenever a peer told what it has.
    told: watch::Sender<u64>,
}

#[derive(Default)]
struct Known {
    /// What it said it has; nothing as long as it has not answered.
    have: Option<Vector>,
    failing_since: Option<Instant>,
}

/// What is left to exchange after a message and its answer.
struct Step {
    more_for_us: bool,
    more_for_them: bool,
}

/// The others are there and cannot be reached: what they have is missing here.
#[derive(Debug, thiserror::Error)]
#[error("could not get what the others have: {why}")]
pub struct CatchUpError {
    why: String,
}

impl<V: View> Clone for Peers<V> {
    fn clone(&self) -> Peers<V> {
        Peers {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<V: View> Peers<V> {
    /// The replica of `service` that is reached at `address`.
    pub fn of(
        store: Store<V>,
        service: &'static str,
        address: SocketAddr,
        is_managed: bool,
    ) -> Peers<V> {
        Peers {
            shared: Arc::new(Shared {
                service,
                address,
                store,
                client: Client::new(),
                forgets: is_managed,
                known: Mutex::default(),
                told: watch::Sender::new(0),
            }),
        }
    }

    /// What peers call.
    pub fn routes(&self) -> Router {
        Router::new()
            .route(wire::PATH, post(answer::<V>))
            .with_state(self.clone())
    }

    /// Gets what the others have, and goes on exchanging with them. A replica that has not done this
    /// must not be called by anyone: it would answer as if nothing had ever happened.
    ///
    /// # Errors
    /// If a node named others and none of them could be asked. Without a node it is enough to try:
    /// somebody has to be the first.
    pub async fn catch_up(&self, others: &[Seed]) -> Result<(), CatchUpError> {
        let addresses = others.iter().map(|seed| seed.address);
        let addresses: Vec<SocketAddr> =
            addresses.filter(|it| *it != self.shared.address).collect();
        let asked = addresses.iter().map(|peer| self.pull_all(*peer));
        let asked = join_all(asked).await;
        for address in &addresses {
            self.learn(*address);
        }
        let failed: Vec<String> = asked.iter().filter_map(|it| it.clone().err()).collect();
        let total = self.shared.store.vector().total();
        if failed.is_empty() {
            tracing::info!("holds {total} entries, {} peers asked", addresses.len());
        } else if failed.len() < addresses.len() || !self.shared.forgets {
            tracing::warn!("holds {total} entries; {}", failed.join("; "));
        } else {
            let why = failed.join("; ");
            return Err(CatchUpError { why });
        }
        Ok(())
    }

    /// Asks one until it has nothing new.
    async fn pull_all(&self, peer: SocketAddr) -> Result<(), String> {
        let pulling = async {
            loop {
                match self.exchange(peer).await {
                    Ok(step) if step.more_for_us => {}
                    Ok(_) => return,
                    Err(why) => {
                        tracing::debug!("{peer}: {why}");
                        sleep(PAUSE).await;
                    }
                }
            }
        };
        let pulled = timeout(CATCH_UP_PATIENCE, pulling).await;
        pulled.map_err(|_| format!("{peer} did not answer in full"))
    }

    /// Asks the locator again and again who else is there: so two halves that forgot each other find
    /// together.
    pub async fn discover(self, locator: Locator) {
        loop {
            match locator.hosts(self.shared.service).await {
                Ok(hosts) => {
                    let addresses = hosts.iter().filter_map(|host| {
                        let ip = host.ipv4_host.as_ref().or(host.ipv6_host.as_ref())?;
                        Some(SocketAddr::new(ip.parse().ok()?, host.port))
                    });
                    addresses.for_each(|address| self.learn(address));
                }
                Err(error) => tracing::debug!("{error}"),
            }
            sleep(DISCOVER_EVERY).await;
        }
    }

    /// How many disks have the entry, this one among them: waits a moment for a second one.
    pub async fn copies(&self, entry: &Entry<serde_json::Value>) -> usize {
        let mut told = self.shared.told.subscribe();
        let enough = async {
            loop {
                let (copies, is_waiting) = self.count(entry);
                if copies > 1 || !is_waiting || told.changed().await.is_err() {
                    return copies;
                }
            }
        };
        let counted = timeout(COPY_PATIENCE, enough).await;
        counted.unwrap_or_else(|_| self.count(entry).0)
    }

    /// The copies of an entry, and whether a peer that answers has none yet.
    fn count(&self, entry: &Entry<serde_json::Value>) -> (usize, bool) {
        let known = self.known();
        let has_it = |it: &&Known| {
            let have = it.have.as_ref();
            have.is_some_and(|have| have.of(entry.origin) >= entry.number)
        };
        let copies = 1 + known.values().filter(has_it).count();
        let waiting = known
            .values()
            .any(|it| it.failing_since.is_none() && !has_it(&it));
        (copies, waiting)
    }

    /// Waits until a peer has all that is here, so that this instance can go; at most so long. Alone,
    /// there is nothing to wait for: the disk has it.
    pub async fn hand_over(&self, patience: Duration) {
        let mut told = self.shared.told.subscribe();
        let handed = async {
            loop {
                let mine = self.shared.store.vector();
                let (alone, covered) = {
                    let known = self.known();
                    let mut answering = known.values().filter(|it| it.failing_since.is_none());
                    let alone = answering.clone().next().is_none();
                    let all = |it: &Known| it.have.as_ref().is_some_and(|it| it.covers(&mine));
                    (alone, answering.any(all))
                };
                if alone || covered || told.changed().await.is_err() {
                    return;
                }
            }
        };
        if timeout(patience, handed).await.is_err() {
            tracing::warn!("no peer has everything that is here; the disk keeps it");
        }
    }

    /// Takes somebody among the peers, and visits it from now on.
    fn learn(&self, peer: SocketAddr) {
        if peer == self.shared.address {
            return;
        }
        let is_new = {
            let mut known = self.known();
            let is_new = known.len() < wire::PEERS_MAX && !known.contains_key(&peer);
            if is_new {
                known.insert(peer, Known::default());
            }
            is_new
        };
        if is_new {
            tracing::info!("exchanges with {peer} from now on");
            tokio::spawn(self.clone().visit(peer));
        }
    }

    /// Exchanges with one peer until it is forgotten.
    async fn visit(self, peer: SocketAddr) {
        let mut written = self.shared.store.written();
        let mut pause = PAUSE;
        loop {
            written.mark_unchanged();
            match self.exchange(peer).await {
                Ok(step) if step.more_for_us || step.more_for_them => {}
                Ok(_) => {
                    pause = PAUSE;
                    // Whichever comes first; the store outlives all visits.
                    let _ = timeout(COMPARE_EVERY, written.changed()).await;
                }
                Err(why) => {
                    tracing::debug!("{peer}: {why}");
                    if self.forget_if_gone(peer) {
                        tracing::info!("{peer} is forgotten: {why}");
                        return;
                    }
                    sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                }
            }
        }
    }

    /// One message and its answer.
    async fn exchange(&self, peer: SocketAddr) -> Result<Step, String> {
        let Shared { store, .. } = &*self.shared;
        let theirs = self.known().get(&peer).and_then(|it| it.have.clone());
        let entries = theirs.map(|have| store.lacking(&have, wire::ENTRIES_MAX));
        let mine = store.vector();
        let message = Exchange {
            service: self.shared.service.to_owned(),
            from: self.shared.address,
            origin: store.origin(),
            have: mine.clone(),
            peers: self.answering(),
            entries: entries.unwrap_or_default(),
        };
        let url = format!("http://{peer}{}", wire::PATH);
        let asked = self.shared.client.post_json(&url, &message);
        let asked = timeout(EXCHANGE_PATIENCE, asked).await;
        let answer: Result<Exchanged, String> =
            asked.unwrap_or_else(|_| Err("no answer".to_owned()));
        let answer = answer.inspect_err(|_| self.failed(peer))?;
        if answer.origin == store.origin() {
            self.failed(peer);
            return Err("it is this process itself".to_owned());
        }
        self.heard(peer, answer.have.clone());
        for other in answer.peers.into_iter().take(wire::PEERS_MAX) {
            self.learn(other);
        }
        let taken = store.merge(answer.entries).await;
        let taken = taken.map_err(|error| error.to_string())?;
        Ok(Step {
            more_for_us: taken > 0 && !store.vector().covers(&answer.have),
            more_for_them: !answer.have.covers(&mine),
        })
    }

    fn heard(&self, peer: SocketAddr, have: Vector) {
        if let Some(known) = self.known().get_mut(&peer) {
            known.have = Some(have);
            known.failing_since = None;
        }
        self.shared.told.send_modify(|count| *count += 1);
    }

    fn failed(&self, peer: SocketAddr) {
        if let Some(known) = self.known().get_mut(&peer) {
            known.failing_since.get_or_insert_with(Instant::now);
        }
        // Whoever waits for this peer need not any longer.
        self.shared.told.send_modify(|count| *count += 1);
    }

    /// Those that answer. Only they are named to others, so that one that is gone is not handed round
    /// for ever among those that forget it one after the other.
    fn answering(&self) -> Vec<SocketAddr> {
        let known = self.known();
        let answers = |it: &Known| it.have.is_some() && it.failing_since.is_none();
        let answering = known.iter().filter(|(_, it)| answers(it));
        answering.map(|(peer, _)| *peer).collect()
    }

    fn forget_if_gone(&self, peer: SocketAddr) -> bool {
        let mut known = self.known();
        let since = known.get(&peer).and_then(|it| it.failing_since);
        let is_gone = self.shared.forgets && since.is_some_and(|it| it.elapsed() > FORGET_AFTER);
        if is_gone {
            known.remove(&peer);
        }
        is_gone
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<SocketAddr, Known>> {
        self.shared
            .known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers a peer.
async fn answer<V: View>(
    State(peers): State<Peers<V>>,
    Json(message): Json<Exchange>,
) -> Result<Json<Exchanged>, Refusal> {
    let Shared { store, service, .. } = &*peers.shared;
    if message.service != *service {
        let asked = &message.service;
        return Err(Refusal::conflict(format!("this is {service}, not {asked}")));
    }
    if message.origin != store.origin() {
        peers.learn(message.from);
    }
    store.merge(message.entries).await?;
    // Only what is on the disk by now is said to be here.
    let have = store.vector();
    let entries = store.lacking(&message.have, wire::ENTRIES_MAX);
    Ok(Json(Exchanged {
        origin: store.origin(),
        have,
        peers: peers.answering(),
        entries,
    }))
}
