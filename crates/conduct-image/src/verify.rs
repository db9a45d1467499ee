//! Blobs are checked while they are read.

use std::io::{self, Read};

use conduct_model::Digest;
use sha2::{Digest as _, Sha256};

use crate::ImageError;

/// Reads a blob and refuses to end where the bytes were not those that its digest promises.
#[derive(Debug)]
pub struct Verified<R> {
    inner: R,
    name: String,
    expected: Digest,
    /// Of the size that was promised, if one was.
    left: Option<u64>,
    hasher: Sha256,
    checked: bool,
}

impl<R: Read> Verified<R> {
    /// Reads `inner`, which should be `size` bytes of this digest.
    pub fn new(inner: R, name: impl Into<String>, expected: Digest, size: u64) -> Verified<R> {
        Verified {
            left: Some(size),
            ..Verified::of_any_size(inner, name, expected)
        }
    }

    /// Reads `inner`, however long it is.
    pub fn of_any_size(inner: R, name: impl Into<String>, expected: Digest) -> Verified<R> {
        let (name, hasher) = (name.into(), Sha256::new());
        Verified {
            inner,
            name,
            expected,
            left: None,
            hasher,
            checked: false,
        }
    }

    /// Reads what the consumer did not need, so that the blob is checked as a whole.
    pub fn finish(mut self) -> io::Result<()> {
        io::copy(&mut self, &mut io::sink()).map(drop)
    }

    fn actual(&self) -> Digest {
        Digest::from_bytes(self.hasher.clone().finalize().into())
    }

    fn damaged(&self) -> io::Error {
        let (blob, expected) = (self.name.clone(), self.expected);
        ImageError::Digest {
            blob,
            expected,
            actual: self.actual(),
        }
        .into()
    }
}

impl<R: Read> Read for Verified<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.checked {
            return Ok(0);
        }
        let count = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        match self.left.map(|left| left.checked_sub(count as u64)) {
            None => {}
            Some(Some(left)) => self.left = Some(left),
            // Longer than promised: hash the surplus too, so that the message is true.
            Some(None) => loop {
                match self.inner.read(buffer)? {
                    0 => return Err(self.damaged()),
                    more => self.hasher.update(&buffer[..more]),
                }
            },
        }
        if count == 0 {
            if self.left.is_some_and(|left| left > 0) || self.actual() != self.expected {
                return Err(self.damaged());
            }
            self.checked = true;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], digest: Digest, size: u64) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        Verified::new(bytes, "blob", digest, size)
            .read_to_end(&mut out)
            .map(|_| out)
    }

    #[test]
    fn the_right_bytes_pass_and_no_others() {
        let digest = Digest::of(b"layer");
        assert_eq!(read(b"layer", digest, 5).expect("right"), b"layer");
        for (bytes, size) in [
            (&b"lay"[..], 5),
            (b"layer", 6),
            (b"layer", 4),
            (b"other", 5),
        ] {
            assert!(read(bytes, digest, size).is_err(), "{bytes:?} {size}");
        }
    }

    #[test]
    fn bytes_that_nobody_needed_are_checked_too() {
        let digest = Digest::of(b"layer");
        let mut blob = Verified::new(&b"layeR"[..], "blob", digest, 5);
        blob.read_exact(&mut [0; 2]).expect("two bytes");
        let error = blob.finish().expect_err("one byte differs");
        assert!(error.to_string().contains("damaged"), "{error}");
    }
}
