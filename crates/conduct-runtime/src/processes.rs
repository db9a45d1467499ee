//! Finding processes by what they are, not by their numbers.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use conduct_model::InstanceId;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::environment::INSTANCE_VARIABLE;

/// Signals a process; one that has gone meanwhile is fine.
pub(crate) fn signal(pid: u32, signal: Signal) {
    let _ = kill(Pid::from_raw(pid as i32), signal);
}

/// The children of a process, also those that it inherited from others.
pub(crate) fn children(parent: u32) -> Vec<u32> {
    all(|stat| stat.parent == parent)
}

/// Every process that was started as part of an instance, wherever it has moved to since. The mark
/// is in the environment that the process began with, which it cannot take out again.
pub(crate) fn marked(instance: InstanceId) -> Vec<u32> {
    let mark = format!("{INSTANCE_VARIABLE}={instance}");
    let is_marked = |stat: &Stat| {
        let text = fs::read(format!("/proc/{}/environ", stat.pid)).unwrap_or_default();
        text.split(|byte| *byte == 0)
            .any(|variable| variable == mark.as_bytes())
    };
    all(is_marked)
}

/// The shims that were started for the instance in this folder: one, or none.
pub(crate) fn shims_of(folder: &Path) -> Vec<u32> {
    let is_shim = |stat: &Stat| {
        let text = fs::read(format!("/proc/{}/cmdline", stat.pid)).unwrap_or_default();
        let mut words = text.split(|byte| *byte == 0).skip(1);
        words.next() == Some(b"shim") && words.next() == Some(folder.as_os_str().as_bytes())
    };
    all(is_shim)
}

struct Stat {
    pid: u32,
    parent: u32,
}

fn all(wanted: impl Fn(&Stat) -> bool) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| stat(&entry.ok()?.path()))
        .filter(wanted)
        .map(|stat| stat.pid)
        .collect()
}

/// Zombies are nobody any more.
fn stat(path: &Path) -> Option<Stat> {
    let pid = path.file_name()?.to_str()?.parse().ok()?;
    let text = fs::read_to_string(path.join("stat")).ok()?;
    // The name may hold anything, spaces and brackets included, so what counts is the last one.
    let mut after_name = text.rsplit_once(')')?.1.split_whitespace();
    let state = after_name.next()?;
    let parent = after_name.next()?.parse().ok()?;
    (state != "Z" && state != "X").then_some(Stat { pid, parent })
}
