//! The records of a node's state: written in batches, acknowledged when synced, checked when read.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use bytes::Bytes;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

use crate::error::{StoreError, StoreFailure};
use crate::folder::StateFolder;
use crate::space::Reserve;

const TABLE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("records");

/// Batches that one sync may answer for. The brain bounds what it has under way.
const BATCHES_PER_SYNC_MAX: usize = 256;

/// Page cache of the database: the state is held in memory anyway.
const CACHE_BYTES: usize = 4 * 1024 * 1024;

/// Failures of the disk itself after which the node stops trusting it.
const DISK_FAILURES_MAX: u32 = 2;

/// One write: a key's new value, or its removal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Write {
    /// The key; the brain alone knows what it means.
    pub key: Bytes,
    /// The value, or nothing to remove it.
    pub value: Option<Bytes>,
}

/// Writes that reach the disk together or not at all.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Batch {
    /// Its number; numbers rise.
    pub n: u64,
    /// What is written.
    pub writes: Vec<Write>,
}

/// What the writer tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RecordsNews {
    /// Everything up to this number is synced.
    Stored(u64),
    /// From this number on nothing may be relied on.
    Failed {
        /// The first number that failed.
        n: u64,
        /// Why.
        why: StoreFailure,
    },
}

/// What was on the disk when the daemon started.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Restored {
    /// Every key with its value.
    pub entries: Vec<(Bytes, Bytes)>,
    /// Whether there was a file at all: a folder that lost it is not a new one.
    pub existed: bool,
    /// Where a file was put that could not be read any more.
    pub damaged: Option<PathBuf>,
}

/// The running writer. Dropped, it writes what was handed to it and ends.
#[derive(Debug)]
pub struct Records {
    batches: Option<Sender<Batch>>,
    thread: Option<JoinHandle<()>>,
}

impl Records {
    /// Reads what is there and starts the writer, which tells `news` about every batch.
    pub fn open(
        folder: &StateFolder,
        reserve: Reserve,
        news: impl FnMut(RecordsNews) + Send + 'static,
    ) -> Result<(Records, Restored), StoreError> {
        let path = folder.path().join("records.redb");
        let (database, restored) = open_or_set_aside(&path)?;
        let (sender, batches) = channel();
        let writer = Writer {
            path,
            database: Some(database),
            reserve,
            news,
            failures: 0,
            batches,
        };
        let thread = std::thread::Builder::new()
            .name("records".to_owned())
            .spawn(move || writer.run())
            .map_err(StoreError::at("start the writer of", folder.path()))?;
        Ok((
            Records {
                batches: Some(sender),
                thread: Some(thread),
            },
            restored,
        ))
    }

    /// Hands over a batch; never waits for the disk.
    pub fn write(&self, batch: Batch) {
        // The writer ends only when this sender is gone.
        let sent = self.batches.as_ref().map(|batches| batches.send(batch));
        assert!(
            matches!(sent, Some(Ok(()))),
            "the writer of records ended before its owner"
        );
    }
}

impl Drop for Records {
    fn drop(&mut self) {
        self.batches = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the writer of records panicked");
        }
    }
}

struct Writer<News> {
    path: PathBuf,
    database: Option<Database>,
    reserve: Reserve,
    news: News,
    failures: u32,
    batches: Receiver<Batch>,
}

impl<News: FnMut(RecordsNews)> Writer<News> {
    fn run(mut self) {
        while let Ok(first) = self.batches.recv() {
            let mut together = vec![first];
            together.extend(self.batches.try_iter().take(BATCHES_PER_SYNC_MAX - 1));
            let news = self.commit(&together);
            (self.news)(news);
        }
    }

    /// Writes batches with one sync. A full disk gets a second chance from the reserve.
    fn commit(&mut self, together: &[Batch]) -> RecordsNews {
        let (n, last) = (together[0].n, together[together.len() - 1].n);
        let mut outcome = self.try_commit(together);
        if matches!(&outcome, Err(why) if why.failure() == StoreFailure::NoSpace)
            && self.reserve.is_held()
        {
            tracing::warn!("the disk is full: giving up the reserve");
            self.reserve.give_up();
            outcome = self.try_commit(together);
        }
        match outcome {
            Ok(()) => {
                self.failures = 0;
                self.reserve.restore();
                RecordsNews::Stored(last)
            }
            Err(error) => {
                let why = error.failure();
                self.failures += u32::from(why == StoreFailure::Disk);
                tracing::error!(%error, source = ?error, "records could not be stored");
                RecordsNews::Failed { n, why }
            }
        }
    }

