//! The log files of an instance: a line each, with its time and where it was written to.
//!
//! `1700000000123 o text`: milliseconds since 1970, `o` or `e`, then the line as it was.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use conduct_model::{BundleId, InstanceId, Wall};
use serde::{Deserialize, Serialize};

use crate::error::RuntimeError;
use crate::folder::{RunFolder, read_json};
use crate::record::Record;

/// The newest file and those before it, and the size of each.
pub(crate) const FILES_MAX: u32 = 5;
pub(crate) const FILE_BYTES_MAX: u64 = 10 * 1024 * 1024;

/// Where a line was written to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A line that an instance wrote.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogLine {
    /// When its end came.
    pub at: Wall,
    /// Where it was written to.
    pub stream: LogStream,
    /// What it says; bytes that are no text are replaced.
    pub text: String,
}

/// The newest `count` lines of an instance, oldest first, also of one that has ended.
pub fn read_logs(
    runs: &Path,
    instance: InstanceId,
    count: usize,
) -> Result<Vec<LogLine>, RuntimeError> {
    let folder = RunFolder::of(runs, instance).logs();
    let mut newest: Vec<LogLine> = Vec::new();
    for number in 0..FILES_MAX {
        let path = folder.join(file_name(number));
        let file = match File::open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => break,
            opened => opened.map_err(RuntimeError::file("read", &path))?,
        };
        let mut lines = Vec::new();
        for line in BufReader::new(file).split(b'\n') {
            lines.extend(parse_line(
                &line.map_err(RuntimeError::file("read", &path))?,
            ));
        }
        lines.extend(newest);
        newest = lines.split_off(lines.len().saturating_sub(count));
        if newest.len() == count {
            break;
        }
    }
    Ok(newest)
}

/// The instances of a bundle that have run here and whose folders are still kept.
pub fn instances_of(runs: &Path, bundle: BundleId) -> Result<Vec<InstanceId>, RuntimeError> {
    let mut found = Vec::new();
    for (instance, folder) in RunFolder::all(runs)? {
        let record = match Record::read(&folder)? {
            None => read_json(&folder.path().join("done.json"))?,
            record => record,
        };
        if record.is_some_and(|record| record.bundle == bundle) {
            found.push(instance);
        }
    }
    Ok(found)
}

pub(crate) fn file_name(number: u32) -> String {
    if number == 0 {
        "output.log".to_owned()
    } else {
        format!("output.log.{number}")
    }
}

pub(crate) fn format_line(at_millis: u64, stream: LogStream, text: &[u8]) -> Vec<u8> {
    let mark = match stream {
        LogStream::Stdout => 'o',
        LogStream::Stderr => 'e',
    };
    let mut line = format!("{at_millis} {mark} ").into_bytes();
    line.extend_from_slice(text.strip_suffix(b"\r").unwrap_or(text));
    line.push(b'\n');
    line
}

/// Nothing for what is no line, such as one that a full disk has cut.
fn parse_line(line: &[u8]) -> Option<LogLine> {
    let text = String::from_utf8_lossy(line);
    let mut parts = text.splitn(3, ' ');
    let at = Wall::from_millis(parts.next()?.parse().ok()?);
    let stream = match parts.next()? {
        "o" => LogStream::Stdout,
        "e" => LogStream::Stderr,
        _ => return None,
    };
    Some(LogLine {
        at,
        stream,
        text: parts.next()?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_read_back_whatever_they_hold() {
        for text in ["", "plain", "1 o 2 e", "  spaces  "] {
            let line = format_line(17, LogStream::Stderr, text.as_bytes());
            let read = parse_line(line.strip_suffix(b"\n").unwrap()).unwrap();
            assert_eq!(
                (read.at, read.stream),
                (Wall::from_millis(17), LogStream::Stderr)
            );
            assert_eq!(read.text, text);
        }
        assert_eq!(parse_line(b"17 x text"), None);
        assert_eq!(parse_line(b"half a li"), None);
    }

    #[test]
    fn the_newest_lines_come_from_as_many_files_as_it_takes() {
        let runs = tempfile::tempdir().unwrap();
        let instance = InstanceId::from_u128(5);
        let folder = RunFolder::of(runs.path(), instance).logs();
        std::fs::create_dir_all(&folder).unwrap();
        let write = |number, times: std::ops::Range<u64>| {
            let lines = times.flat_map(|at| format_line(at, LogStream::Stdout, b"x"));
            std::fs::write(folder.join(file_name(number)), lines.collect::<Vec<_>>()).unwrap();
        };
        write(1, 0..10);
        write(0, 10..15);
        let times = |count| {
            let lines = read_logs(runs.path(), instance, count).unwrap();
            lines
                .iter()
                .map(|line| line.at.as_millis())
                .collect::<Vec<_>>()
        };
        assert_eq!(times(3), [12, 13, 14]);
        assert_eq!(times(7), [8, 9, 10, 11, 12, 13, 14]);
        assert_eq!(times(100).len(), 15);
        assert_eq!(
            read_logs(runs.path(), InstanceId::from_u128(6), 5).unwrap(),
            []
        );
    }
}
