//! The shim: one thread, no runtime, a few hundred kilobytes. It must outlive everything but its
//! instance, so it does little and needs nothing but its folder.

mod children;
mod lease;
mod output;
mod talk;

use std::io::Write;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::ExitCode;

use conduct_node::runtime::{ExitStatus, StopStage};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use crate::cgroup::Groups;
use crate::error::RuntimeError;
use crate::folder::{RunFolder, read_json, write_json};
use crate::protocol::{ExitRecord, FromShim, ShimSpec, ShimStart, ToShim};
use children::{Children, Ended};
use lease::{Lease, boot_millis};
use output::Output;
use talk::Talk;

/// How often the kernel's count of memory kills is looked at.
const MEMORY_LOOK_MILLIS: u64 = 1000;

/// The kernel's out-of-memory killer takes instances before it takes shims, and shims before the
/// daemon. A shim that is not root stays as it was born.
pub(crate) const INSTANCE_OOM_SCORE: i32 = 300;
const SHIM_OOM_SCORE: i32 = -800;

/// How often SIGKILL is repeated until nobody is left.
const KILL_AGAIN_MILLIS: u64 = 50;

/// An end that was begun.
#[derive(Clone, Copy)]
struct Stopping {
    kill_at: u64,
    stage: StopStage,
}

/// Runs the instance in this folder to its end.
pub(crate) fn shim_main(folder: PathBuf) -> ExitCode {
    let folder = RunFolder::at(folder);
    match Shim::begin(folder) {
        Ok(shim) => shim.run(),
        Err(why) => {
            say(&ShimStart::Failed(why.story()));
            ExitCode::FAILURE
        }
    }
}

/// If the daemon died at this very moment the instance goes on, and the next one asks.
fn say(word: &ShimStart) {
    let Ok(mut line) = serde_json::to_vec(word) else {
        return;
    };
    line.push(b'\n');
    let mut stdout = std::io::stdout();
    let _ = stdout.write_all(&line).and_then(|()| stdout.flush());
}

struct Shim {
    folder: RunFolder,
    groups: Groups,
    children: Children,
    output: Output,
    talk: Talk,
    signals: SignalFd,
    lease: Option<Lease>,
    stopping: Option<Stopping>,
    grace_millis: u64,
    started: bool,
    /// Whether the daemon was told that everything runs, or that it does not.
    is_said: bool,
    by_lease: bool,
    memory_limit_bytes: Option<u64>,
    /// The first main component that ended, and how.
    verdict: Option<(ExitStatus, u64)>,
    memory_kills: u64,
    memory_suspect: Option<u64>,
    memory_look: u64,
}

impl Shim {
    fn begin(folder: RunFolder) -> Result<Shim, RuntimeError> {
        let spec: ShimSpec = read_json(&folder.shim_spec())?
            .ok_or_else(|| RuntimeError::Shim("its folder has no shim.json".to_owned()))?;
        let failed = |what| RuntimeError::file(what, folder.path());
        let signals = block_signals().map_err(failed("watch signals for"))?;
        nix::sys::prctl::set_child_subreaper(true)
            .map_err(|errno| failed("become the reaper of")(errno.into()))?;
        let _ = std::fs::write("/proc/self/oom_score_adj", SHIM_OOM_SCORE.to_string());
        let groups = Groups::of(spec.cgroups.clone(), spec.cgroups_aside.clone());
        let talk = Talk::listen(&folder.socket())?;
        let mut output = Output::open(&folder.logs())?;
        let children = Children::start(&spec, &groups, &mut output)?;
        Ok(Shim {
            memory_kills: groups.out_of_memory_kills(),
            folder,
            groups,
            children,
            output,
            talk,
            signals,
            lease: spec.lease_millis.map(Lease::from),
            stopping: None,
            grace_millis: spec.grace_millis,
            started: false,
            is_said: false,
            by_lease: false,
            memory_limit_bytes: spec.memory_limit_bytes,
            verdict: None,
            memory_suspect: None,
            memory_look: 0,
        })
    }

