//! Seeded chance. Each subject (a link, a disk, the fault plan …) throws its own dice, so that
//! one throw more in one place does not change everything else that happens.

use std::ops::Range;

/// A chance in millionths: 5 % is 50 000.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct PerMillion(pub u32);

impl PerMillion {
    /// It never happens.
    pub const NEVER: PerMillion = PerMillion(0);
    /// It always happens.
    pub const ALWAYS: PerMillion = PerMillion(1_000_000);

    /// `n` percent.
    pub const fn percent(n: u32) -> PerMillion {
        PerMillion(n * 10_000)
    }
}

/// A generator of even numbers (xoshiro256++), the same on every machine and for ever.
#[derive(Clone, Debug)]
pub struct Dice([u64; 4]);

impl Dice {
    /// The dice that `subject` number `which` throws in the simulation with this seed.
    pub fn of(seed: u64, subject: &str, which: u64) -> Dice {
        let mut mixed = subject
            .bytes()
            .fold(seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
            });
        mixed ^= which.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut state = [0; 4];
        for word in &mut state {
            *word = split_mix(&mut mixed);
        }
        Dice(state)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        let Dice([a, b, c, d]) = self;
        let result = a.wrapping_add(*d).rotate_left(23).wrapping_add(*a);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        result
    }

    /// A number below `end`; zero when there is none.
    pub fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(end)) >> 64) as u64
    }

    /// A number within `range`.
    pub fn within(&mut self, range: Range<u64>) -> u64 {
        range.start + self.below(range.end.saturating_sub(range.start))
    }

    /// Whether something of this chance happens now. What never happens costs no throw.
    pub fn hits(&mut self, chance: PerMillion) -> bool {
        chance.0 != 0 && self.below(1_000_000) < u64::from(chance.0)
    }

    /// One of `choices`, or none when there are none.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        choices.get(self.below(choices.len() as u64) as usize)
    }

    /// Puts `items` into an order of chance.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_subject_throws_the_same_and_another_throws_something_else() {
        let throw = |subject, which| Dice::of(7, subject, which).bits();
        assert_eq!(throw("disk", 1), throw("disk", 1));
        assert_ne!(throw("disk", 1), throw("disk", 2));
        assert_ne!(throw("disk", 1), throw("link", 1));
    }

    #[test]
    fn chances_come_out_about_as_often_as_they_say() {
        let mut dice = Dice::of(1, "test", 0);
        let hits = (0..100_000)
            .filter(|_| dice.hits(PerMillion::percent(5)))
            .count();
        assert!((4_700..5_300).contains(&hits), "{hits}");
        assert!((0..1_000).all(|_| dice.hits(PerMillion::ALWAYS)));
        assert!((0..1_000).all(|_| (3..9).contains(&dice.within(3..9))));
    }

    #[test]
    fn a_shuffle_loses_nothing() {
        let mut items: Vec<u32> = (0..50).collect();
        Dice::of(1, "test", 0).shuffle(&mut items);
        assert_ne!(items, (0..50).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..50).collect::<Vec<_>>());
    }
}
