//! The programs under test, always as the sources have them.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

/// Says where the programs are that are to be tested, if they are not to be built: an installed
/// release for instance.
const FOLDER_VARIABLE: &str = "CONDUCT_PROGRAMS";

/// What a program left behind.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; -1 when a signal ended it.
    pub code: i32,
    /// The result.
    pub stdout: String,
    /// The talk.
    pub stderr: String,
}

/// The path of `conductd`, `conduct` or `bndl`. The first call of a process builds them: cargo knows
/// of no test that needs the programs of another package.
///
/// # Panics
/// When they do not build.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(folder).join(name)
}

fn folder() -> PathBuf {
    if let Some(folder) = std::env::var_os(FOLDER_VARIABLE) {
        return PathBuf::from(folder);
    }
    let test = std::env::current_exe().expect("a program knows where it is");
    let folder = test
        .parent()
        .and_then(|deps| deps.parent())
        .expect("tests are in target/PROFILE/deps");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        // With the whole workspace and a test chosen the dependencies are those that tests have: nothing is
        // built a second time.
        .args(["build", "--quiet", "--workspace", "--bins", "--test", "all"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") => {}
        Some(profile) => {
            cargo.args(["--profile", profile]);
        }
        None => panic!("tests are in target/PROFILE/deps"),
    }
    let built = cargo.status().expect("cargo is there, it has built this");
    assert!(built.success(), "the programs under test do not build");
    folder.to_owned()
}

/// Runs something that reads nothing, and waits for its end.
///
/// # Panics
/// When it cannot be run.
#[track_caller]
pub fn run(command: &mut Command) -> Ran {
    let ran = command.stdin(Stdio::null()).output();
    let Output {
        status,
        stdout,
        stderr,
    } = ran.unwrap_or_else(|error| panic!("could not run {command:?}: {error}"));
    Ran {
        code: status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&stdout).into_owned(),
        stderr: String::from_utf8_lossy(&stderr).into_owned(),
    }
}

impl Ran {
    /// It succeeded; what it said on stdout.
    #[track_caller]
    pub fn ok(&self) -> &str {
        assert_eq!(self.code, 0, "{self:?}");
        &self.stdout
    }

    /// It ended with this code and said this on stderr.
    #[track_caller]
    pub fn failed(&self, code: i32, told: &str) {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.stderr.contains(told), "{told:?} is not in {self:?}");
    }
}
