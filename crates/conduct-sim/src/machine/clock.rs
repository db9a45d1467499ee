//! What a machine takes for the time: its steady clock starts anywhere and runs a little fast or
//! slow; its wall clock may say anything.

use conduct_model::{Now, Time, Wall};

use crate::engine::{Dice, Moment, micros};

/// 2026-01-01, when every simulation begins.
const EPOCH_MILLIS: i64 = 1_767_225_600_000;

const MILLION: u64 = 1_000_000;

/// The two clocks of one machine.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    offset_millis: u64,
    drift_ppm: i64,
    wall_skew_millis: i64,
}

impl Clock {
    /// A clock as machines have them: up for some time already, at most 100 ppm and some
    /// milliseconds wrong.
    pub fn usual(dice: &mut Dice) -> Clock {
        Clock {
            offset_millis: dice.within(1_000..100_000_000),
            drift_ppm: dice.below(201) as i64 - 100,
            wall_skew_millis: dice.below(21) as i64 - 10,
        }
    }

    /// Both clocks at `now`.
    pub fn read(&self, now: Moment) -> Now {
        Now {
            time: self.time(now),
            wall: self.wall(now),
        }
    }

    /// The steady clock at `now`.
    pub fn time(&self, now: Moment) -> Time {
        Time::from_millis(self.offset_millis + self.stretched(now) / 1_000)
    }

    /// The wall clock at `now`.
    pub fn wall(&self, now: Moment) -> Wall {
        let millis = EPOCH_MILLIS + (self.stretched(now) / 1_000) as i64 + self.wall_skew_millis;
        Wall::from_millis(millis.max(0) as u64)
    }

    /// The first moment at which the steady clock shows `time` or more.
    pub fn when(&self, time: Time) -> Moment {
        if time == Time::NEVER {
            return Moment::NEVER;
        }
        let shown_micros = time.as_millis().saturating_sub(self.offset_millis) * 1_000;
        micros((shown_micros * MILLION).div_ceil(self.rate()))
    }

    /// How far the wall clock is from the truth, in milliseconds.
    pub const fn wall_skew_millis(&self) -> i64 {
        self.wall_skew_millis
    }

    /// Someone sets the wall clock.
    pub fn jump_wall(&mut self, by_millis: i64) {
        self.wall_skew_millis += by_millis;
    }

    /// Someone sets the wall clock right.
    pub fn correct_wall(&mut self) {
        self.wall_skew_millis = 0;
    }

    /// Microseconds that this clock counts. Exact for simulations of up to two hundred days.
    const fn stretched(&self, now: Moment) -> u64 {
        now.as_micros() * self.rate() / MILLION
    }

    const fn rate(&self) -> u64 {
        MILLION.saturating_add_signed(self.drift_ppm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{mins, secs};

    #[test]
    fn an_alarm_rings_when_the_clock_shows_its_time_and_not_before() {
        for seed in 0..50 {
            let mut dice = Dice::of(seed, "clock", 0);
            let clock = Clock::usual(&mut dice);
            for _ in 0..50 {
                let at = micros(dice.below(mins(60).as_micros()));
                let alarm = Time::from_millis(clock.time(at).as_millis() + dice.below(5_000));
                let rings = clock.when(alarm);
                assert!(clock.time(rings) >= alarm);
                assert!(rings == Moment::ZERO || clock.time(rings - micros(1)) < alarm);
            }
        }
    }

    #[test]
    fn the_wall_jumps_and_the_steady_clock_does_not_care() {
        let mut clock = Clock::usual(&mut Dice::of(1, "clock", 0));
        let (time, wall) = (clock.time(secs(5)), clock.wall(secs(5)));
        clock.jump_wall(-3_600_000);
        assert_eq!(clock.time(secs(5)), time);
        assert_eq!(
            clock.wall(secs(5)).as_millis(),
            wall.as_millis() - 3_600_000
        );
    }
}
