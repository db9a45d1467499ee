//! Hashing what goes by.

use std::io::{self, Read, Write};

use conduct_model::Digest;
use sha2::{Digest as _, Sha256};

/// How much is read and hashed at a time: large enough that neither waits for the other's calls,
/// small enough to stay in the processor's cache.
pub(crate) const BUFFER_BYTES: usize = 256 * 1024;

/// Hashes all of `reader`, in constant memory. Gives the digest and the number of bytes.
pub fn digest_of(reader: &mut dyn Read) -> io::Result<(Digest, u64)> {
    let mut hasher = Sha256::new();
    let mut bytes = 0;
    each_chunk(reader, |chunk| {
        hasher.update(chunk);
        bytes += chunk.len() as u64;
        Ok(())
    })?;
    Ok((Digest::from_bytes(hasher.finalize().into()), bytes))
}

/// Reads to the end, a buffer at a time.
pub(crate) fn each_chunk(
    reader: &mut dyn Read,
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => take(&buffer[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Passes bytes on to a writer, counting and hashing them.
pub(crate) struct Hashing<W> {
    out: W,
    hasher: Sha256,
    bytes: u64,
}

impl<W: Write> Hashing<W> {
    pub(crate) fn new(out: W) -> Hashing<W> {
        Hashing {
            out,
            hasher: Sha256::new(),
            bytes: 0,
        }
    }

    /// How many bytes went through.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The digest of all that went through, and the writer.
    pub(crate) fn finish(self) -> (Digest, W) {
        (Digest::from_bytes(self.hasher.finalize().into()), self.out)
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_hashes_like_its_bytes() {
        let bytes: Vec<u8> = (0..BUFFER_BYTES * 2 + 7).map(|n| n as u8).collect();
        let (digest, count) = digest_of(&mut bytes.as_slice()).unwrap();
        assert_eq!((digest, count), (Digest::of(&bytes), bytes.len() as u64));
    }
}
