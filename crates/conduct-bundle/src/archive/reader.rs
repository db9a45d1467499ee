//! An archive that lies somewhere, to be looked into.

use std::cell::RefCell;
use std::io::{Read, Seek, SeekFrom};

use conduct_model::Digest;

use super::content::Content;
use super::digest::{BUFFER_BYTES, digest_of};
use super::directory::{Entry, read_directory};
use super::end::{TAIL_BYTES, check_end, find_end, read_end64};
use super::entry_reader::{ArchivedContent, EntryReader};
use super::error::{ArchiveError, Defect, Rule};
use super::format::{END64_BYTES, LOCAL_BYTES};
use super::limits::Limits;
use super::local::{check_local, local_lens};
use super::packing::{CONF_NAME, SCRIPT_NAME};
use super::trailer::find_trailer_in;

/// An archive whose directory has been read and found harmless. What its entries hold is checked
/// when they are read.
pub struct Archive<R> {
    reader: RefCell<R>,
    entries: Vec<Entry>,
    root: String,
    bytes: u64,
    trailer: Option<Digest>,
    limits: Limits,
}

impl<R: Read + Seek> Archive<R> {
    /// Reads the directory of the archive in `reader`. A trailer behind it is no part of it.
    pub fn open(mut reader: R, limits: Limits) -> Result<Archive<R>, ArchiveError> {
        let len = reader.seek(SeekFrom::End(0)).map_err(ArchiveError::Read)?;
        let found = find_trailer_in(&mut reader).map_err(ArchiveError::Read)?;
        let bytes = len - found.map_or(0, |found| found.bytes);

        let tail = read_at(
            &mut reader,
            bytes.saturating_sub(TAIL_BYTES),
            bytes.min(TAIL_BYTES),
        )?;
        let found_end = find_end(&tail, bytes).map_err(ArchiveError::Archive)?;
        let mut end = found_end.end;
        if let Some(offset) = found_end.end64_offset {
            let record = read_at(&mut reader, offset, END64_BYTES as u64)?;
            end = read_end64(&record, end).map_err(ArchiveError::Archive)?;
        }
        check_end(&end, found_end.records_offset, &limits).map_err(ArchiveError::Archive)?;
        let directory = read_at(&mut reader, end.directory_offset, end.directory_bytes)?;
        let entries = read_directory(&directory, &end, &limits)?;
        let root = find_root(&entries);
        let trailer = found.map(|found| found.digest);
        Ok(Archive {
            reader: RefCell::new(reader),
            entries,
            root,
            bytes,
            trailer,
            limits,
        })
    }

    /// All entries, in the archive's order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The folder that the bundle or configuration stands in: that of the first `bundle.conf`,
    /// else of the first `runtime-config.sh`, else the only top folder. Empty for the top itself.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// Its size, without a trailer.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What the trailer says, where there is one.
    pub fn trailer(&self) -> Option<Digest> {
        self.trailer
    }

    /// How much it may unpack to.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Hashes the archive, without its trailer.
    pub fn digest(&self) -> Result<Digest, ArchiveError> {
        let mut reader = self.reader.borrow_mut();
        reader.rewind().map_err(ArchiveError::Read)?;
        let mut content = reader.by_ref().take(self.bytes);
        let (digest, _) = digest_of(&mut content).map_err(ArchiveError::Read)?;
        Ok(digest)
    }

    /// Checks that the archive is the one that is called `expected`.
    pub fn verify(&self, expected: Digest) -> Result<(), ArchiveError> {
        let actual = self.digest()?;
        if actual == expected {
            Ok(())
        } else {
            Err(ArchiveError::Digest { expected, actual })
        }
    }

    /// The entry at a path below the root.
    pub fn find(&self, path: &str) -> Option<&Entry> {
        self.entries
            .iter()
            .find(|entry| entry.path.below(&self.root) == Some(path))
    }

    /// The text of `bundle.conf`; nothing in a configuration without one.
    pub fn conf(&self) -> Result<Option<String>, ArchiveError> {
        let Some(entry) = self.find(CONF_NAME) else {
            return Ok(None);
        };
        let bytes = self.read(entry, self.limits.conf_bytes)?;
        let text = String::from_utf8(bytes);
        text.map(Some)
            .map_err(|_| ArchiveError::Archive(Defect::ConfEncoding))
    }