    fn run(mut self) -> ExitCode {
        self.say_ready();
        loop {
            self.wait();
            let now = boot_millis();
            self.output.pump(now);
            self.reap(now);
            // Also of what has ended again already.
            self.say_ready();
            for word in self.talk.hear() {
                self.obey(word, now);
            }
            // What a daemon said before it died is part of what the next one hears first.
            let status = self.status();
            self.talk.welcome(&status);

            self.watch_lease(now);
            self.watch_memory(now);
            if self.push_to_the_end(now) {
                return self.finish();
            }
        }
    }

    /// Tells the daemon once that all components run.
    fn say_ready(&mut self) {
        if !self.is_said && self.children.are_made() {
            self.is_said = true;
            say(&ShimStart::Ready {
                pid: self.children.main_pid(),
            });
        }
    }

    fn status(&self) -> FromShim {
        FromShim::Status {
            pid: self.children.main_pid(),
            started: self.started,
        }
    }

    /// Sleeps until something happens or is due.
    fn wait(&mut self) {
        let due = self.due().saturating_sub(boot_millis());
        let mut fds = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        fds.extend(
            self.output
                .fds()
                .map(|fd| PollFd::new(fd, PollFlags::POLLIN)),
        );
        fds.extend(self.talk.fds().map(|fd| PollFd::new(fd, PollFlags::POLLIN)));
        let timeout = PollTimeout::try_from(due.min(60_000)).unwrap_or(PollTimeout::MAX);
        // Interrupted or not: whoever is ready is looked at next.
        let _ = poll(&mut fds, timeout);
        drop(fds);
        while matches!(self.signals.read_signal(), Ok(Some(_))) {}
    }

    fn due(&self) -> u64 {
        let mut due = self.output.due().unwrap_or(u64::MAX);
        if !self.groups.joined.is_empty() && self.verdict.is_none() {
            due = due.min(self.memory_look + MEMORY_LOOK_MILLIS);
        }
        if let Some(lease) = self.lease.as_ref().filter(|_| !self.by_lease) {
            due = due.min(lease.due());
        }
        if let Some(stopping) = self.stopping {
            due = due.min(match stopping.stage {
                StopStage::Terminating => stopping.kill_at,
                StopStage::Killing => boot_millis() + KILL_AGAIN_MILLIS,
            });
        }
        due
    }

    fn reap(&mut self, now: u64) {
        for ended in self.children.reap(&self.folder) {
            self.say_failure(&ended);
            // A check that gives up before the start fails the start; later it has done its work,
            // unless it says that what it watches is dead.
            let is_good = ended.status.is_success() && ended.failure.is_none();
            let failed = !self.started && !is_good;
            let decides = ended.main || failed || ended.status.says_dead();
            if decides && self.verdict.is_none() {
                self.verdict = Some((ended.status.exit(), wall_millis()));
                self.stop(self.grace_millis, now);
            }
        }
    }

    /// A component that never ran is a reason to tell, in the log as well.
    fn say_failure(&mut self, ended: &Ended) {
        let Some(why) = ended.failure.as_ref().map(RuntimeError::story) else {
            return;
        };
        self.output.say(&why);
        if !self.is_said {
            self.is_said = true;
            say(&ShimStart::Failed(why));
        }
    }

    fn obey(&mut self, word: ToShim, now: u64) {
        match word {
            ToShim::Lease(stamp) => {
                if let Some(lease) = &mut self.lease {
                    lease.renew(stamp);
                }
            }
            ToShim::Stop(grace) => self.stop(grace, now),
            ToShim::Started => self.started = true,
        }
    }

    /// SIGTERM now, SIGKILL after the grace. A second order can only shorten the first.
    fn stop(&mut self, grace: u64, now: u64) {
        let kill_at = now.saturating_add(grace);
        match &mut self.stopping {
            Some(stopping) => stopping.kill_at = stopping.kill_at.min(kill_at),
            None => {
                self.stopping = Some(Stopping {
                    kill_at,
                    stage: StopStage::Terminating,
                });
                self.children.signal(Signal::SIGTERM);
                self.talk.tell(&FromShim::Stopping(StopStage::Terminating));
            }
        }
    }

