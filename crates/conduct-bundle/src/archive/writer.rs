//! Puts entries behind each other and closes the archive with its directory.

use std::io::{self, Write};

use conduct_model::Digest;

use super::content::{Content, CrcMeter, Measure};
use super::digest::{Hashing, each_chunk};
use super::error::{ArchiveError, quoted};
use super::format::{End, Record};
use super::stamp::{Mode, Stamp};
use super::trailer::{Trailer, trailer_text};

/// An archive that has been written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Written {
    /// What it is called by.
    pub digest: Digest,
    /// Its length without the trailer.
    pub bytes: u64,
}

/// Writes an archive front to back, hashing it on the way; never seeks. Keeps only the directory
/// in memory. Order and uniqueness of names are the caller's.
pub(crate) struct ArchiveWriter<W: Write> {
    out: Hashing<W>,
    directory: Vec<u8>,
    entries: u64,
    stamp: Stamp,
}

impl<W: Write> ArchiveWriter<W> {
    pub(crate) fn new(out: W, stamp: Stamp) -> ArchiveWriter<W> {
        ArchiveWriter {
            out: Hashing::new(out),
            directory: Vec::new(),
            entries: 0,
            stamp,
        }
    }

    /// An entry for a folder, which matters only if nothing is in it.
    pub(crate) fn folder(&mut self, path: &str, mode: Mode) -> Result<(), ArchiveError> {
        let nothing = Measure { bytes: 0, crc: 0 };
        self.header(&format!("{path}/"), mode, nothing)
            .map_err(ArchiveError::Write)
    }

    /// A file and its content.
    pub(crate) fn file(
        &mut self,
        path: &str,
        mode: Mode,
        content: &dyn Content,
    ) -> Result<(), ArchiveError> {
        let unreadable = ArchiveError::file("read", path);
        let measure = match content.measure() {
            Some(measure) => measure,
            None => match content
                .open()
                .and_then(|mut reader| Measure::of(&mut reader))
            {
                Ok(measure) => measure,
                Err(error) => return Err(unreadable(error)),
            },
        };
        self.header(path, mode, measure)
            .map_err(ArchiveError::Write)?;
        let mut reader = content.open().map_err(unreadable)?;
        self.content(path, &mut reader, measure)
    }

    fn header(&mut self, name: &str, mode: Mode, measure: Measure) -> io::Result<()> {
        let Measure { bytes, crc } = measure;
        let offset = self.out.bytes();
        let record = Record {
            name,
            mode,
            stamp: self.stamp,
            crc,
            bytes,
            offset,
        };
        self.out.write_all(&record.local())?;
        record.central(&mut self.directory);
        self.entries += 1;
        Ok(())
    }

    /// Copies exactly what the header announced. Other bytes than announced would make an archive
    /// that everybody refuses, so whoever is still writing to the file is told now.
    fn content(
        &mut self,
        path: &str,
        reader: &mut dyn io::Read,
        measure: Measure,
    ) -> Result<(), ArchiveError> {
        let mut meter = CrcMeter::default();
        let mut write_error = None;
        let copied = each_chunk(reader, |chunk| {
            meter.update(chunk);
            if meter.bytes() > measure.bytes {
                return Err(io::ErrorKind::InvalidData.into());
            }
            self.out.write_all(chunk).map_err(|error| {
                write_error = Some(error);
                io::ErrorKind::Other.into()
            })
        });
        if let Some(error) = write_error {
            return Err(ArchiveError::Write(error));
        }
        if meter.bytes() > measure.bytes || (copied.is_ok() && meter.measure() != measure) {
            return Err(ArchiveError::Changed {
                entry: quoted(path.as_bytes()),
            });
        }
        copied.map_err(ArchiveError::file("read", path))
    }

    /// Writes the directory and, if wanted, the trailer, and flushes.
    pub(crate) fn finish(mut self, trailer: Trailer) -> Result<Written, ArchiveError> {
        let end = End {
            entries: self.entries,
            directory_bytes: self.directory.len() as u64,
            directory_offset: self.out.bytes(),
        };
        self.out
            .write_all(&self.directory)
            .map_err(ArchiveError::Write)?;
        self.out
            .write_all(&end.encode())
            .map_err(ArchiveError::Write)?;
        let bytes = self.out.bytes();
        let (digest, mut out) = self.out.finish();
        if trailer == Trailer::Append {
            out.write_all(trailer_text(digest).as_bytes())
                .map_err(ArchiveError::Write)?;
        }
        out.flush().map_err(ArchiveError::Write)?;
        Ok(Written { digest, bytes })
    }
}