    /// All of an entry, if it has no more than `bytes_max` bytes.
    pub fn read(&self, entry: &Entry, bytes_max: u64) -> Result<Vec<u8>, ArchiveError> {
        if entry.bytes > bytes_max {
            return Err(self.refusal(entry, Rule::Large(bytes_max)));
        }
        let mut reader = self.open_entry(entry)?;
        let mut all = Vec::new();
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            match reader.next_bytes(&mut buffer)? {
                0 => return Ok(all),
                count => all.extend_from_slice(&buffer[..count]),
            }
        }
    }

    /// A reader over an entry's content, which fails where that is not what the directory says.
    pub fn open_entry<'a>(&'a self, entry: &'a Entry) -> Result<EntryReader<'a, R>, ArchiveError> {
        let start = self.content_start(entry)?;
        Ok(EntryReader::new(&self.reader, entry, start, &self.limits))
    }

    /// An entry as content for another archive.
    pub fn content<'a>(&'a self, entry: &'a Entry) -> Box<dyn Content + 'a> {
        Box::new(ArchivedContent::new(self, entry))
    }

    /// Reads the entry's own header, which has to agree with the directory, and gives the place
    /// behind it.
    fn content_start(&self, entry: &Entry) -> Result<u64, ArchiveError> {
        let mut reader = self.reader.borrow_mut();
        let header = read_at(&mut *reader, entry.offset, LOCAL_BYTES as u64)?;
        let damaged = || ArchiveError::Archive(Defect::Damaged("local header"));
        let lens = local_lens(&header).ok_or_else(damaged)?;
        let names_offset = entry.offset + LOCAL_BYTES as u64;
        let names = read_at(&mut *reader, names_offset, (lens.0 + lens.1) as u64)?;
        let (name, extra) = names.split_at(lens.0);
        check_local(&header, name, extra, entry).map_err(|rule| self.refusal(entry, rule))?;
        let start = names_offset + names.len() as u64;
        match start.checked_add(entry.packed_bytes) {
            Some(end) if end <= entry.bound => Ok(start),
            _ => Err(self.refusal(entry, Rule::Overlap)),
        }
    }

    fn refusal(&self, entry: &Entry, rule: Rule) -> ArchiveError {
        ArchiveError::entry(entry.path.as_str().as_bytes(), rule)
    }
}

/// See [`Archive::root`].
fn find_root(entries: &[Entry]) -> String {
    let first = |name: &str| {
        entries
            .iter()
            .find(|entry| !entry.is_folder && entry.path.name() == name)
    };
    if let Some(mark) = first(CONF_NAME).or_else(|| first(SCRIPT_NAME)) {
        return mark.path.folder().unwrap_or_default().to_owned();
    }
    let is_inside = |entry: &Entry| entry.is_folder || entry.path.folder().is_some();
    let top = |entry: &Entry| entry.path.parts().next().map(str::to_owned);
    match entries.first().and_then(top) {
        Some(folder)
            if entries
                .iter()
                .all(|entry| is_inside(entry) && top(entry).as_ref() == Some(&folder)) =>
        {
            folder
        }
        _ => String::new(),
    }
}

fn read_at(
    reader: &mut (impl Read + Seek),
    offset: u64,
    bytes: u64,
) -> Result<Vec<u8>, ArchiveError> {
    reader
        .seek(SeekFrom::Start(offset))
        .map_err(ArchiveError::Read)?;
    // Bounded by the limits of the directory, and by 16-bit lengths elsewhere.
    let mut buffer = Vec::with_capacity(bytes as usize);
    let count = reader
        .by_ref()
        .take(bytes)
        .read_to_end(&mut buffer)
        .map_err(ArchiveError::Read)?;
    if count as u64 == bytes {
        Ok(buffer)
    } else {
        Err(ArchiveError::Archive(Defect::Damaged("end: it is cut off")))
    }
}
