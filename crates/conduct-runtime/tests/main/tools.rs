//! Whether the programs that a test needs are here, and small questions to the machine.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Nothing takes longer on a machine that is busy with other tests.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Whether a tool is here. It must be, unless `CONDUCT_WITHOUT_TOOLS` names it.
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

/// Whether containers can be made here: with runc, and with a busybox to put into them.
pub(crate) fn have_containers() -> bool {
    have("runc", "runc") && have("busybox", "busybox-static")
}

/// Whether this machine lets us make control groups with limits.
pub(crate) fn have_groups() -> bool {
    std::fs::read_to_string("/proc/self/mounts")
        .expect("there is /proc")
        .lines()
        .any(|line| line.contains(" cgroup") && line.contains("memory"))
        && nix::unistd::geteuid().is_root()
}

pub(crate) fn alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

pub(crate) fn kill(pid: u32, signal: &str) {
    let status = std::process::Command::new("kill")
        .args([signal, &pid.to_string()])
        .status();
    assert!(status.expect("kill runs").success());
}

/// The process that a process is a child of.
pub(crate) fn parent_of(pid: u32) -> u32 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it lives");
    let parent = stat
        .rsplit_once(") ")
        .expect("a stat line")
        .1
        .split(' ')
        .nth(1);
    parent
        .and_then(|parent| parent.parse().ok())
        .expect("it has a parent")
}

/// Waits for a condition.
pub(crate) fn until(what: &str, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < PATIENCE, "never happened: {what}");
        std::thread::yield_now();
    }
}

/// Waits for a condition without standing in the way of other tasks.
pub(crate) async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < PATIENCE, "never happened: {what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Processes whose command line or first environment names this text.
pub(crate) fn processes_that_name(mark: &str) -> Vec<u32> {
    let own = std::process::id();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")
        .expect("there is /proc")
        .flatten()
    {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        let names = |file: &str| {
            let text = std::fs::read(entry.path().join(file)).unwrap_or_default();
            String::from_utf8_lossy(&text).contains(mark)
        };
        if pid != own && alive(pid) && (names("cmdline") || names("environ")) {
            found.push(pid);
        }
    }
    found
}

/// Where a node's control groups are, in each tree that the machine has.
pub(crate) fn places_of(node: &str) -> Vec<PathBuf> {
    let text = std::fs::read_to_string("/proc/self/mounts").expect("there is /proc");
    let trees = text.lines().filter_map(|line| {
        let mut parts = line.split(' ').skip(1);
        let (path, kind) = (parts.next()?, parts.next()?);
        kind.starts_with("cgroup").then_some(path)
    });
    trees
        .map(|tree| Path::new(tree).join("conduct").join(node))
        .collect()
}

/// All control groups of a node, wherever the machine has them.
pub(crate) fn groups_of(node: &str) -> Vec<PathBuf> {
    places_of(node)
        .into_iter()
        .flat_map(|place| std::fs::read_dir(place).into_iter().flatten().flatten())
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}
