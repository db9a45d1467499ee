//! The entries of one process on a disk: a line each, with a checksum before it.
//!
//! A folder may be used by several processes at once, as an old and a new release of a service are
//! on one node during an upgrade. Each writes to a file of its own, which it keeps locked as long as
//! it lives. Whoever starts reads all files, writes what they have to a new one, and removes those
//! whose writers are gone; so there are never more files than processes, and nothing to tidy up.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::log::{Entry, Log};
use super::stamp::Origin;

/// Hexadecimal digits of the checksum of a line.
const CHECKSUM_DIGITS: usize = 16;

pub(super) struct Journal {
    path: PathBuf,
    file: File,
    length: u64,
    /// A write failed half-way and could not be undone: nothing may come after it.
    is_torn: bool,
}

/// The disk does not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Something could not be done to a file or a folder.
    #[error("could not {action} {path}")]
    File {
        /// What.
        action: &'static str,
        /// To which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// After an earlier failure nothing is written any more.
    #[error("{path} takes nothing more: an earlier write failed half-way")]
    Torn {
        /// The file.
        path: PathBuf,
    },
}

/// What a file held.
struct Found {
    path: PathBuf,
    entries: Vec<Entry<Value>>,
    is_damaged: bool,
    /// Nobody writes to it any more.
    is_left: bool,
}

impl Journal {
    /// Opens the folder for a new life, with all that is in it.
    pub(super) fn open(folder: &Path, life: Origin) -> Result<(Journal, Log<Value>), JournalError> {
        fs::create_dir_all(folder).map_err(at("create", folder))?;
        // One opens at a time: so no file is taken for left that is just about to be locked.
        let lock = folder.join("lock");
        let lock_file = File::create(&lock).map_err(at("create", &lock))?;
        lock_file.lock().map_err(at("lock", &lock))?;

        let found = read_all(folder)?;
        let log = merged(&found);
        let journal = Journal::create(folder, life, &log)?;
        for file in found.iter().filter(|file| file.is_left) {
            put_away(file)?;
        }
        sync_folder(folder)?;
        Ok((journal, log))
    }

    fn create(folder: &Path, life: Origin, log: &Log<Value>) -> Result<Journal, JournalError> {
        let path = folder.join(format!("{life}.log"));
        let unfinished = path.with_extension("new");
        // Appending, so that a file that is cut after a failed write goes on at its new end.
        let options = OpenOptions::new().append(true).create_new(true).clone();
        let mut file = options
            .open(&unfinished)
            .map_err(at("create", &unfinished))?;
        file.lock().map_err(at("lock", &unfinished))?;
        let text = lines(log.entries());
        file.write_all(&text)
            .and_then(|()| file.sync_all())
            .map_err(at("write", &unfinished))?;
        fs::rename(&unfinished, &path).map_err(at("rename", &unfinished))?;
        sync_folder(folder)?;
        Ok(Journal {
            path,
            file,
            length: text.len() as u64,
            is_torn: false,
        })
    }

    /// Writes entries; when it returns they are on the disk, or none of them counts.
    pub(super) fn append(&mut self, entries: &[Entry<Value>]) -> Result<(), JournalError> {
        if self.is_torn {
            let path = self.path.clone();
            return Err(JournalError::Torn { path });
        }
        let text = lines(entries);
        let written = self
            .file
            .write_all(&text)
            .and_then(|()| self.file.sync_data());
        if let Err(source) = written {
            let undone = self.file.set_len(self.length);
            self.is_torn = undone.and_then(|()| self.file.sync_data()).is_err();
            return Err(at("write", &self.path)(source));
        }
        self.length += text.len() as u64;
        Ok(())
    }
}

