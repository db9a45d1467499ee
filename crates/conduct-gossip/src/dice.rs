//! Chance, seeded by the driver: the same seed and inputs give the same decisions.

use conduct_model::Span;

/// A small generator (splitmix). Good enough to spread load; never used for secrets.
#[derive(Debug)]
pub(crate) struct Dice(u64);

/// Scatters a number over all 64 bits; the same on every node.
pub(crate) fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(mix(seed))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `bound`; zero when there is none.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        if bound == 0 {
            return 0;
        }
        usize::try_from(self.next() % bound as u64).expect("smaller than a usize")
    }

    /// A span shorter than `limit`.
    pub(crate) fn span(&mut self, limit: Span) -> Span {
        Span::millis(self.next() % limit.as_millis().max(1))
    }

    /// Brings up to `count` random elements to the front and drops the rest.
    pub(crate) fn draw<T>(&mut self, from: &mut Vec<T>, count: usize) {
        let count = count.min(from.len());
        for place in 0..count {
            let other = place + self.below(from.len() - place);
            from.swap(place, other);
        }
        from.truncate(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seeds_throw_equal_dice() {
        let throw = |seed| {
            let mut dice = Dice::new(seed);
            (0..8).map(|_| dice.next()).collect::<Vec<_>>()
        };
        assert_eq!(throw(7), throw(7));
        assert_ne!(throw(7), throw(8));
    }

    #[test]
    fn a_draw_has_no_more_than_there_is_and_nothing_twice() {
        let mut dice = Dice::new(1);
        for count in 0..6 {
            let mut cards: Vec<u32> = (0..4).collect();
            dice.draw(&mut cards, count);
            assert_eq!(cards.len(), count.min(4));
            cards.sort_unstable();
            cards.dedup();
            assert_eq!(cards.len(), count.min(4));
        }
    }
}
