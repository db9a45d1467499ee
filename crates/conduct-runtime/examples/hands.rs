//! The modes of the daemon's binary that the runtime uses, without the daemon: for its tests.

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    conduct_runtime::mode_main(&words).unwrap_or(ExitCode::from(2))
}
