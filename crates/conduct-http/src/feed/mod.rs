//! What happens, kept for a while and in one order, for everybody who follows.
//!
//! There is one row of entries for all followers, and each follower only remembers how far it has
//! come. So a follower that reads slowly, or never, costs nothing but its connection; when it has
//! fallen behind the row it is told that it lags.

mod follow;
mod ring;
mod watch;

pub(crate) use follow::{Follow, Permit, STREAMS_MAX, Subscribers, last_event_id, respond, stream};
pub(crate) use ring::{Entry, Feed, Told};
pub(crate) use watch::{HostChange, run};
