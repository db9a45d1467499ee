//! A thread that ends a daemon whose loop does not turn any more, so that a supervisor starts it
//! anew: instances go on meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::notify;

const LOOK_SPAN: Duration = Duration::from_millis(500);
/// A loop that stands still for so long is stuck.
const STILL_LOOKS_MAX: u32 = 10;
/// A look that comes so late means that the whole process was paused, the loop with it.
const PAUSED: Duration = Duration::from_secs(2);

/// Counts the turns of the loop.
#[derive(Clone, Debug, Default)]
pub(crate) struct Beat(Arc<AtomicU64>);

impl Beat {
    pub(crate) fn turn(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn turns(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Watches from a thread of its own: a runtime that is stuck cannot watch itself.
pub(crate) fn watch(beat: Beat) -> std::io::Result<()> {
    std::thread::Builder::new()
        .name("watchdog".to_owned())
        .spawn(move || {
            let mut watch = Watch::default();
            loop {
                let before = Instant::now();
                std::thread::sleep(LOOK_SPAN);
                if watch.is_stuck(beat.turns(), before.elapsed()) {
                    tracing::error!("the loop stands still: aborting, to be started anew");
                    std::process::abort();
                }
                notify::tell("WATCHDOG=1");
            }
        })
        .map(drop)
}

#[derive(Default)]
struct Watch {
    seen: u64,
    still: u32,
}

impl Watch {
    /// Whether the loop has stood still for too long, `took` after the look before.
    fn is_stuck(&mut self, turns: u64, took: Duration) -> bool {
        let moved = turns != self.seen;
        self.seen = turns;
        self.still = if moved || took > PAUSED {
            0
        } else {
            self.still + 1
        };
        self.still >= STILL_LOOKS_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_that_stands_still_for_five_seconds_is_stuck() {
        let mut watch = Watch::default();
        assert!(!watch.is_stuck(1, LOOK_SPAN));
        for _ in 1..STILL_LOOKS_MAX {
            assert!(!watch.is_stuck(1, LOOK_SPAN));
        }
        assert!(watch.is_stuck(1, LOOK_SPAN));
    }

    #[test]
    fn a_loop_that_turns_or_a_process_that_was_paused_is_not() {
        let mut watch = Watch::default();
        for turn in 0..50 {
            assert!(!watch.is_stuck(turn / 5, LOOK_SPAN));
        }
        assert!(!watch.is_stuck(10, LOOK_SPAN));
        for _ in 1..STILL_LOOKS_MAX {
            assert!(!watch.is_stuck(10, LOOK_SPAN));
        }
        assert!(!watch.is_stuck(10, Duration::from_secs(30)));
        assert!(!watch.is_stuck(10, LOOK_SPAN));
    }
}
