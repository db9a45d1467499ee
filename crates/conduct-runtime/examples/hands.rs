//! The modes of the daemon's binary that the runtime uses, without the daemon: for its tests.

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().collect();
    if words[0].ends_with("/check") || words[0] == "check" {
        return conduct_runtime::check_main(&words[1..]);
    }
    match &words[1..] {
        [mode, folder] if mode == "shim" => conduct_runtime::shim_main(PathBuf::from(folder)),
        _ => ExitCode::from(2),
    }
}
