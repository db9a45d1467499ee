//! Layers come as plain tar, gzip or zstd. The bytes tell which: media types are sometimes wrong.

use std::io::{self, BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

use crate::ImageError;
use crate::zstd_frames::ZstdFrames;

const BUFFER_BYTES: usize = 64 << 10;

/// Reads the tar inside a layer.
pub fn decode<'a, R: Read + 'a>(mut layer: R) -> io::Result<Box<dyn Read + 'a>> {
    let mut start = Vec::with_capacity(6);
    layer.by_ref().take(6).read_to_end(&mut start)?;
    let kind = Compression::of(&start);
    let whole = BufReader::with_capacity(BUFFER_BYTES, Cursor::new(start).chain(layer));
    match kind {
        Compression::None => Ok(Box::new(whole)),
        Compression::Gzip => Ok(Box::new(MultiGzDecoder::new(whole))),
        Compression::Zstd => Ok(Box::new(ZstdFrames::new(whole))),
        Compression::Other(name) => Err(ImageError::Unsupported {
            what: format!("a layer compressed with {name}"),
            why: "layers are plain tar, gzip or zstd".to_owned(),
        }
        .into()),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Compression {
    None,
    Gzip,
    Zstd,
    Other(&'static str),
}

impl Compression {
    fn of(start: &[u8]) -> Compression {
        match start {
            [0x1f, 0x8b, ..] => Compression::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression::Zstd,
            [b'B', b'Z', b'h', ..] => Compression::Other("bzip2"),
            [0xfd, b'7', b'z', b'X', b'Z', 0] => Compression::Other("xz"),
            _ => Compression::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn decoded(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        decode(bytes)
            .expect("known")
            .read_to_end(&mut out)
            .expect("sound");
        out
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).expect("in memory");
        encoder.finish().expect("in memory")
    }

    #[test]
    fn the_bytes_tell_how_a_layer_is_compressed() {
        let text = b"a layer".repeat(1000);
        assert_eq!(decoded(&text), text);
        assert_eq!(decoded(&gzip(&text)), text);
        let zstd = zstd::stream::encode_all(&text[..], 3).expect("in memory");
        assert_eq!(decoded(&zstd), text);
        assert_eq!(decoded(b""), b"");
        assert!(decode(&b"BZh91AY"[..]).is_err());
    }

    #[test]
    fn a_layer_of_several_gzip_members_is_read_to_its_end() {
        let both = [gzip(b"first "), gzip(b"second")].concat();
        assert_eq!(decoded(&both), b"first second");
    }
}
