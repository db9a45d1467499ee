//! Names of writes.

/// Names one write of one machine until the driver says that it is on disk.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Token(u64);

impl Token {
    /// The name of the write after this one.
    #[must_use]
    pub(crate) const fn next(self) -> Token {
        Token(self.0 + 1)
    }
}
