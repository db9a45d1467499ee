//! Bundles as their users and their enemies make them.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot make its world ends there"
)]

mod archives;
mod bombs;
mod codec;
mod conf;
mod conf_mistakes;
mod effort;
mod hostile;
#[cfg(unix)]
mod hostile_race;
mod others;
mod properties;
mod raw_zip;
