//! What components write: taken line by line, bounded in rate, size and age of files.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use nix::unistd::pipe2;

use crate::error::RuntimeError;
use crate::logs::{FILE_BYTES_MAX, FILES_MAX, LogStream, file_name, format_line};
use crate::shim::lease::boot_millis;

/// A longer line is cut into lines.
const LINE_BYTES_MAX: usize = 16 * 1024;

/// What is read at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// What an instance may write for good, and what it may write in a burst. The rest is read, so that
/// nobody blocks on a full pipe, counted, and let go.
const BYTES_PER_SECOND_MAX: u64 = 2 * 1024 * 1024;
const BURST_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// What a line costs besides its bytes: its time, and the work on it. Who writes nothing but ends of
/// lines writes as much as who writes a lot.
const LINE_COST_BYTES: u64 = 64;

/// Lines are put together to so much before they are written.
const WRITE_BYTES: usize = 64 * 1024;

/// A line that never ends is written out after so long.
const LINE_AGE_MILLIS_MAX: u64 = 500;

struct Pipe {
    source: File,
    stream: LogStream,
    line: Vec<u8>,
    since: u64,
}

/// The output of all components.
pub(super) struct Output {
    folder: PathBuf,
    file: File,
    written: u64,
    /// Lines that are still to be written.
    pending: Vec<u8>,
    pipes: Vec<Pipe>,
    budget: u64,
    filled_at: u64,
    dropped: u64,
    dropped_unsaid: u64,
}

impl Output {
    pub(super) fn open(folder: &Path) -> Result<Output, RuntimeError> {
        std::fs::create_dir_all(folder).map_err(RuntimeError::file("create", folder))?;
        let path = folder.join(file_name(0));
        let file = append(&path).map_err(RuntimeError::file("open", &path))?;
        let written = file.metadata().map_or(0, |file| file.len());
        Ok(Output {
            folder: folder.to_owned(),
            file,
            written,
            pending: Vec::new(),
            pipes: Vec::new(),
            budget: BURST_BYTES_MAX,
            filled_at: boot_millis(),
            dropped: 0,
            dropped_unsaid: 0,
        })
    }

    /// The ends that a component writes to.
    pub(super) fn pipes(&mut self) -> io::Result<(OwnedFd, OwnedFd)> {
        let mut make = |stream| {
            let (source, sink) = pipe2(OFlag::O_CLOEXEC)?;
            let flags = OFlag::O_NONBLOCK;
            nix::fcntl::fcntl(&source, nix::fcntl::FcntlArg::F_SETFL(flags))?;
            let source = File::from(source);
            self.pipes.push(Pipe {
                source,
                stream,
                line: Vec::new(),
                since: 0,
            });
            Ok::<OwnedFd, io::Error>(sink)
        };
        Ok((make(LogStream::Stdout)?, make(LogStream::Stderr)?))
    }

    pub(super) fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.pipes.iter().map(|pipe| pipe.source.as_fd())
    }

    /// When an unfinished line is to be written.
    pub(super) fn due(&self) -> Option<u64> {
        let open = self.pipes.iter().filter(|pipe| !pipe.line.is_empty());
        open.map(|pipe| pipe.since + LINE_AGE_MILLIS_MAX).min()
    }

    pub(super) fn dropped_bytes(&self) -> u64 {
        self.dropped
    }

    /// Takes what is there, a chunk of each, so that no component starves the others.
    pub(super) fn pump(&mut self, now: u64) {
        self.fill(now);
        let mut pipes = std::mem::take(&mut self.pipes);
        let mut chunk = [0; CHUNK_BYTES];
        pipes.retain_mut(|pipe| match pipe.source.read(&mut chunk) {
            Ok(0) => {
                self.write_line(pipe);
                false
            }
            Ok(read) => {
                self.take(pipe, &chunk[..read], now);
                true
            }
            Err(error) => {
                matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                )
            }
        });
        for pipe in &mut pipes {
            if !pipe.line.is_empty() && now >= pipe.since + LINE_AGE_MILLIS_MAX {
                self.write_line(pipe);
            }
        }
        self.pipes = pipes;
        self.flush();
    }

    /// Something that is not the instance's own, but belongs to its story.
    pub(super) fn say(&mut self, text: &str) {
        self.write(LogStream::Stderr, format!("conduct: {text}").as_bytes());
    }

    /// The last of it.
    pub(super) fn finish(&mut self) {
        self.pump(boot_millis());
        for mut pipe in std::mem::take(&mut self.pipes) {
            self.write_line(&mut pipe);
        }
        self.say_dropped();
        self.flush();
    }

    fn fill(&mut self, now: u64) {
        let millis = now.saturating_sub(self.filled_at);
        self.filled_at = now;
        self.budget = (self.budget + millis * BYTES_PER_SECOND_MAX / 1000).min(BURST_BYTES_MAX);
        if self.dropped_unsaid > 0 && self.budget == BURST_BYTES_MAX {
            self.say_dropped();
        }
    }

    fn take(&mut self, pipe: &mut Pipe, bytes: &[u8], now: u64) {
        let length = bytes.len() as u64;
        let ends = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        let cost = length + ends * LINE_COST_BYTES;
        if cost > self.budget {
            self.dropped += length;
            self.dropped_unsaid += length;
            pipe.line.clear();
            return;
        }
        self.budget -= cost;
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            if pipe.line.is_empty() {
                pipe.since = now;
            }
            pipe.line.extend_from_slice(piece);
            while pipe.line.len() > LINE_BYTES_MAX {
                let rest = pipe.line.split_off(LINE_BYTES_MAX);
                self.write_line(pipe);
                pipe.line = rest;
            }
            if pipe.line.ends_with(b"\n") {
                self.write_line(pipe);
            }
        }
    }

    fn write_line(&mut self, pipe: &mut Pipe) {
        let line = std::mem::take(&mut pipe.line);
        if !line.is_empty() {
            self.write(pipe.stream, line.strip_suffix(b"\n").unwrap_or(&line));
        }
    }

    fn write(&mut self, stream: LogStream, text: &[u8]) {
        self.pending
            .extend(format_line(super::wall_millis(), stream, text));
        if self.pending.len() >= WRITE_BYTES {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let length = self.pending.len() as u64;
        if length == 0 {
            return;
        }
        if self.written + length > FILE_BYTES_MAX {
            self.rotate();
        }
        match self.file.write_all(&self.pending) {
            Ok(()) => self.written += length,
            // A full disk must not stop an instance.
            Err(_) => self.dropped += length,
        }
        self.pending.clear();
    }

    fn say_dropped(&mut self) {
        let dropped = std::mem::take(&mut self.dropped_unsaid);
        if dropped > 0 {
            let text = format!("conduct: {dropped} bytes of output came too fast and were dropped");
            self.write(LogStream::Stderr, text.as_bytes());
        }
    }

    fn rotate(&mut self) {
        for number in (0..FILES_MAX - 1).rev() {
            // The oldest makes room; gaps are fine.
            let _ = std::fs::rename(
                self.folder.join(file_name(number)),
                self.folder.join(file_name(number + 1)),
            );
        }
        if let Ok(file) = append(&self.folder.join(file_name(0))) {
            self.file = file;
            self.written = 0;
        }
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}
