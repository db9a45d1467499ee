//! Processes, recognised by when they started and never by their number alone.

use std::fs;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

/// How often it is looked whether a process has gone. The kernel tells only parents.
const LOOK: Duration = Duration::from_millis(10);

/// A process of this boot of the machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Process {
    pub(crate) pid: u32,
    /// When it started, in the kernel's ticks since the boot.
    start_ticks: u64,
    boot: String,
}

/// How a process is at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    Running,
    /// Stopped by a signal.
    Stopped,
    Gone,
}

impl Process {
    /// The process that has this number now.
    pub(crate) fn of(pid: u32) -> Option<Process> {
        let stat = Stat::read(pid)?;
        Some(Process {
            pid,
            start_ticks: stat.start_ticks,
            boot: boot(),
        })
    }

    pub(crate) fn life(&self) -> Life {
        match Stat::read(self.pid) {
            Some(stat) if stat.start_ticks == self.start_ticks && self.boot == boot() => {
                match stat.state {
                    'T' | 't' => Life::Stopped,
                    _ => Life::Running,
                }
            }
            _ => Life::Gone,
        }
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.life() != Life::Gone
    }

    /// Signals it, unless it has gone.
    pub(crate) fn signal(&self, signal: Signal) -> Result<(), Errno> {
        if !self.is_alive() {
            return Ok(());
        }
        match kill(Pid::from_raw(self.pid as i32), signal) {
            Err(Errno::ESRCH) => Ok(()),
            done => done,
        }
    }

    /// Waits until it has gone; answers whether that came within `patience`.
    pub(crate) async fn gone_within(&self, patience: Duration) -> bool {
        let waited = tokio::time::timeout(patience, async {
            while self.is_alive() {
                tokio::time::sleep(LOOK).await;
            }
        });
        waited.await.is_ok()
    }
}

/// Every process with `word` among the words that it was started with.
pub(crate) fn started_with(word: &str) -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let has = |pid: &u32| {
        let words = fs::read(Path::new("/proc").join(pid.to_string()).join("cmdline"));
        let words = words.unwrap_or_default();
        words
            .split(|byte| *byte == 0)
            .any(|one| one == word.as_bytes())
    };
    pids.filter(has).filter_map(Process::of).collect()
}

struct Stat {
    state: char,
    start_ticks: u64,
}

impl Stat {
    /// Zombies are nobody any more.
    fn read(pid: u32) -> Option<Stat> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name may hold anything, spaces and brackets included, so what counts is the last one.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let state = fields.first()?.chars().next()?;
        // The 22nd of all fields; the first here is the third.
        let start_ticks = fields.get(19)?.parse().ok()?;
        (!matches!(state, 'Z' | 'X')).then_some(Stat { state, start_ticks })
    }
}

fn boot() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_not_taken_for_another_of_the_same_number() {
        let own = Process::of(std::process::id()).expect("this process runs");
        assert_eq!(own.life(), Life::Running);
        let earlier = Process {
            start_ticks: own.start_ticks - 1,
            ..own.clone()
        };
        assert_eq!(earlier.life(), Life::Gone);
        let rebooted = Process {
            boot: "another".to_owned(),
            ..own
        };
        assert_eq!(rebooted.life(), Life::Gone);
    }

    #[tokio::test]
    async fn a_child_is_seen_to_stop_to_go_on_and_to_end() {
        let mark = format!("sandbox-test-{}", std::process::id());
        let mut child = std::process::Command::new("sh")
            .args(["-c", "read line", &mark])
            .stdin(std::process::Stdio::piped())
            .spawn()
            .expect("there is a shell");
        let process = Process::of(child.id()).expect("it runs");
        process.signal(Signal::SIGSTOP).expect("it is ours");
        while process.life() != Life::Stopped {
            tokio::time::sleep(LOOK).await;
        }
        assert_eq!(started_with(&mark), std::slice::from_ref(&process));
        assert!(!process.gone_within(Duration::ZERO).await);
        process.signal(Signal::SIGKILL).expect("it is ours");
        // A zombie until the last line, and nobody all the same.
        assert!(process.gone_within(Duration::from_secs(10)).await);
        process.signal(Signal::SIGKILL).expect("nobody is there");
        child.wait().expect("it ended");
    }
}
