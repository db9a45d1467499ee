//! Gzip that stores instead of compressing.
//!
//! Layers inside bundles are gzip files because readers expect that, and uncompressed because
//! bundles should be equal wherever they are made: what a compressor finds changes with its version.

use std::io::{self, Read};

use flate2::Crc;

/// The most that one stored block can hold.
const BLOCK_BYTES: usize = 65_535;

/// No name, no time, an unknown system: nothing that could differ.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// Reads `inner` as a gzip file. Equal content gives equal bytes, whatever the pieces it comes in.
#[derive(Debug)]
pub struct StoredGzip<R> {
    inner: R,
    /// Read from `inner` and not written yet: a block goes out when the next one has begun, since
    /// the last one is marked.
    block: Vec<u8>,
    out: Vec<u8>,
    sent: usize,
    crc: Crc,
    ended: bool,
}

impl<R: Read> StoredGzip<R> {
    /// Wraps a reader.
    pub fn new(inner: R) -> StoredGzip<R> {
        StoredGzip {
            inner,
            block: Vec::new(),
            out: HEADER.to_vec(),
            sent: 0,
            crc: Crc::new(),
            ended: false,
        }
    }

    fn refill(&mut self) -> io::Result<()> {
        self.out.clear();
        self.sent = 0;
        let mut next = Vec::with_capacity(BLOCK_BYTES);
        self.inner
            .by_ref()
            .take(BLOCK_BYTES as u64)
            .read_to_end(&mut next)?;
        self.crc.update(&next);
        if next.is_empty() {
            self.block_out(true);
            self.out.extend(self.crc.sum().to_le_bytes());
            self.out.extend(self.crc.amount().to_le_bytes());
            self.ended = true;
        } else if !self.block.is_empty() {
            self.block_out(false);
        }
        self.block = next;
        Ok(())
    }

    fn block_out(&mut self, last: bool) {
        let length = u16::try_from(self.block.len()).expect("a block has at most 65,535 bytes");
        self.out.push(u8::from(last));
        self.out.extend(length.to_le_bytes());
        self.out.extend((!length).to_le_bytes());
        self.out.append(&mut self.block);
    }
}

impl<R: Read> Read for StoredGzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.sent == self.out.len() && !self.ended {
            self.refill()?;
        }
        let count = buffer.len().min(self.out.len() - self.sent);
        buffer[..count].copy_from_slice(&self.out[self.sent..self.sent + count]);
        self.sent += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Hands out at most `most` bytes a time.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = self.1.min(buffer.len());
            self.0.read(&mut buffer[..most])
        }
    }

    fn stored(content: impl Read) -> Vec<u8> {
        let mut bytes = Vec::new();
        StoredGzip::new(content)
            .read_to_end(&mut bytes)
            .expect("in memory");
        bytes
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn it_reads_back_and_does_not_depend_on_the_pieces(
            length in prop_oneof![0..10usize, 65_530..65_540usize, 131_068..131_074usize, 0..300_000usize],
            piece in 1..70_000usize,
        ) {
            let content: Vec<u8> = (0..length).map(|at| (at * 7 + at / 251) as u8).collect();
            let bytes = stored(&content[..]);
            prop_assert_eq!(&stored(Slow(&content, piece)), &bytes);
            let mut back = Vec::new();
            flate2::read::GzDecoder::new(&bytes[..]).read_to_end(&mut back).expect("is gzip");
            prop_assert_eq!(back, content);
        }
    }
}
