//! Keeps what stands in front of a tar entry small.
//!
//! Long names and extended headers are read into memory whole before an entry is handed out, and
//! they say themselves how long they are. So between two entries only so much may be read.

use std::cell::Cell;
use std::io::{self, Read, Seek, SeekFrom};
use std::rc::Rc;

/// All headers of one entry together: names of 4 KiB, extended attributes, and room.
const HEADER_BYTES_MAX: u64 = 1 << 20;

/// How much may be read just now, shared between the one who reads and the one who allows it.
#[derive(Debug, Clone)]
pub(crate) struct Allowance(Rc<Cell<u64>>);

impl Allowance {
    /// Only headers until further notice.
    pub(crate) fn headers_only(&self) {
        self.0.set(HEADER_BYTES_MAX);
    }

    /// The content of the entry in hand, whose reader ends by itself.
    #[cfg(target_os = "linux")]
    pub(crate) fn content(&self) {
        self.0.set(u64::MAX);
    }
}

/// A reader that is cut off where more than its [`Allowance`] is read.
#[derive(Debug)]
pub(crate) struct Guard<R> {
    inner: R,
    left: Allowance,
}

impl<R> Guard<R> {
    pub(crate) fn new(inner: R) -> (Guard<R>, Allowance) {
        let left = Allowance(Rc::new(Cell::new(HEADER_BYTES_MAX)));
        (
            Guard {
                inner,
                left: left.clone(),
            },
            left,
        )
    }
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.0.get();
        if left == 0 && !buffer.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("the headers of a tar entry exceed {HEADER_BYTES_MAX} bytes"),
            ));
        }
        let most = usize::try_from(left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let count = self.inner.read(&mut buffer[..most])?;
        self.left.0.set(left - count as u64);
        Ok(count)
    }
}

impl<R: Seek> Seek for Guard<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}
