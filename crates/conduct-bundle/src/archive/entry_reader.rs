//! The content of one entry, held to what the directory says of it.

use std::cell::RefCell;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use flate2::bufread::DeflateDecoder;

use super::content::{Content, CrcMeter, Measure};
use super::digest::BUFFER_BYTES;
use super::directory::Entry;
use super::error::{ArchiveError, Rule};
use super::format::DEFLATED;
use super::limits::{Limits, Meter};
use super::reader::Archive;

/// Part of what a shared reader reads.
struct Section<'a, R> {
    reader: &'a RefCell<R>,
    position: u64,
    left: u64,
}

impl<R: Read + Seek> Read for Section<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = self.left.min(buffer.len() as u64) as usize;
        if wanted == 0 {
            return Ok(0);
        }
        let mut reader = self.reader.borrow_mut();
        reader.seek(SeekFrom::Start(self.position))?;
        let count = reader.read(&mut buffer[..wanted])?;
        self.position += count as u64;
        self.left -= count as u64;
        Ok(count)
    }
}

enum Source<'a, R: Read + Seek> {
    Stored(Section<'a, R>),
    Deflated(Box<DeflateDecoder<BufReader<Section<'a, R>>>>),
}

/// Reads an entry's content and holds it to what the directory says of it: size, checksum, ratio.
pub struct EntryReader<'a, R: Read + Seek> {
    entry: &'a Entry,
    limits: &'a Limits,
    source: Source<'a, R>,
    meter: CrcMeter,
    is_done: bool,
}

impl<'a, R: Read + Seek> EntryReader<'a, R> {
    /// Reads what begins at `start`.
    pub(crate) fn new(
        reader: &'a RefCell<R>,
        entry: &'a Entry,
        start: u64,
        limits: &'a Limits,
    ) -> EntryReader<'a, R> {
        let section = Section {
            reader,
            position: start,
            left: entry.packed_bytes,
        };
        let source = if entry.method == DEFLATED {
            let buffered = BufReader::with_capacity(BUFFER_BYTES, section);
            Source::Deflated(Box::new(DeflateDecoder::new(buffered)))
        } else {
            Source::Stored(section)
        };
        EntryReader {
            entry,
            limits,
            source,
            meter: CrcMeter::default(),
            is_done: false,
        }
    }

    /// The next bytes; none at the end, which is reached only if all was as announced.
    pub(crate) fn next_bytes(&mut self, buffer: &mut [u8]) -> Result<usize, ArchiveError> {
        if self.is_done || buffer.is_empty() {
            return Ok(0);
        }
        let count = match self.read_some(buffer) {
            Ok(count) => count,
            Err(error) => return Err(self.explain(error)),
        };
        self.meter.update(&buffer[..count]);
        self.check(count).map_err(|rule| self.refusal(rule))?;
        self.is_done = count == 0;
        Ok(count)
    }

    fn read_some(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = match &mut self.source {
                Source::Stored(section) => section.read(buffer),
                Source::Deflated(decoder) => decoder.read(buffer),
            };
            match read {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    /// Tells damage from failures of the machine.
    fn explain(&self, error: io::Error) -> ArchiveError {
        use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        let is_deflated = matches!(self.source, Source::Deflated(_));
        match error.kind() {
            InvalidInput | InvalidData | UnexpectedEof if is_deflated => {
                self.refusal(Rule::Damaged)
            }
            _ => ArchiveError::Read(error),
        }
    }

    /// How much was taken from the archive, and how much came out.
    pub(crate) fn meter(&self) -> Meter {
        let packed = match &self.source {
            Source::Stored(_) => self.meter.bytes(),
            Source::Deflated(decoder) => decoder.total_in(),
        };
        Meter {
            packed,
            unpacked: self.meter.bytes(),
        }
    }

    fn check(&self, count: usize) -> Result<(), Rule> {
        let Measure { bytes, crc } = self.meter.measure();
        let said = self.entry.bytes;
        if bytes > said {
            return Err(Rule::Size {
                found: "more",
                said,
            });
        }
        self.meter().check(self.limits)?;
        if count > 0 {
            return Ok(());
        }
        if bytes < said {
            return Err(Rule::Size {
                found: "less",
                said,
            });
        }
        if self.meter().packed != self.entry.packed_bytes {
            return Err(Rule::Damaged);
        }
        if crc == self.entry.crc {
            Ok(())
        } else {
            Err(Rule::Checksum)
        }
    }

    fn refusal(&self, rule: Rule) -> ArchiveError {
        ArchiveError::entry(self.entry.path.as_str().as_bytes(), rule)
    }
}

/// A refusal comes as an [`io::Error`] that holds the [`ArchiveError`].
impl<R: Read + Seek> Read for EntryReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.next_bytes(buffer).map_err(|error| match error {
            ArchiveError::Read(error) => error,
            refusal => io::Error::other(refusal),
        })
    }
}

/// An entry as content for another archive.
pub(crate) struct ArchivedContent<'a, R> {
    archive: &'a Archive<R>,
    entry: &'a Entry,
}

impl<'a, R> ArchivedContent<'a, R> {
    pub(crate) fn new(archive: &'a Archive<R>, entry: &'a Entry) -> ArchivedContent<'a, R> {
        ArchivedContent { archive, entry }
    }
}

impl<R: Read + Seek> Content for ArchivedContent<'_, R> {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        match self.archive.open_entry(self.entry) {
            Ok(reader) => Ok(Box::new(reader)),
            Err(ArchiveError::Read(error)) => Err(error),
            Err(refusal) => Err(io::Error::other(refusal)),
        }
    }

    /// The directory's claim. It is held to when the content is copied.
    fn measure(&self) -> Option<Measure> {
        Some(Measure {
            bytes: self.entry.bytes,
            crc: self.entry.crc,
        })
    }
}