/// All files of the folder; what a process left unfinished when it was killed is removed.
fn read_all(folder: &Path) -> Result<Vec<Found>, JournalError> {
    let mut found = Vec::new();
    for listed in fs::read_dir(folder).map_err(at("list", folder))? {
        let path = listed.map_err(at("list", folder))?.path();
        match path.extension().and_then(|end| end.to_str()) {
            Some("new") => fs::remove_file(&path).map_err(at("remove", &path))?,
            Some("log") => found.push(read(path)?),
            _ => {}
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

fn read(path: PathBuf) -> Result<Found, JournalError> {
    let file = File::open(&path).map_err(at("open", &path))?;
    let is_left = match file.try_lock() {
        Ok(()) => true,
        Err(TryLockError::WouldBlock) => false,
        Err(TryLockError::Error(source)) => return Err(at("lock", &path)(source)),
    };
    let bytes = fs::read(&path).map_err(at("read", &path))?;
    let (entries, is_damaged) = parse(&bytes);
    Ok(Found {
        path,
        entries,
        is_damaged,
        is_left,
    })
}

/// The entries in a file, and whether something in it cannot be read. A last line without its end
/// is none: its writer was stopped half-way, and nobody has been told of it.
fn parse(bytes: &[u8]) -> (Vec<Entry<Value>>, bool) {
    let whole = bytes.iter().rposition(|byte| *byte == b'\n');
    let whole = whole.map_or(0, |end| end + 1);
    let mut entries = Vec::new();
    let mut is_damaged = false;
    for line in bytes[..whole]
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        match parse_line(line) {
            Some(entry) => entries.push(entry),
            None => is_damaged = true,
        }
    }
    (entries, is_damaged)
}

fn parse_line(line: &[u8]) -> Option<Entry<Value>> {
    let (sum, json) = line.split_at_checked(CHECKSUM_DIGITS)?;
    let json = json.strip_prefix(b" ")?;
    let is_sound = sum == checksum(json).as_bytes();
    is_sound.then(|| serde_json::from_slice(json).ok())?
}

fn lines<'a>(entries: impl IntoIterator<Item = &'a Entry<Value>>) -> Vec<u8> {
    let mut text = Vec::new();
    for entry in entries {
        let json = serde_json::to_string(entry).expect("keys of entries are texts");
        text.extend_from_slice(checksum(json.as_bytes()).as_bytes());
        text.push(b' ');
        text.extend_from_slice(json.as_bytes());
        text.push(b'\n');
    }
    text
}

fn checksum(bytes: &[u8]) -> String {
    hex::encode(&Sha256::digest(bytes)[..CHECKSUM_DIGITS / 2])
}

/// All entries once, each origin up to its first gap.
fn merged(found: &[Found]) -> Log<Value> {
    let mut sorted = BTreeMap::new();
    for entry in found.iter().flat_map(|file| &file.entries) {
        sorted.entry((entry.origin, entry.number)).or_insert(entry);
    }
    let mut log = Log::default();
    for entry in log.fresh(sorted.into_values().cloned()) {
        log.put(entry);
    }
    log
}

/// Removes a file that was taken over; one that could not be read in full stays for people to see.
fn put_away(file: &Found) -> Result<(), JournalError> {
    if !file.is_damaged {
        return fs::remove_file(&file.path).map_err(at("remove", &file.path));
    }
    let aside = file.path.with_extension("damaged");
    tracing::warn!(
        "parts of {} cannot be read; it is kept as {}",
        file.path.display(),
        aside.display()
    );
    fs::rename(&file.path, &aside).map_err(at("rename", &file.path))
}

fn sync_folder(folder: &Path) -> Result<(), JournalError> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(at("sync", folder))
}

fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> JournalError + use<> {
    let path = path.to_owned();
    move |source| JournalError::File {
        action,
        path,
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("a folder")
    }

    fn open(folder: &tempfile::TempDir, life: u64) -> (Journal, Log<Value>) {
        Journal::open(folder.path(), Origin::from_number(life)).expect("opens")
    }

    fn write(journal: &mut Journal, log: &mut Log<Value>, life: u64, text: &str) {
        let entry = log.next(Origin::from_number(life), 1, Value::from(text));
        journal
            .append(std::slice::from_ref(&entry))
            .expect("written");
        log.put(entry);
    }

    fn texts(log: &Log<Value>) -> Vec<&str> {
        log.entries().filter_map(|it| it.event.as_str()).collect()
    }

    fn names(folder: &tempfile::TempDir) -> Vec<String> {
        let listed = fs::read_dir(folder.path()).expect("listed");
        let mut names: Vec<String> = listed
            .map(|it| it.expect("listed").file_name().into_string().expect("text"))
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_next_life_finds_what_the_last_one_wrote_and_takes_its_file_over() {
        let folder = folder();
        let (mut journal, mut log) = open(&folder, 1);
        write(&mut journal, &mut log, 1, "one");
        write(&mut journal, &mut log, 1, "two");
        drop(journal);
        let (_journal, log) = open(&folder, 2);
        assert_eq!(texts(&log), ["one", "two"]);
        assert_eq!(names(&folder), ["0000000000000002.log", "lock"]);
    }

    #[test]
    fn a_file_whose_writer_lives_is_read_and_left_alone() {
        let folder = folder();
        let (mut old, mut old_log) = open(&folder, 1);
        write(&mut old, &mut old_log, 1, "before");
        let (new, new_log) = open(&folder, 2);
        assert_eq!(texts(&new_log), ["before"]);
        write(&mut old, &mut old_log, 1, "after");
        drop((old, new));
        let (_third, log) = open(&folder, 3);
        assert_eq!(texts(&log), ["before", "after"]);
    }

    #[test]
    fn a_line_that_was_not_finished_is_as_if_it_had_never_been() {
        let folder = folder();
        let (mut journal, mut log) = open(&folder, 1);
        write(&mut journal, &mut log, 1, "whole");
        write(&mut journal, &mut log, 1, "half");
        drop(journal);
        let path = folder.path().join("0000000000000001.log");
        let bytes = fs::read(&path).expect("there");
        fs::write(&path, &bytes[..bytes.len() - 5]).expect("cut");
        let (_journal, log) = open(&folder, 2);
        assert_eq!(texts(&log), ["whole"]);
        assert_eq!(names(&folder), ["0000000000000002.log", "lock"]);
    }

    #[test]
    fn a_damaged_line_ends_what_is_known_of_its_origin_and_the_file_is_kept() {
        let folder = folder();
        let (mut journal, mut log) = open(&folder, 1);
        for text in ["one", "two", "three"] {
            write(&mut journal, &mut log, 1, text);
        }
        drop(journal);
        let path = folder.path().join("0000000000000001.log");
        let text = fs::read_to_string(&path).expect("text");
        fs::write(&path, text.replace("two", "tow")).expect("damaged");
        let (_journal, log) = open(&folder, 2);
        assert_eq!(texts(&log), ["one"]);
        assert!(names(&folder).contains(&"0000000000000001.damaged".to_owned()));
    }
}
