//! Entries on a disk, in memory, and in a view: in this order.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::{broadcast, watch};

use super::journal::{Journal, JournalError};
use super::log::{Entry, Log, Vector};
use super::stamp::{Origin, Stamp};
use crate::refusal::Refusal;

/// How many entries one replica takes: some hundreds of megabytes.
const ENTRIES_MAX: u64 = 1_000_000;

/// How many entries a listener may fall behind before it has to read everything again.
const NEWS_MAX: usize = 1024;

/// What the entries mean. The order in which they come in must not matter.
pub trait View: Default + Send + Sync + 'static {
    /// What can happen.
    type Event: Serialize + DeserializeOwned;

    /// Takes one in. Each comes once; where two contradict each other, the greater stamp wins.
    fn see(&mut self, stamp: Stamp, event: Self::Event);
}

/// A replica. Clones are the same one.
pub struct Store<V: View> {
    shared: Arc<Shared<V>>,
}

struct Shared<V> {
    origin: Origin,
    /// Held while the disk is written, so that entries get there in the order of their numbers.
    journal: Mutex<Journal>,
    data: RwLock<Data<V>>,
    written: watch::Sender<u64>,
    news: broadcast::Sender<Entry<Value>>,
}

struct Data<V> {
    log: Log<Value>,
    view: V,
}

/// What is to be done about a wish.
pub enum Decided<E> {
    /// This has to be written.
    Write(E),
    /// It is so already.
    Already,
}

/// Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// No number to tell this life from others.
    #[error("could not draw a random number: {0}")]
    Randomness(String),
    /// The bound.
    #[error("this service holds {ENTRIES_MAX} entries and takes no more")]
    Full,
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Refusal {
        tracing::error!("nothing was written: {error}");
        Refusal::unavailable(error)
    }
}

impl<V: View> Clone for Store<V> {
    fn clone(&self) -> Store<V> {
        Store {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<V: View> Store<V> {
    /// Opens a folder for a new life of this process; blocks while others do so.
    ///
    /// # Errors
    /// If the folder cannot be read or written.
    pub fn open(folder: &Path) -> Result<Store<V>, StoreError> {
        let origin = Origin::random().map_err(|error| StoreError::Randomness(error.to_string()))?;
        let folder: PathBuf = folder.to_owned();
        let (journal, log) = Journal::open(&folder, origin)?;
        let mut view = V::default();
        for entry in log.entries() {
            show(&mut view, entry);
        }
        Ok(Store {
            shared: Arc::new(Shared {
                origin,
                journal: Mutex::new(journal),
                data: RwLock::new(Data { log, view }),
                written: watch::Sender::new(0),
                news: broadcast::Sender::new(NEWS_MAX),
            }),
        })
    }

    /// This life.
    pub fn origin(&self) -> Origin {
        self.shared.origin
    }

    /// What is here.
    pub fn vector(&self) -> Vector {
        self.data().log.vector()
    }

    /// What somebody with this vector lacks, at most so many.
    pub fn lacking(&self, theirs: &Vector, max: usize) -> Vec<Entry<Value>> {
        self.data().log.lacking(theirs, max)
    }

    /// Looks at the view. It must not take long: writers wait.
    pub fn look<R>(&self, at: impl FnOnce(&V) -> R) -> R {
        at(&self.data().view)
    }

    /// Every entry from now on, as soon as the view has seen it.
    pub fn news(&self) -> broadcast::Receiver<Entry<Value>> {
        self.shared.news.subscribe()
    }

    /// Changes whenever this life has written something.
    pub fn written(&self) -> watch::Receiver<u64> {
        self.shared.written.subscribe()
    }

    /// Decides what to write, and writes it: between the two nothing else is written.
    ///
    /// # Errors
    /// What `decide` refuses, and what the disk does.
    pub async fn decide<D>(&self, decide: D) -> Result<Option<Entry<Value>>, Refusal>
    where
        D: FnOnce(&V) -> Result<Decided<V::Event>, Refusal> + Send + 'static,
    {
        let store = self.clone();
        blocking(move || store.decide_now(decide)).await
    }

    fn decide_now<D>(&self, decide: D) -> Result<Option<Entry<Value>>, Refusal>
    where
        D: FnOnce(&V) -> Result<Decided<V::Event>, Refusal>,
    {
        let mut journal = self.journal();
        let entry = {
            let data = self.data();
            let Decided::Write(event) = decide(&data.view)? else {
                return Ok(None);
            };
            let event = serde_json::to_value(event).map_err(Refusal::bad_request)?;
            data.log.next(self.origin(), now(), event)
        };
        self.write(&mut journal, vec![entry.clone()])?;
        self.shared.written.send_modify(|count| *count += 1);
        Ok(Some(entry))
    }

    /// Takes in what a peer sent; what is here already, or has a gap before it, is left out.
    ///
    /// # Errors
    /// If the disk does not take it.
    pub async fn merge(&self, entries: Vec<Entry<Value>>) -> Result<usize, StoreError> {
        if entries.is_empty() {
            return Ok(0);
        }
        let store = self.clone();
        blocking(move || {
            let mut journal = store.journal();
            let fresh = store.data().log.fresh(entries);
            let count = fresh.len();
            store.write(&mut journal, fresh)?;
            Ok(count)
        })
        .await
    }

    /// To the disk first, then to everybody.
    fn write(&self, journal: &mut Journal, entries: Vec<Entry<Value>>) -> Result<(), StoreError> {
        if entries.is_empty() {
            return Ok(());
        }
        if self.vector().total() + entries.len() as u64 > ENTRIES_MAX {
            return Err(StoreError::Full);
        }
        journal.append(&entries)?;
        let mut data = self
            .shared
            .data
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        for entry in entries {
            show(&mut data.view, &entry);
            data.log.put(entry.clone());
            // Nobody may be listening.
            let _ = self.shared.news.send(entry);
        }
        Ok(())
    }

    fn data(&self) -> RwLockReadGuard<'_, Data<V>> {
        // What a panic interrupted is on the disk, and shown again by the next life.
        self.shared
            .data
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn journal(&self) -> std::sync::MutexGuard<'_, Journal> {
        self.shared
            .journal
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// An entry of a later release may tell what this one does not understand: it is kept and handed on
/// all the same.
fn show<V: View>(view: &mut V, entry: &Entry<Value>) {
    match serde_json::from_value(entry.event.clone()) {
        Ok(event) => view.see(entry.stamp(), event),
        Err(error) => tracing::warn!(
            "entry {} of {} is kept, but not understood: {error}",
            entry.number,
            entry.origin
        ),
    }
}

async fn blocking<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> R {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(ended) => match ended.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The process is ending: nobody waits for this any more.
            Err(_) => std::future::pending().await,
        },
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    // Before 1970: the hybrid clock goes on from what it has seen.
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}
