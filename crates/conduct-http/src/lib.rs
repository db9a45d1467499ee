//! HTTP for people, programs and instances: the control API, the status service, the locator.
//!
//! Everything goes through a [`NodeHandle`], so whoever owns the brain can serve it. What else is
//! needed of the daemon, disks and other nodes, stands in [`Services`] as traits.
//!
//! * [`serve`] listens: a guard for who may call (`guard`), bounds for how many and how long
//!   (`connection`, `socket`), bytes that could be read in two ways (`strict`)
//! * `control`, `status` and `locator` answer, a file for each subject; `render` turns what the
//!   node knows into what clients read, [`for_node`] what a `bundle.conf` says into what nodes keep
//! * `feed` keeps what happens in one row for all who follow
//! * `openapi` describes all of it; `docs/reference/api.md` is made of that

mod app;
mod connection;
mod control;
mod descriptor;
mod error;
mod external;
mod feed;
mod guard;
mod handle;
mod health;
mod locator;
mod metrics;
mod openapi;
mod per_view;
mod query;
#[cfg(test)]
mod reference;
mod render;
mod server;
mod services;
mod settings;
mod socket;
mod status;
mod strict;

pub use conduct_api::Stream;
pub use descriptor::for_node;
pub use external::{ExternalAddress, ExternalError};
pub use handle::{Ask, LoopEnds, NodeGone, NodeHandle, handle};
pub use server::{Listeners, Server, serve};
pub use services::{
    ArchiveSource, EventQuery, Journal, LogQuery, LogRecord, OpenArchive, Peer, ReadSeek, Services,
    Signals, SourceError, Speaker, Upload, UploadError, UploadStore,
};
pub use settings::Settings;
