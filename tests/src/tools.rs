//! The programs of the system that tests use.

/// Whether the run was told that it has to do without a tool.
#[must_use]
pub fn without(tool: &str) -> bool {
    let without = std::env::var("CONDUCT_WITHOUT_TOOLS").unwrap_or_default();
    without.split([',', ' ']).any(|name| name == tool)
}

/// Whether a tool may be used.
///
/// # Panics
/// Where it is missing, saying what to install, unless the run was told that it has to do without.
#[must_use]
#[track_caller]
pub fn have(tool: &str, package: &str) -> bool {
    if without(tool) {
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
