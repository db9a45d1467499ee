//! The node's only randomness: drawn from the seed that its driver gave it.

/// Numbers that look random and follow from the seed alone (splitmix64).
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// A number that follows from others and spreads well: for choices on which nodes should agree.
pub(crate) fn mixed(parts: &[u64]) -> u64 {
    parts.iter().fold(0x5bd1_e995, |seed, part| {
        Dice::new(seed ^ part.rotate_left(17)).bits()
    })
}
