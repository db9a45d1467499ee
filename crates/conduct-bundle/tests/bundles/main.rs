//! Bundles as their users and their enemies make them.

mod archives;
mod conf;
mod conf_mistakes;
mod hostile;
#[cfg(unix)]
mod hostile_race;
mod properties;
mod raw_zip;
