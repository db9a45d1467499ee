//! From outside: a few nodes, what people ask of them, and what they come to.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail tests")]

mod cluster;
mod commands;
mod disk;
mod forgetting;
mod growth;
mod transport;
