//! Whole clusters of machines in one thread, seen from outside.

#[path = "main/detection.rs"]
mod detection;
#[path = "main/net.rs"]
mod net;
#[path = "main/partitions.rs"]
mod partitions;
