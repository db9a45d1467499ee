//! Ranges of seeds.

use std::str::FromStr;

/// From the first up to, and without, the last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SeedRange {
    pub(crate) from: u64,
    pub(crate) to: u64,
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
