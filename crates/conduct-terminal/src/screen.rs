//! What a person sees. Results go to stdout, talk goes to stderr.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::exit::{Exit, Failure, Told};

/// From here on it takes long enough to be shown.
const PROGRESS_FROM_BYTES: u64 = 16 << 20;

/// How often progress is drawn at most.
const DRAWS_PER_SECOND: u8 = 10;

/// Both streams, and what they can show.
#[derive(Debug)]
pub struct Screen {
    colour: bool,
}

/// How far something has come; shows nothing unless it is large and someone watches.
#[derive(Debug)]
pub struct Progress {
    label: String,
    total: Option<u64>,
    passed: u64,
    bar: Option<ProgressBar>,
    watched: bool,
}

/// Runs a program and ends it with its number.
pub fn main<E: Into<ExitCode>>(program: fn(&mut Screen) -> Result<E, Failure>) -> ExitCode {
    let mut screen = Screen::new();
    match program(&mut screen) {
        Ok(ended) => ended.into(),
        Err(failure) => screen.failure(&failure).into(),
    }
}

impl Screen {
    fn new() -> Screen {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        Screen {
            colour: io::stderr().is_terminal() && !plain,
        }
    }

    /// Prints a result. A reader that has gone wants no more, which ends the program quietly.
    pub fn print(&mut self, text: &str) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        written.map_err(|error| stdout_failure(&error))
    }

    /// Says something that is no result.
    pub fn note(&mut self, text: impl std::fmt::Display) {
        self.say(&format!("{text}\n"));
    }

    /// Says what may go wrong later.
    pub fn warning(&mut self, text: impl std::fmt::Display) {
        let word = self.painted("warning:", "\x1b[1;33m");
        self.say(&format!("{word} {text}\n"));
    }

    /// Says why it ends, and gives the number.
    pub fn failure(&mut self, failure: &Failure) -> Exit {
        let mut text = match &failure.told {
            Told::Gone => return failure.exit,
            Told::Lines(lines) => format!("{}\n", lines.trim_end()),
            Told::Sentence(sentence) => {
                format!("{} {sentence}\n", self.painted("error:", "\x1b[1;31m"))
            }
        };
        for hint in &failure.hints {
            text += &format!("  {hint}\n");
        }
        self.say(&text);
        failure.exit
    }

    /// Shows how many of `total` bytes have passed, if that is many.
    pub fn progress(&mut self, label: impl Into<String>, total: Option<u64>) -> Progress {
        let watched = io::stderr().is_terminal();
        Progress {
            label: label.into(),
            total,
            passed: 0,
            bar: None,
            watched,
        }
    }

    fn painted(&self, word: &str, colour: &str) -> String {
        if self.colour {
            format!("{colour}{word}\x1b[0m")
        } else {
            word.to_owned()
        }
    }

    fn say(&mut self, text: &str) {
        // There is nobody left to tell if stderr is closed.
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }
}

/// What it means that stdout cannot be written to.
pub fn stdout_failure(error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Failure::gone();
    }
    Failure::new(
        Exit::Failed,
        format_args!("could not write to stdout: {error}"),
    )
}

impl Progress {
    /// So many more bytes have passed.
    pub fn add(&mut self, bytes: u64) {
        self.passed += bytes;
        let large = self.total.unwrap_or(self.passed) >= PROGRESS_FROM_BYTES;
        if self.watched && large && self.bar.is_none() {
            self.bar = Some(bar(&self.label, self.total));
        }
        if let Some(bar) = &self.bar {
            bar.set_position(self.passed);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(label: &str, total: Option<u64>) -> ProgressBar {
    let target = ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND);
    let (bar, template) = match total {
        Some(total) => (
            ProgressBar::with_draw_target(Some(total), target),
            "{msg}  {bytes} of {total_bytes}  {bar:20}  {eta} left",
        ),
        None => (
            ProgressBar::with_draw_target(None, target),
            "{msg}  {bytes}  {spinner}",
        ),
    };
    bar.set_style(ProgressStyle::with_template(template).expect("the templates above are right"));
    bar.set_message(label.to_owned());
    if total.is_none() {
        bar.enable_steady_tick(Duration::from_millis(100));
    }
    bar
}

/// Bytes as people read them: `512 B`, `31.2 MB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut tenths = bytes.saturating_add(50) / 100;
    let mut unit = 0;
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths = (tenths + 500) / 1000;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// Bytes of memory or disk as they are asked for: `384 MiB`.
pub fn resource(bytes: u64) -> String {
    const UNITS: [(&str, u64); 4] = [
        ("TiB", 1 << 40),
        ("GiB", 1 << 30),
        ("MiB", 1 << 20),
        ("KiB", 1 << 10),
    ];
    // The largest that needs no more than one digit behind the point.
    let fitting = UNITS
        .iter()
        .find(|(_, unit)| bytes >= *unit && (bytes % unit * 10).is_multiple_of(*unit));
    match fitting {
        Some((name, unit)) if bytes.is_multiple_of(*unit) => format!("{} {name}", bytes / unit),
        Some((name, unit)) => format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
        None => format!("{bytes} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_are_shown_as_they_are_asked_for() {
        let cases = [
            (384 << 20, "384 MiB"),
            (1 << 30, "1 GiB"),
            (3 << 29, "1.5 GiB"),
            (1_342_701_568, "1280.5 MiB"),
            (1000, "1000 B"),
            (0, "0 B"),
        ];
        for (bytes, shown) in cases {
            assert_eq!(resource(bytes), shown);
        }
    }

    #[test]
    fn sizes_have_units_that_fit() {
        let cases = [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (1049, "1.0 kB"),
            (1050, "1.1 kB"),
            (31_234_567, "31.2 MB"),
            (999_999_999, "1.0 GB"),
            (5_000_000_000_000, "5.0 TB"),
        ];
        for (bytes, shown) in cases {
            assert_eq!(size(bytes), shown);
        }
    }
}