    fn watch_lease(&mut self, now: u64) {
        let Some(lease) = &self.lease else { return };
        let (ends, kill_at) = (lease.has_ended(now), lease.kill_at());
        if ends && !self.by_lease {
            self.by_lease = true;
            self.stop(kill_at.saturating_sub(now), now);
        }
    }

    fn watch_memory(&mut self, now: u64) {
        if now < self.memory_look + MEMORY_LOOK_MILLIS {
            return;
        }
        self.memory_look = now;
        if self.verdict.is_some() {
            return;
        }
        // The kernel counts before it kills: only when the main process is there a look later was
        // it a child.
        let kills = self.groups.out_of_memory_kills();
        if self
            .memory_suspect
            .is_some_and(|suspect| suspect > self.memory_kills)
        {
            self.memory_kills = kills;
            self.talk.tell(&FromShim::ChildOutOfMemory);
        }
        self.memory_suspect = Some(kills);
    }

    /// Moves a stop forward; answers whether nobody is left.
    fn push_to_the_end(&mut self, now: u64) -> bool {
        let Some(stopping) = self.stopping else {
            return false;
        };
        let rest = self.rest();
        if rest.is_empty() && self.children.are_gone() {
            return true;
        }
        if now >= stopping.kill_at || self.children.are_gone() {
            if stopping.stage == StopStage::Terminating {
                self.stopping = Some(Stopping {
                    stage: StopStage::Killing,
                    ..stopping
                });
                self.talk.tell(&FromShim::Stopping(StopStage::Killing));
            }
            self.groups.kill();
            for pid in rest {
                crate::processes::signal(pid, Signal::SIGKILL);
            }
        }
        false
    }

    /// Everybody who belongs to the instance: in its groups, or inherited from its processes.
    fn rest(&self) -> Vec<u32> {
        let mut rest = self.groups.members();
        rest.extend(crate::processes::children(std::process::id()));
        rest.sort_unstable();
        rest.dedup();
        rest
    }

    /// Leaves the exit on the disk, where the daemon finds it now or later.
    fn finish(mut self) -> ExitCode {
        let (status, at_millis) = self.verdict.unwrap_or((ExitStatus::Unknown, wall_millis()));
        let killed = matches!(status, ExitStatus::Signal(9) | ExitStatus::Code(137));
        let out_of_memory = killed && self.groups.out_of_memory_kills() > self.memory_kills;
        if out_of_memory {
            self.say_out_of_memory();
        }
        self.output.finish();
        let exit = ExitRecord {
            status,
            out_of_memory,
            at_millis,
            by_lease: self.by_lease,
            output_dropped_bytes: self.output.dropped_bytes(),
        };
        self.children.delete_containers();
        self.groups.remove();
        let written = write_json(&self.folder.exit(), &exit);
        // The daemon takes the end of the connection for the end of the instance.
        drop(self.talk);
        let _ = std::fs::remove_file(self.folder.socket());
        match written {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        }
    }
}

impl Shim {
    /// For whoever reads its last lines.
    fn say_out_of_memory(&mut self) {
        let mebibytes = |bytes: u64| format!("{} MiB", bytes >> 20);
        let limit = match self.memory_limit_bytes {
            Some(bytes) => format!("its limit is {}", mebibytes(bytes)),
            None => "it had no limit".to_owned(),
        };
        let peak = self.groups.memory_peak_bytes();
        let peak = peak.map_or_else(String::new, |bytes| {
            format!(", it used {}", mebibytes(bytes))
        });
        let text = format!("it ran out of memory and was killed by the kernel: {limit}{peak}");
        self.output.say(&text);
    }
}

fn wall_millis() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap_or_default().as_millis() as u64
}

/// Children's ends come as something to read; what would end a shim is ignored, it ends with its
/// instance.
fn block_signals() -> std::io::Result<SignalFd> {
    let mut mask = SigSet::empty();
    for signal in [
        Signal::SIGCHLD,
        Signal::SIGTERM,
        Signal::SIGINT,
        Signal::SIGHUP,
    ] {
        mask.add(signal);
    }
    mask.thread_block()?;
    Ok(SignalFd::with_flags(
        &mask,
        SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC,
    )?)
}
