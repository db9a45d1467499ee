//! The two clocks that the brain is told.

use std::time::{SystemTime, UNIX_EPOCH};

use conduct_model::{Now, Time, Wall};
use nix::time::{ClockId, clock_gettime};

/// The machine's time since it started, also while it slept: a suspended node finds that time has
/// passed, and shims count their leases by the same clock.
pub(crate) fn time() -> Time {
    let since_boot = clock_gettime(ClockId::CLOCK_BOOTTIME)
        .or_else(|_| clock_gettime(ClockId::CLOCK_MONOTONIC))
        .map_or(0, |time| {
            time.tv_sec() as u64 * 1000 + time.tv_nsec() as u64 / 1_000_000
        });
    Time::from_millis(since_boot)
}

/// The date, as far as the machine knows it.
pub(crate) fn wall() -> Wall {
    let since_1970 = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Wall::from_millis(since_1970.as_millis() as u64)
}

/// Both.
pub(crate) fn now() -> Now {
    Now {
        time: time(),
        wall: wall(),
    }
}
