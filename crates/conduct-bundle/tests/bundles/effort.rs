//! How much work something was, whatever else the machine does meanwhile.

use std::time::Duration;

/// Runs `work` and gives the processor time that it took.
pub(crate) fn effort<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let before = used();
    let done = work();
    (done, used().saturating_sub(before))
}

#[cfg(unix)]
fn used() -> Duration {
    use nix::time::{ClockId, clock_gettime};
    let used = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap();
    Duration::from(used)
}

#[cfg(not(unix))]
fn used() -> Duration {
    use std::sync::LazyLock;
    use std::time::Instant;
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}
