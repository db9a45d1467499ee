//! Reads zstd in a language that keeps to its buffers: layers come from strangers, and they are
//! unpacked with the rights of the daemon.

use std::io::{self, BufRead, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// How much is decoded before it is handed out.
const STEP_BYTES: usize = 128 << 10;

/// The header of a frame that looks back at 1 KiB. A decoder holds only those frames to its bound on
/// memory that come after its first.
const FIRST_HEADER: [u8; 6] = [0x28, 0xb5, 0x2f, 0xfd, 0, 0];

/// The content of all frames, one after the other. Frames that hold notes of some tool to itself
/// are skipped.
pub(crate) struct ZstdFrames<R> {
    inner: R,
    decoder: FrameDecoder,
    within: bool,
}

impl<R: BufRead> ZstdFrames<R> {
    pub(crate) fn new(inner: R) -> ZstdFrames<R> {
        let mut decoder = FrameDecoder::new();
        decoder
            .reset(&FIRST_HEADER[..])
            .expect("the header above is sound");
        ZstdFrames {
            inner,
            decoder,
            within: false,
        }
    }

    /// Begins the next frame, if there is one.
    fn begin(&mut self) -> io::Result<bool> {
        while !self.inner.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.inner) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let mut note = self.inner.by_ref().take(u64::from(length));
                    io::copy(&mut note, &mut io::sink())?;
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        Ok(false)
    }

    /// All of a frame has been handed out.
    fn end(&mut self) -> io::Result<()> {
        self.within = false;
        let told = self.decoder.get_checksum_from_data();
        match told.is_none_or(|told| self.decoder.get_calculated_checksum() == Some(told)) {
            true => Ok(()),
            false => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the checksum of a zstd frame is wrong",
            )),
        }
    }
}

impl<R: BufRead> Read for ZstdFrames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !buffer.is_empty() {
            if !self.within && !self.begin()? {
                return Ok(0);
            }
            self.within = true;
            if self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let step = BlockDecodingStrategy::UptoBytes(STEP_BYTES);
                self.decoder
                    .decode_blocks(&mut self.inner, step)
                    .map_err(io::Error::other)?;
            }
            let count = self.decoder.read(buffer)?;
            if count > 0 {
                return Ok(count);
            }
            if self.decoder.is_finished() {
                self.end()?;
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        ZstdFrames::new(bytes).read_to_end(&mut out).map(|_| out)
    }

    fn encoded(content: &[u8], level: i32) -> Vec<u8> {
        let mut encoder = zstd::stream::Encoder::new(Vec::new(), level).expect("in memory");
        encoder.include_checksum(true).expect("a setting");
        io::copy(&mut &content[..], &mut encoder).expect("in memory");
        encoder.finish().expect("in memory")
    }

    #[test]
    fn frames_follow_each_other_and_notes_are_skipped() {
        let note = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"toc"].concat();
        let all = [
            encoded(b"first ", 3),
            note,
            encoded(b"", 1),
            encoded(b"last", 19),
        ]
        .concat();
        assert_eq!(read(&all).expect("sound"), b"first last");
        assert_eq!(read(b"").expect("nothing"), b"");
    }

    #[test]
    fn damage_is_an_error_wherever_it_is() {
        let content = b"some content that is long enough".repeat(100);
        let sound = encoded(&content, 3);
        for at in 0..sound.len() {
            let mut damaged = sound.clone();
            damaged[at] ^= 1;
            // Some bits of a header mean nothing, so the content may have survived; no other may.
            assert!(
                read(&damaged).map_or(true, |read| read == content),
                "byte {at}"
            );
            assert!(read(&sound[..at]).is_err() || at == 0, "cut at {at}");
        }
    }

    #[test]
    fn a_window_that_would_fill_the_memory_is_refused() {
        // A frame of one empty block that asks for 1 TiB to look back at.
        let greedy = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 30 << 3, 1, 0, 0];
        assert!(read(&greedy).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn what_the_usual_encoder_writes_is_read(
            words in prop::collection::vec(0..40_u8, 0..3000),
            repeat in 1..60_usize,
            level in prop::sample::select(vec![-5, 1, 3, 9, 19]),
        ) {
            let content = words.repeat(repeat);
            prop_assert_eq!(read(&encoded(&content, level)).expect("sound"), content);
        }
    }
}
