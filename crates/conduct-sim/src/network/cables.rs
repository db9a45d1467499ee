//! Which machine's packets reach which: a bit per ordered pair, so that a cut can be one-way.

/// The directed links that are cut or clogged. Everything else is open.
#[derive(Clone, Debug)]
pub struct Cables {
    hosts: usize,
    words: usize,
    cut: Vec<u64>,
    clogged: Vec<u64>,
    cuts: usize,
    clogs: usize,
}

impl Cables {
    /// All links open.
    pub fn open(hosts: usize) -> Cables {
        let words = hosts.div_ceil(64);
        let bits = vec![0; words * hosts];
        Cables {
            hosts,
            words,
            cut: bits.clone(),
            clogged: bits,
            cuts: 0,
            clogs: 0,
        }
    }

    /// The same links and `hosts` machines in all.
    #[must_use]
    pub fn grown(&self, hosts: usize) -> Cables {
        let mut grown = Cables::open(hosts);
        for from in 0..self.hosts {
            for to in 0..self.hosts {
                grown.set_cut(from, to, !self.is_open(from, to));
                grown.set_clogged(from, to, self.is_clogged(from, to));
            }
        }
        grown
    }

    /// Whether packets of `from` can reach `to`, sooner or later.
    pub fn is_open(&self, from: usize, to: usize) -> bool {
        self.cuts == 0 || !self.bit(&self.cut, from, to)
    }

    /// Whether packets of `from` wait before they reach `to`.
    pub fn is_clogged(&self, from: usize, to: usize) -> bool {
        self.clogs != 0 && self.bit(&self.clogged, from, to)
    }

    /// Whether both directions are open.
    pub fn both_ways(&self, one: usize, other: usize) -> bool {
        self.is_open(one, other) && self.is_open(other, one)
    }

    /// Whether no link is cut.
    pub fn is_whole(&self) -> bool {
        self.cuts == 0
    }

    /// Whether any link is clogged.
    pub const fn is_clogged_anywhere(&self) -> bool {
        self.clogs != 0
    }

    /// Cuts or mends the way from `from` to `to`.
    pub fn set_cut(&mut self, from: usize, to: usize, cut: bool) {
        let (word, mask) = self.place(from, to);
        let was = self.cut[word] & mask != 0;
        if from != to && was != cut {
            self.cut[word] ^= mask;
            self.cuts = if cut { self.cuts + 1 } else { self.cuts - 1 };
        }
    }

    /// Clogs or clears the way from `from` to `to`.
    pub fn set_clogged(&mut self, from: usize, to: usize, clogged: bool) {
        let (word, mask) = self.place(from, to);
        let was = self.clogged[word] & mask != 0;
        if from != to && was != clogged {
            self.clogged[word] ^= mask;
            self.clogs = if clogged {
                self.clogs + 1
            } else {
                self.clogs - 1
            };
        }
    }

    /// Opens every link again.
    pub fn mend(&mut self) {
        *self = Cables::open(self.hosts);
    }

    fn place(&self, from: usize, to: usize) -> (usize, u64) {
        (from * self.words + to / 64, 1 << (to % 64))
    }

    fn bit(&self, bits: &[u64], from: usize, to: usize) -> bool {
        let (word, mask) = self.place(from, to);
        bits[word] & mask != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_goes_one_way_and_survives_growth() {
        let mut cables = Cables::open(3);
        cables.set_cut(0, 2, true);
        cables.set_cut(0, 2, true);
        let grown = cables.grown(70);
        for cables in [&cables, &grown] {
            assert!(!cables.is_open(0, 2) && cables.is_open(2, 0));
            assert!(!cables.both_ways(0, 2) && cables.both_ways(0, 1));
        }
        cables.set_cut(0, 2, false);
        assert!(cables.is_whole());
    }

    #[test]
    fn a_machine_always_reaches_itself() {
        let mut cables = Cables::open(2);
        cables.set_cut(1, 1, true);
        assert!(cables.is_open(1, 1) && cables.is_whole());
    }
}
