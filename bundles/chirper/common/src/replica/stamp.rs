//! Who wrote an entry, and when in the order of all entries.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One life of one process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin(u64);

/// The order of all entries: first by time, then by origin, so that no two are equal.
///
/// The time is that of a hybrid clock: milliseconds since 1970, but always more than everything that
/// the writer had seen. So an answer is later than its question, whatever the clocks say.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Stamp {
    /// Milliseconds since 1970, or a little more.
    pub time: u64,
    /// Who wrote it.
    pub origin: Origin,
    /// Its number among those that the same one wrote.
    pub number: u64,
}

impl Origin {
    /// A new one. With 64 random bits, two of a million lives meet with a chance of 1 in 37 million.
    ///
    /// # Errors
    /// If the kernel has no randomness to give.
    pub fn random() -> Result<Origin, rand::rngs::SysError> {
        use rand::TryRng as _;
        Ok(Origin(rand::rngs::SysRng.try_next_u64()?))
    }

    /// The one of this number.
    pub fn from_number(number: u64) -> Origin {
        Origin(number)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:016x}", self.0)
    }
}

/// Not 16 hexadecimal digits.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no origin")]
pub struct OriginError(String);

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Origin, OriginError> {
        let digits = text.len() == 16 && text.bytes().all(|it| it.is_ascii_hexdigit());
        let number = u64::from_str_radix(text, 16).ok().filter(|_| digits);
        number.map(Origin).ok_or_else(|| OriginError(text.into()))
    }
}

impl TryFrom<String> for Origin {
    type Error = OriginError;

    fn try_from(text: String) -> Result<Origin, OriginError> {
        text.parse()
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> String {
        origin.to_string()
    }
}
