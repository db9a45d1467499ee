//! Counts what comes out of the layers, as it comes.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use super::{Limits, Unpacked};
use crate::ImageError;

/// What is left of the [`Limits`].
#[derive(Debug)]
pub(super) struct Budget {
    limits: Limits,
    spent: Unpacked,
}

impl Budget {
    pub(super) fn new(limits: Limits) -> Budget {
        Budget {
            limits,
            spent: Unpacked::default(),
        }
    }

    pub(super) fn spent(self) -> Unpacked {
        self.spent
    }

    pub(super) fn depth_max(&self) -> usize {
        self.limits.depth_max
    }

    pub(super) fn entry(&mut self) -> Result<(), ImageError> {
        self.spent.entries += 1;
        if self.spent.entries > self.limits.entries_max {
            let max = format!("{} entries", self.limits.entries_max);
            return Err(ImageError::TooLarge {
                what: "the image".to_owned(),
                max,
            });
        }
        Ok(())
    }

    pub(super) fn skip(&mut self) {
        self.spent.skipped += 1;
    }

    pub(super) fn content(&mut self, bytes: u64) -> Result<(), ImageError> {
        self.spent.bytes += bytes;
        if self.spent.bytes > self.limits.bytes_max {
            let max = format!("{} bytes", self.limits.bytes_max);
            return Err(ImageError::TooLarge {
                what: "the unpacked image".to_owned(),
                max,
            });
        }
        Ok(())
    }
}

/// Counts the bytes that are read through it.
#[derive(Debug)]
pub(super) struct Counted<R> {
    inner: R,
    count: Rc<Cell<u64>>,
}

impl<R> Counted<R> {
    pub(super) fn new(inner: R) -> (Counted<R>, Rc<Cell<u64>>) {
        let count = Rc::new(Cell::new(0));
        (
            Counted {
                inner,
                count: count.clone(),
            },
            count,
        )
    }

    pub(super) fn into_inner(self) -> R {
        self.inner
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.count.set(self.count.get() + count as u64);
        Ok(count)
    }
}

/// Ends a layer that grows beyond all measure while it is decompressed, wherever in the tar that
/// happens: also between entries and behind the last one.
#[derive(Debug)]
pub(super) struct Measured<R> {
    inner: R,
    came_out: u64,
    went_in: Rc<Cell<u64>>,
    limits: Limits,
}

impl<R> Measured<R> {
    pub(super) fn new(inner: R, went_in: Rc<Cell<u64>>, limits: Limits) -> Measured<R> {
        Measured {
            inner,
            came_out: 0,
            went_in,
            limits,
        }
    }
}

impl<R: Read> Read for Measured<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.came_out += count as u64;
        let honest = self.went_in.get().saturating_mul(self.limits.ratio_max);
        if self.came_out > honest.max(Limits::RATIO_FROM_BYTES) {
            return Err(ImageError::TooLarge {
                what: "what a layer unpacks to".to_owned(),
                max: format!("{} times its size", self.limits.ratio_max),
            }
            .into());
        }
        Ok(count)
    }
}
