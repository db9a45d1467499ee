//! A few nodes in one memory: packets take a millisecond, disks one, programs a few. Enough to
//! see every flow through several nodes; faults of all kinds are the simulator's business.

mod bytes;
mod cluster;
mod commands;
mod copies;
mod deeds;
mod disks;
mod ending;
mod running;
mod versions;
mod world;

use cluster::Cluster;
