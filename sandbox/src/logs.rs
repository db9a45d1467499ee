//! The diaries of several daemons as one.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What is read of a log at once.
const PIECE_BYTES: u64 = 1024 * 1024;

/// A line and what belongs to it, by the moment that stands before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    moment: String,
    pub(crate) node: usize,
    pub(crate) text: String,
}

/// Reads a log that grows, line by line.
#[derive(Debug)]
pub(crate) struct Tail {
    node: usize,
    path: PathBuf,
    /// Which file was read, and how far.
    file: Option<(u64, u64)>,
    /// The beginning of a line whose end is not there yet.
    begun: Vec<u8>,
    last_moment: String,
}

impl Tail {
    pub(crate) fn new(node: usize, path: &Path) -> Tail {
        Tail {
            node,
            path: path.to_owned(),
            file: None,
            begun: Vec::new(),
            last_moment: String::new(),
        }
    }

    /// The lines that have become complete since the last time.
    pub(crate) fn read(&mut self) -> io::Result<Vec<Entry>> {
        let mut file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            opened => opened?,
        };
        let found = file.metadata()?;
        let from = match self.file {
            Some((inode, from)) if inode == found.ino() && from <= found.len() => from,
            // Another file, or one that was begun anew.
            _ => {
                self.begun.clear();
                0
            }
        };
        file.seek(SeekFrom::Start(from))?;
        let mut entries = Vec::new();
        let mut read = from;
        loop {
            let mut piece = Vec::new();
            let length = file.by_ref().take(PIECE_BYTES).read_to_end(&mut piece)?;
            read += length as u64;
            self.take(&piece, &mut entries);
            if length == 0 {
                break;
            }
        }
        self.file = Some((found.ino(), read));
        Ok(entries)
    }

    fn take(&mut self, piece: &[u8], entries: &mut Vec<Entry>) {
        self.begun.extend_from_slice(piece);
        let Some(end) = self.begun.iter().rposition(|byte| *byte == b'\n') else {
            return;
        };
        let rest = self.begun.split_off(end + 1);
        let lines = std::mem::replace(&mut self.begun, rest);
        for line in String::from_utf8_lossy(&lines).lines() {
            let first = line.split(' ').next().unwrap_or_default();
            // A line without a moment belongs to the one before it.
            if is_moment(first) {
                self.last_moment = first.to_owned();
            }
            entries.push(Entry {
                moment: self.last_moment.clone(),
                node: self.node,
                text: conduct_terminal::plain::plain(line),
            });
        }
    }
}

/// Whether it looks like `2030-01-07T09:00:00.123456Z`.
fn is_moment(word: &str) -> bool {
    let bytes = word.as_bytes();
    bytes.len() > 19 && bytes[4] == b'-' && bytes[10] == b'T' && bytes[0].is_ascii_digit()
}

/// Lays logs over each other in the order of time; what a log says itself stays in its order.
pub(crate) fn merged(logs: Vec<Vec<Entry>>) -> Vec<Entry> {
    let mut all: Vec<Entry> = logs.into_iter().flatten().collect();
    all.sort_by(|a, b| a.moment.cmp(&b.moment));
    all
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn texts(entries: &[Entry]) -> Vec<&str> {
        entries.iter().map(|entry| entry.text.as_str()).collect()
    }

    #[test]
    fn only_complete_lines_are_read_and_each_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        let mut tail = Tail::new(1, &path);
        assert!(tail.read().expect("nothing").is_empty());
        fs::write(&path, "one\ntw").expect("written");
        assert_eq!(texts(&tail.read().expect("read")), ["one"]);
        fs::write(&path, "one\ntwo\nthree\n").expect("written");
        assert_eq!(texts(&tail.read().expect("read")), ["two", "three"]);
        assert!(tail.read().expect("read").is_empty());
        fs::write(&path, "new\n").expect("begun anew");
        assert_eq!(texts(&tail.read().expect("read")), ["new"]);
        fs::write(folder.path().join("other"), "rotated\n").expect("written");
        fs::rename(folder.path().join("other"), &path).expect("renamed");
        assert_eq!(texts(&tail.read().expect("read")), ["rotated"]);
    }

    #[test]
    fn logs_are_merged_by_time_and_what_belongs_together_stays_so() {
        let folder = tempfile::tempdir().expect("a folder");
        let read = |node: usize, text: &str| {
            let path = folder.path().join(node.to_string());
            fs::write(&path, text).expect("written");
            Tail::new(node, &path).read().expect("read")
        };
        let one = read(
            1,
            "2030-01-07T09:00:00.100000Z a\n  more of a\n2030-01-07T09:00:00.300000Z c\n",
        );
        let two = read(2, "2030-01-07T09:00:00.200000Z b\n");
        let merged = merged(vec![one, two]);
        let ends: Vec<String> = merged
            .iter()
            .map(|entry| {
                format!(
                    "{}{}",
                    entry.node,
                    entry.text.split(' ').next_back().unwrap_or("")
                )
            })
            .collect();
        assert_eq!(ends, ["1a", "1a", "2b", "1c"]);
    }
}
