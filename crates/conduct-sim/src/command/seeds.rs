//! Ranges of seeds.

use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

/// From the first up to, and without, the last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SeedRange {
    pub(crate) from: u64,
    pub(crate) to: u64,
}

/// No machine plays more in a second.
const SEEDS_PER_SECOND: u64 = 1_000;

impl SeedRange {
    /// Seeds that begin where the clock is, so that every soak plays new ones.
    pub(crate) fn unseen() -> SeedRange {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        SeedRange {
            from: since.as_secs() * SEEDS_PER_SECOND,
            to: u64::MAX,
        }
    }
}

impl FromStr for SeedRange {
    type Err = String;

    fn from_str(text: &str) -> Result<SeedRange, String> {
        let wrong = || format!("{text:?} is no range such as 1..1001");
        let (from, to) = text.split_once("..").ok_or_else(wrong)?;
        let from = from.parse().map_err(|_| wrong())?;
        let to = to.parse().map_err(|_| wrong())?;
        if from < to {
            Ok(SeedRange { from, to })
        } else {
            Err(wrong())
        }
    }
}
