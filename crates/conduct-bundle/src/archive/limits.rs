//! How much an archive may unpack to, and the counter that says when it is too much.

use super::error::Rule;

/// What an archive may cost whoever unpacks it. Sizes are counted on the bytes that really come
/// out; what headers claim is only ever a reason to refuse earlier.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limits {
    /// All files together.
    pub total_bytes: u64,
    /// Unpacked bytes per packed byte, of each file and of all together, beyond the first
    /// [`Limits::RATIO_FREE_BYTES`].
    pub ratio: u64,
    /// Files and folders, implied folders included.
    pub entries: u64,
    /// Parts of a path. Never more than [`super::EntryPath::DEPTH_MAX`].
    pub depth: usize,
    /// The archive's directory, which is held in memory.
    pub directory_bytes: u64,
    /// `bundle.conf`.
    pub conf_bytes: u64,
}

impl Limits {
    /// Small files may be as regular as they like.
    pub const RATIO_FREE_BYTES: u64 = 1024 * 1024;
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            total_bytes: 4 << 30,
            ratio: 200,
            entries: 100_000,
            depth: super::EntryPath::DEPTH_MAX,
            directory_bytes: 16 << 20,
            conf_bytes: 64 * 1024,
        }
    }
}

/// Counts what goes in and what comes out, of one entry or of all.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Meter {
    pub(crate) packed: u64,
    pub(crate) unpacked: u64,
}

impl Meter {
    pub(crate) fn check(&self, limits: &Limits) -> Result<(), Rule> {
        if self.unpacked > limits.total_bytes {
            return Err(Rule::Total(limits.total_bytes));
        }
        let allowed = self
            .packed
            .saturating_mul(limits.ratio)
            .max(Limits::RATIO_FREE_BYTES);
        if self.unpacked > allowed {
            return Err(Rule::Ratio(limits.ratio));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bomb_is_told_from_a_regular_small_file() {
        let limits = Limits::default();
        let check = |packed, unpacked| Meter { packed, unpacked }.check(&limits);
        assert_eq!(check(1000, 1 << 20), Ok(()));
        assert_eq!(check(1000, (1 << 20) + 1), Err(Rule::Ratio(200)));
        assert_eq!(check(10_000, 2_000_000), Ok(()));
        assert_eq!(check(u64::MAX, 4 << 30), Ok(()));
        assert_eq!(check(u64::MAX, (4 << 30) + 1), Err(Rule::Total(4 << 30)));
    }
}
