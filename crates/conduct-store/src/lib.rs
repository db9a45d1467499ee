//! What a node keeps on its disk: records of its state, and archives by their digest.
//!
//! A record is acknowledged after it was synced, never before. An archive is visible after its
//! bytes were hashed and synced, never before. Everything here blocks; the daemon calls it from
//! threads that may.

mod archives;
mod error;
mod folder;
mod incoming;
mod records;
mod space;

pub use archives::{ArchiveFile, Archives, Scrubbed};
pub use error::{StoreError, StoreFailure};
pub use folder::{StateFolder, holder};
pub use incoming::{Incoming, Received};
pub use records::{Batch, Records, RecordsNews, Restored, Write};
pub use space::Reserve;
