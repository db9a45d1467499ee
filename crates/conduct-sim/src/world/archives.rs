//! Archives move between disks, arrive whole or not at all, and rot.

use conduct_model::Digest;
use conduct_node::archive::{ArchiveEvent, ArchiveOrder, FetchFailure, GoneWhy};
use conduct_node::input::Input;

use super::{Occurrence, World};
use crate::engine::{Moment, micros, millis, secs};
use crate::machine::{Arrival, index_of};
use crate::network::{PACKET_BYTES, Traffic};

/// What a transfer carries in a microsecond: 50 MB/s, the slower of disk and hash.
const BYTES_PER_MICROSECOND: u64 = 50;
/// A peer that cannot be reached is given up after this.
const FETCH_PATIENCE: Moment = secs(3);
/// What a packet of a transfer carries.
const TRANSFER_PACKET_BYTES: u64 = 1_200;

impl World {
    pub(crate) fn archive_order(&mut self, host: usize, order: &ArchiveOrder) {
        match *order {
            ArchiveOrder::Fetch {
                digest,
                bytes,
                from,
            } => {
                self.fetch(host, digest, bytes, index_of(from));
            }
            ArchiveOrder::Cancel { digest } => {
                self.machines[host].archives.cancel(digest);
            }
            ArchiveOrder::Forward { digest, to } => self.forward(host, digest, index_of(to)),
            ArchiveOrder::Delete { digest } => {
                self.machines[host].archives.cancel(digest);
                self.machines[host].archives.remove(digest);
                self.store_says(
                    host,
                    ArchiveEvent::Gone {
                        digest,
                        why: GoneWhy::Deleted,
                    },
                );
            }
        }
    }

    fn fetch(&mut self, host: usize, digest: Digest, bytes: u64, from: usize) {
        if let Some(held) = self.machines[host].archives.get(digest) {
            self.store_says(
                host,
                ArchiveEvent::Verified {
                    digest,
                    bytes: held.bytes,
                },
            );
            return;
        }
        let transfer = self.new_transfer();
        let arrival = Arrival {
            transfer,
            from: Some(from),
        };
        if !self.machines[host].archives.begin(digest, arrival) {
            return;
        }
        let took = if self.can_serve(from, host) {
            duration(bytes)
        } else {
            FETCH_PATIENCE
        };
        self.plan_arrival_of(host, digest, transfer, took);
    }

    /// What arrives here from a client is sent on as it comes.
    fn forward(&mut self, host: usize, digest: Digest, to: usize) {
        if to >= self.machines.len() || self.machines[to].archives.get(digest).is_some() {
            return;
        }
        let bytes = self.clients.bytes_of(digest);
        let transfer = self.new_transfer();
        let arrival = Arrival {
            transfer,
            from: Some(host),
        };
        if self.machines[to].archives.begin(digest, arrival) {
            self.plan_arrival_of(to, digest, transfer, duration(bytes) + millis(2));
        }
    }

    /// A client begins to upload an archive. When it will be there.
    pub(crate) fn upload(&mut self, host: usize, digest: Digest, bytes: u64) -> Moment {
        if self.machines[host].archives.get(digest).is_some() {
            return self.now;
        }
        let transfer = self.new_transfer();
        let arrival = Arrival {
            transfer,
            from: None,
        };
        let took = duration(bytes);
        if self.machines[host].archives.begin(digest, arrival) {
            let event = ArchiveEvent::Arriving {
                digest,
                bytes: Some(bytes),
            };
            self.store_says(host, event);
            self.plan_arrival_of(host, digest, transfer, took);
        }
        self.now + took + millis(5)
    }

    /// The last byte of a transfer was due.
    pub(crate) fn transferred(&mut self, host: usize, digest: Digest, transfer: u64) {
        let machine = &mut self.machines[host];
        let Some(arrival) = machine.archives.arriving(digest) else {
            return;
        };
        if arrival.transfer != transfer {
            return;
        }
        if machine.daemon.is_none() {
            machine.archives.cancel(digest);
            return;
        }
        match arrival.from {
            None => self.take_archive(host, digest, self.clients.bytes_of(digest)),
            Some(from) => self.fetched(host, digest, from),
        }
    }

    fn fetched(&mut self, host: usize, digest: Digest, from: usize) {
        let source = self.machines[from].archives.get(digest);
        let arriving_there = self.machines[from].archives.arriving(digest).is_some();
        let why = match source {
            _ if !self.can_serve(from, host) => FetchFailure::Unreachable,
            None if arriving_there => FetchFailure::Absent,
            None => FetchFailure::Absent,
            Some(archive) if archive.rotten => {
                self.find_rotten(from, digest);
                FetchFailure::Damaged
            }
            Some(archive) => {
                self.charge_transfer(from, archive.bytes);
                self.take_archive(host, digest, archive.bytes);
                return;
            }
        };
        self.machines[host].archives.cancel(digest);
        let from = self.machines[from].key();
        self.store_says(host, ArchiveEvent::FetchFailed { digest, from, why });
    }

    fn take_archive(&mut self, host: usize, digest: Digest, bytes: u64) {
        self.machines[host].archives.put(digest, bytes);
        self.store_says(host, ArchiveEvent::Verified { digest, bytes });
    }

    /// An archive was read and is not what its digest says.
    pub(crate) fn find_rotten(&mut self, host: usize, digest: Digest) {
        if self.machines[host].archives.is_good(digest) {
            return;
        }
        let there = self.machines[host].archives.remove(digest);
        let why = if there {
            GoneWhy::Damaged
        } else {
            GoneWhy::Lost
        };
        self.watch.cover("rotten archive found");
        self.store_says(host, ArchiveEvent::Gone { digest, why });
    }

    /// The store reads everything that it holds.
    pub fn scrub(&mut self, host: usize) {
        if self.machines[host].daemon.is_none() {
            return;
        }
        for digest in self.machines[host].archives.scrub() {
            self.watch.cover("rotten archive found");
            self.store_says(
                host,
                ArchiveEvent::Gone {
                    digest,
                    why: GoneWhy::Damaged,
                },
            );
        }
    }

    fn can_serve(&self, from: usize, to: usize) -> bool {
        let source = self.machines.get(from);
        source.is_some_and(crate::machine::Machine::is_awake)
            && self.passes(from, to)
            && self.passes(to, from)
    }

    fn charge_transfer(&mut self, host: usize, bytes: u64) {
        let packets = bytes.div_ceil(TRANSFER_PACKET_BYTES);
        self.charge(host, Traffic::Archives, bytes + packets * PACKET_BYTES);
    }

    fn plan_arrival_of(&mut self, host: usize, digest: Digest, transfer: u64, took: Moment) {
        let due = Occurrence::Archive {
            host: host as u32,
            digest,
            transfer,
        };
        self.schedule.plan(self.now + took, due);
    }

    fn new_transfer(&mut self) -> u64 {
        self.transfers += 1;
        self.transfers
    }

    fn store_says(&mut self, host: usize, event: ArchiveEvent) {
        if self.machines[host].daemon.is_some() {
            self.tell_in(host, millis(1), Input::Archive(event));
        }
    }
}

fn duration(bytes: u64) -> Moment {
    micros(bytes / BYTES_PER_MICROSECOND) + millis(3)
}
