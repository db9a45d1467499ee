//! How much processor time this process has used.

use std::fs;
use std::time::{Duration, Instant};

/// Processor time since it was made; wall time where the kernel does not tell.
pub(crate) struct CpuTime {
    begun: Option<Duration>,
    wall: Instant,
}

/// The kernel counts in hundredths of a second.
const TICKS_PER_SECOND: u64 = 100;
/// Where user time stands behind the program's name in the kernel's line; system time follows.
const USER_FIELD: usize = 11;

impl CpuTime {
    pub(crate) fn start() -> CpuTime {
        CpuTime {
            begun: used(),
            wall: Instant::now(),
        }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        match (self.begun, used()) {
            (Some(begun), Some(now)) if now > begun => now - begun,
            _ => self.wall.elapsed(),
        }
    }

    pub(crate) fn wall(&self) -> Duration {
        self.wall.elapsed()
    }
}

fn used() -> Option<Duration> {
    let line = fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = line.rsplit_once(')')?.1.split_whitespace().collect();
    let user: u64 = fields.get(USER_FIELD)?.parse().ok()?;
    let system: u64 = fields.get(USER_FIELD + 1)?.parse().ok()?;
    Some(Duration::from_millis(
        (user + system) * 1_000 / TICKS_PER_SECOND,
    ))
}