    /// After any failure the file is opened anew: what a failed sync left in memory counts as lost.
    fn try_commit(&mut self, together: &[Batch]) -> Result<(), StoreError> {
        if self.failures >= DISK_FAILURES_MAX {
            let source = Box::new(redb::Error::PreviousIo);
            return Err(StoreError::Records {
                path: self.path.clone(),
                source,
            });
        }
        let database = match self.database.take() {
            Some(database) => database,
            None => open(&self.path)?,
        };
        write_all(&database, together).map_err(|source| failed(&self.path, source))?;
        self.database = Some(database);
        Ok(())
    }
}

fn write_all(database: &Database, together: &[Batch]) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    {
        let mut table = transaction.open_table(TABLE)?;
        for write in together.iter().flat_map(|batch| &batch.writes) {
            match &write.value {
                Some(value) => table.insert(&*write.key, &**value)?,
                None => table.remove(&*write.key)?,
            };
        }
    }
    transaction.commit()?;
    Ok(())
}

/// Opens the records, or sets the file aside and begins a new one: damage is reported, and what is
/// missing comes back from the peers.
fn open_or_set_aside(path: &Path) -> Result<(Database, Restored), StoreError> {
    let existed = path.exists();
    // A damaged page can trip an assertion of the database; that is damage as any other.
    let read = catch_unwind(AssertUnwindSafe(|| open_checked(path)));
    let why = match read {
        Ok(Ok((database, entries))) => {
            return Ok((
                database,
                Restored {
                    entries,
                    existed,
                    damaged: None,
                },
            ));
        }
        Ok(Err(why)) if !is_damage(&why) => return Err(why),
        Ok(Err(why)) => why.to_string(),
        Err(_) => "the database gave up on it".to_owned(),
    };
    let aside = (1..).map(|number| path.with_extension(format!("damaged-{number}")));
    let aside = aside
        .into_iter()
        .find(|aside| !aside.exists())
        .unwrap_or_default();
    tracing::error!(%why, aside = %aside.display(), "the records are damaged and set aside");
    std::fs::rename(path, &aside).map_err(StoreError::at("set aside", path))?;
    let (database, entries) = open_checked(path)?;
    Ok((
        database,
        Restored {
            entries,
            existed,
            damaged: Some(aside),
        },
    ))
}

fn open_checked(path: &Path) -> Result<(Database, Vec<(Bytes, Bytes)>), StoreError> {
    let mut database = open(path)?;
    let sound = database
        .check_integrity()
        .map_err(|source| failed(path, source.into()))?;
    if !sound {
        tracing::warn!(path = %path.display(), "the records were repaired");
    }
    let entries = read_all(&database).map_err(|source| failed(path, source))?;
    Ok((database, entries))
}

fn open(path: &Path) -> Result<Database, StoreError> {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE_BYTES);
    let database = builder
        .create(path)
        .map_err(|source| failed(path, source.into()))?;
    crate::folder::private(path)?;
    Ok(database)
}

fn read_all(database: &Database) -> Result<Vec<(Bytes, Bytes)>, redb::Error> {
    let transaction = database.begin_read()?;
    let table = match transaction.open_table(TABLE) {
        Ok(table) => table,
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
        Err(why) => return Err(why.into()),
    };
    let mut entries = Vec::new();
    for entry in table.iter()? {
        let (key, value) = entry?;
        let copy = |bytes: &[u8]| Bytes::copy_from_slice(bytes);
        entries.push((copy(key.value()), copy(value.value())));
    }
    Ok(entries)
}

fn failed(path: &Path, source: redb::Error) -> StoreError {
    match source {
        redb::Error::Io(source) => StoreError::at("write", path)(source),
        source => StoreError::Records {
            path: path.to_owned(),
            source: Box::new(source),
        },
    }
}

/// Whether the file is at fault rather than the disk or another process.
fn is_damage(why: &StoreError) -> bool {
    match why {
        StoreError::Records { source, .. } => !matches!(
            **source,
            redb::Error::DatabaseAlreadyOpen | redb::Error::PreviousIo
        ),
        StoreError::Disk { source, .. } => matches!(
            source.kind(),
            std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof
        ),
        _ => false,
    }
}
