//! Where the bytes of an entry come from.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::PathBuf;

use super::digest::each_chunk;

/// Bytes that can be read from their start as often as need be. An archive says size and checksum
/// of an entry before its content, so content is read once to measure and once to write, unless
/// its measure is known.
pub trait Content {
    /// A reader that begins with the first byte. At most one is in use at a time.
    fn open(&self) -> io::Result<Box<dyn Read + '_>>;

    /// Size and checksum, where they need not be found out by reading.
    fn measure(&self) -> Option<Measure> {
        None
    }
}

/// Size and checksum of some content.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Measure {
    /// How many bytes.
    pub bytes: u64,
    /// Their CRC-32, as zip files have it.
    pub crc: u32,
}

/// A file that is opened only when its turn comes, so that any number may be packed.
#[derive(Clone, Debug)]
pub struct FileContent(pub PathBuf);

impl Measure {
    /// Reads all of `reader`.
    pub fn of(reader: &mut dyn Read) -> io::Result<Measure> {
        let mut meter = CrcMeter::default();
        each_chunk(reader, |chunk| {
            meter.update(chunk);
            Ok(())
        })?;
        Ok(meter.measure())
    }
}

impl Content for Vec<u8> {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(self.as_slice()))
    }
}

impl Content for FileContent {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(File::open(&self.0)?))
    }
}

/// An open file, such as a temporary one without name that a stream was spooled to.
impl Content for File {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        let mut file = self;
        file.rewind()?;
        Ok(Box::new(file))
    }
}

/// Measures bytes that go by.
#[derive(Default)]
pub(crate) struct CrcMeter {
    crc: flate2::Crc,
    bytes: u64,
}

impl CrcMeter {
    pub(crate) fn update(&mut self, chunk: &[u8]) {
        self.crc.update(chunk);
        self.bytes += chunk.len() as u64;
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn measure(&self) -> Measure {
        Measure {
            bytes: self.bytes,
            crc: self.crc.sum(),
        }
    }
}
