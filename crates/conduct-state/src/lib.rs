//! What the cluster agrees on, and how its nodes come to agree on it without asking anyone.
//!
//! * Everything is a [`Record`]: a header that every version can merge and a payload that only
//!   its readers understand. Each write is named by a [`Dot`]: the how manieth of which writer.
//! * A [`State`] is the set of records that are alive, and a [`Vector`] that says which writes are
//!   known at all. A write that is known and whose record is not there was removed or replaced; so
//!   removal leaves nothing behind, and what was removed never comes back, however long a node
//!   was away.
//! * An event is one write with what it takes out. States that cover the same writes are equal,
//!   byte for byte, whatever way the writes came: by news on the gossip ticks
//!   ([`State::fresh`]), or by comparing [`Summary`] and [`Digest`] with a peer and sending it the
//!   [`Delta`] that it lacks.
//! * Concurrent words on one subject stand side by side until the next word takes them out; the
//!   one with the highest [`Rank`] is read. Wishes are made against loads and void without them.
//! * Own writes are seen here at once, and by others when they are [stored](State::stored).
//!   What a step changed, and what belongs on disk because of it, is in [`Applied`].
//! * [`View`] reads payloads; [`Tidy`] forgets writers of which nothing is left.

mod codec;
mod delta;
mod error;
mod event;
pub mod fuzz;
mod key;
#[cfg(any(test, debug_assertions))]
mod lattice;
mod leaf;
mod pool;
mod record;
mod stamp;
mod state;
mod store;
mod tidy;
mod vector;
mod view;
mod wire;

pub use delta::Delta;
pub use error::StateError;
pub use event::{FRESH_EVENTS_MAX, KILLS_MAX, RECENT_EVENTS_MAX, copies_of_news};
pub use key::{Kind, OtherKey, RecordKey};
pub use pool::Pool;
pub use record::{
    AGAINST_DOTS_MAX, Dot, Draft, EXTRA_BYTES_MAX, PAYLOAD_BYTES_MAX, Rank, Record, VERSION_MAX,
    WriterId,
};
pub use stamp::{Hlc, Reading, STAMP_AHEAD_MAX, Stamp, StampAhead};
pub use state::{
    Applied, Change, Comparison, Damage, Digest, EARLY_EVENTS_MAX, FORGOTTEN_WRITERS_MAX,
    LOADS_PER_BUNDLE_MAX, Lost, LostTo, OFFSET_REPEATED_WITHIN, OFFSETS_PER_BUNDLE_MAX,
    OFFSETS_UNFOLDED_MAX, RECORDS_MAX, Restored, Salvage, Scale, State, Summary, Writes, Written,
};
pub use tidy::{TIDY_PAUSE, Tidy};
pub use vector::Vector;
pub use view::{Payload, Unreadable, View};
