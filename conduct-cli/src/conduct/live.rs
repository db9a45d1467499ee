//! What is told while something goes on: on a terminal one line that changes, below it nothing; to
//! a file a line for each change, with its time.

use std::io::{self, IsTerminal as _, Write as _};

use super::session::Session;
use super::text::clock;

/// The talk of a command that takes a while.
#[derive(Debug)]
pub(crate) struct Live {
    is_terminal: bool,
    is_quiet: bool,
    has_status: bool,
}

impl Live {
    pub(crate) fn new(session: &Session<'_>) -> Live {
        Live {
            is_terminal: io::stderr().is_terminal(),
            is_quiet: session.is_quiet(),
            has_status: false,
        }
    }

    /// Tells of a change.
    pub(crate) fn tell(&mut self, text: impl std::fmt::Display) {
        self.clear();
        if self.is_quiet {
            return;
        }
        let text = text.to_string();
        let line = if self.is_terminal {
            format!("{text}\n")
        } else {
            // The time indents it already.
            format!("{}  {}\n", clock(), text.trim_start())
        };
        say(&line);
    }

    /// Shows how things stand, until the next word.
    pub(crate) fn status(&mut self, text: impl std::fmt::Display) {
        if self.is_quiet || !self.is_terminal {
            return;
        }
        self.clear();
        say(&text.to_string());
        self.has_status = true;
    }

    /// Takes back how things stood.
    pub(crate) fn clear(&mut self) {
        if std::mem::take(&mut self.has_status) {
            say("\r\x1b[2K");
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.clear();
    }
}

fn say(text: &str) {
    let mut out = io::stderr().lock();
    // There is nobody left to tell if stderr is closed.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
