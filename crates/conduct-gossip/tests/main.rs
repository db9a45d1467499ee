//! Whole clusters of machines in one thread, seen from outside.
#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "the network of these tests is test code throughout; fields are shown when one fails"
)]

#[path = "main/detection.rs"]
mod detection;
#[path = "main/joining.rs"]
mod joining;
#[path = "main/net.rs"]
mod net;
#[path = "main/numbers.rs"]
mod numbers;
#[path = "main/partitions.rs"]
mod partitions;
#[path = "main/traffic.rs"]
mod traffic;
#[path = "main/voting.rs"]
mod voting;
