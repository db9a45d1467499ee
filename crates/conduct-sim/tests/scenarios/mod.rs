//! The fault matrix, told row by row. Every rule is checked all the while.

mod clocks;
mod commands;
mod disks;
mod instances;
mod joining;
mod packets;
mod partitions;
mod pauses;
