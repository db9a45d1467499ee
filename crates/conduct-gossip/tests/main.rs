//! Whole clusters of machines in one thread, seen from outside.

#[path = "main/detection.rs"]
mod detection;
#[path = "main/joining.rs"]
mod joining;
#[path = "main/net.rs"]
mod net;
#[path = "main/partitions.rs"]
mod partitions;
#[path = "main/traffic.rs"]
mod traffic;
#[path = "main/voting.rs"]
mod voting;
