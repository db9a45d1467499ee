//! Running other programs and keeping what they said.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// What a program said and how it ended.
pub(crate) struct Outcome {
    /// Whether it exited with zero.
    pub(crate) ok: bool,
    /// Its standard output, line by line.
    pub(crate) lines: Vec<String>,
}

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// A cargo of the same toolchain, in the root.
pub(crate) fn cargo(words: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(words).current_dir(root());
    command
}

/// Runs it, showing what it prints as it comes; its standard output is kept as well.
pub(crate) fn shown(mut command: Command) -> Result<Outcome, String> {
    let named = format!("{command:?}");
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("could not start {named}: {error}"))?;
    let output = child
        .stdout
        .take()
        .ok_or("a piped standard output is missing")?;
    let mut lines = Vec::new();
    let mut screen = std::io::stdout();
    for line in BufReader::new(output).split(b'\n') {
        let line = line.map_err(|error| format!("could not read from {named}: {error}"))?;
        let line = String::from_utf8_lossy(&line).into_owned();
        writeln!(screen, "{line}").map_err(|error| format!("could not print: {error}"))?;
        lines.push(line);
    }
    let status = child
        .wait()
        .map_err(|error| format!("could not wait for {named}: {error}"))?;
    Ok(Outcome {
        ok: status.success(),
        lines,
    })
}

/// Whether a program of this name can be started from here.
pub(crate) fn is_installed(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .any(|folder| folder.join(program).is_file())
}
