//! How fast archives may flow, so that probes stay punctual.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

/// Round trips so far above their floor mean that archives fill a queue on the way.
const RISE: Duration = Duration::from_millis(50);

/// The slowest that archives get, and the fastest that the pace is spelled out for.
const SLOWEST_BYTES_PER_S: u64 = 64 * 1024;
const FASTEST_BYTES_PER_S: u64 = 16 * 1024 * 1024 * 1024;

/// The floor creeps up by a four-thousandth with every look, so that a route that became longer for
/// good does not throttle for ever.
const CREEP: u32 = 4096;

/// A rate that halves when round trips rise and grows again when they fall.
#[derive(Debug)]
pub(crate) struct Pace(Mutex<State>);

#[derive(Debug)]
struct State {
    floor: Option<Duration>,
    rate: u64,
}

impl Pace {
    pub(crate) fn new() -> Pace {
        Pace(Mutex::new(State {
            floor: None,
            rate: FASTEST_BYTES_PER_S,
        }))
    }

    /// Takes in the round trip that probes have now.
    pub(crate) fn saw(&self, round_trip: Duration) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let floor = state.floor.map_or(round_trip, |floor| {
            let crept = floor + round_trip.saturating_sub(floor) / CREEP;
            crept.min(round_trip)
        });
        state.floor = Some(floor);
        state.rate = if round_trip > floor + RISE {
            (state.rate / 2).max(SLOWEST_BYTES_PER_S)
        } else {
            (state.rate + state.rate / 8).min(FASTEST_BYTES_PER_S)
        };
    }

    /// How long so many bytes should take.
    pub(crate) fn spread(&self, bytes: usize) -> Duration {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Duration::from_nanos((bytes as u64).saturating_mul(1_000_000_000) / state.rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_halve_their_pace_while_round_trips_are_high_and_recover_after() {
        let pace = Pace::new();
        pace.saw(Duration::from_millis(1));
        let free = pace.spread(1 << 20);
        for _ in 0..10 {
            pace.saw(Duration::from_millis(80));
        }
        let throttled = pace.spread(1 << 20);
        assert!(throttled > free * 500, "{throttled:?} after {free:?}");
        for _ in 0..200 {
            pace.saw(Duration::from_millis(1));
        }
        assert_eq!(pace.spread(1 << 20), free);
    }

    #[test]
    fn archives_never_stop_altogether() {
        let pace = Pace::new();
        pace.saw(Duration::from_millis(1));
        for _ in 0..1000 {
            pace.saw(Duration::from_secs(10));
        }
        assert!(pace.spread(64 * 1024) <= Duration::from_secs(1));
    }
}
