//! Programs that tests use: those of the system, and those of this workspace.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Whether a tool may be used. Where it is missing the test fails and says what to install, unless
/// the run was told that it has to do without.
pub(crate) fn have(tool: &str, package: &str) -> bool {
    let without = std::env::var("CONDUCT_WITHOUT_TOOLS").unwrap_or_default();
    if without.split([',', ' ']).any(|name| name == tool) {
        return false;
    }
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(tool).is_file()));
    assert!(
        found,
        "this test needs {tool}: apt-get install {package}, or set CONDUCT_WITHOUT_TOOLS={tool}"
    );
    true
}

/// Programs that tests start. They are built as part of the workspace and with this test, so that
/// cargo settles on the same features of what they use as for all tests, and builds that once.
const PROGRAMS: [&str; 5] = ["bndl", "friend", "chirp", "activity", "front-end"];

/// A program of the workspace, as it is now.
pub(crate) fn program(name: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(build).join(name)
}

fn build() -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .current_dir(root())
        .args(["build", "--workspace", "--quiet", "--offline"])
        .args(["--test", "all"]);
    for program in PROGRAMS {
        cargo.args(["--bin", program]);
    }
    let status = cargo.status().expect("cargo runs");
    assert!(status.success(), "{cargo:?} ended with {status}");
    // This test is in …/target/debug/deps.
    let own = std::env::current_exe().expect("every test is a file");
    let folder = own.parent().and_then(Path::parent).expect("two folders");
    folder.to_owned()
}
