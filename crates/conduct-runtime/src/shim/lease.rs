//! The lease: without word from the majority an instance ends, whatever became of its daemon.

use nix::time::{ClockId, clock_gettime};

/// From the last word of the majority to SIGTERM, and to SIGKILL. The majority's replacements wait
/// longer than that.
const TERM_MILLIS: u64 = 12_000;
const KILL_MILLIS: u64 = 15_000;

#[derive(Debug)]
pub(super) struct Lease {
    stamp: u64,
}

impl From<u64> for Lease {
    fn from(stamp: u64) -> Lease {
        Lease { stamp }
    }
}

impl Lease {
    /// Stamps only rise: an old word that arrives late takes nothing away.
    pub(super) fn renew(&mut self, stamp: u64) {
        self.stamp = self.stamp.max(stamp);
    }

    pub(super) fn has_ended(&self, now: u64) -> bool {
        now >= self.due()
    }

    pub(super) fn due(&self) -> u64 {
        self.stamp.saturating_add(TERM_MILLIS)
    }

    pub(super) fn kill_at(&self) -> u64 {
        self.stamp.saturating_add(KILL_MILLIS)
    }
}

/// Milliseconds since the machine started, also while it slept.
pub(super) fn boot_millis() -> u64 {
    clock_gettime(ClockId::CLOCK_BOOTTIME)
        .or_else(|_| clock_gettime(ClockId::CLOCK_MONOTONIC))
        .map_or(0, |time| {
            time.tv_sec() as u64 * 1000 + time.tv_nsec() as u64 / 1_000_000
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_ends_twelve_seconds_after_the_newest_stamp() {
        let mut lease = Lease::from(1_000);
        assert!(!lease.has_ended(12_999) && lease.has_ended(13_000));
        lease.renew(5_000);
        lease.renew(2_000);
        assert!(!lease.has_ended(16_999) && lease.has_ended(17_000));
        assert_eq!(lease.kill_at(), 20_000);
    }
}
