//! The components of an instance as processes.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use conduct_node::runtime::ExitStatus;
use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::setsid;

use crate::cgroup::Groups;
use crate::check::DEAD_CODE;
use crate::error::RuntimeError;
use crate::processes::signal;
use crate::protocol::{ComponentSpec, ShimSpec};
use crate::shim::output::Output;

/// The kernel's out-of-memory killer takes instances before it takes shims or the daemon.
const OOM_SCORE: &str = "300";

struct Child {
    pid: u32,
    main: bool,
}

/// A component that ended.
pub(super) struct Ended {
    pub(super) main: bool,
    pub(super) status: Status,
}

/// What the kernel said.
#[derive(Clone, Copy)]
pub(super) enum Status {
    Exited(i32),
    Signaled(i32),
}

impl Status {
    pub(super) fn is_success(self) -> bool {
        matches!(self, Status::Exited(0))
    }

    pub(super) fn says_dead(self) -> bool {
        matches!(self, Status::Exited(code) if code == i32::from(DEAD_CODE))
    }

    pub(super) fn exit(self) -> ExitStatus {
        match self {
            Status::Exited(code) => ExitStatus::Code(code),
            Status::Signaled(number) => ExitStatus::Signal(number),
        }
    }
}

/// All components.
pub(super) struct Children {
    main_pid: u32,
    alive: Vec<Child>,
}

impl Children {
    /// Starts every component. If one cannot be started, none is left running.
    pub(super) fn start(
        spec: &ShimSpec,
        groups: &Groups,
        output: &mut Output,
    ) -> Result<Children, RuntimeError> {
        let mut children = Children {
            main_pid: 0,
            alive: Vec::new(),
        };
        for component in &spec.components {
            match start(spec, component, groups, output) {
                Ok(pid) => {
                    if component.main && children.main_pid == 0 {
                        children.main_pid = pid;
                    }
                    children.alive.push(Child {
                        pid,
                        main: component.main,
                    });
                }
                Err(source) => {
                    children.signal(Signal::SIGKILL);
                    return Err(RuntimeError::file("start", &component.script)(source));
                }
            }
        }
        Ok(children)
    }

    /// The first main component's process: what people are shown.
    pub(super) fn main_pid(&self) -> u32 {
        self.main_pid
    }

    pub(super) fn are_gone(&self) -> bool {
        self.alive.is_empty()
    }

    /// Signals each component with all that stayed in its session's first group.
    pub(super) fn signal(&self, number: Signal) {
        for child in &self.alive {
            if nix::sys::signal::killpg(nix::unistd::Pid::from_raw(child.pid as i32), number)
                .is_err()
            {
                signal(child.pid, number);
            }
        }
    }

    /// Takes the ends of components, and of whatever they left behind.
    pub(super) fn reap(&mut self) -> Vec<Ended> {
        let mut ended = Vec::new();
        loop {
            let (pid, status) = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, code)) => (pid, Status::Exited(code)),
                Ok(WaitStatus::Signaled(pid, number, _)) => (pid, Status::Signaled(number as i32)),
                Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return ended,
                Ok(_) | Err(_) => continue,
            };
            let pid = pid.as_raw() as u32;
            if let Some(at) = self.alive.iter().position(|child| child.pid == pid) {
                let child = self.alive.swap_remove(at);
                ended.push(Ended {
                    main: child.main,
                    status,
                });
            }
        }
    }
}

fn start(
    spec: &ShimSpec,
    component: &ComponentSpec,
    groups: &Groups,
    output: &mut Output,
) -> io::Result<u32> {
    let (stdout, stderr) = output.pipes()?;
    let groups = groups.clone();
    let mut command = Command::new("bash");
    command
        .arg(&component.script)
        .env_clear()
        .envs(&spec.environment)
        .current_dir(&spec.root)
        .stdin(Stdio::from(File::open("/dev/null")?))
        .stdout(stdout)
        .stderr(stderr);
    #[expect(
        unsafe_code,
        reason = "a child must be in its groups before it runs a line of its own"
    )]
    // SAFETY: the shim has one thread, so nothing can hold a lock that the child would wait for;
    // what is called here is safe after such a fork.
    unsafe {
        command.pre_exec(move || {
            SigSet::empty().thread_set_mask()?;
            setsid()?;
            groups.join(std::process::id())?;
            nix::sys::prctl::set_no_new_privs()?;
            // Without the right to be preferred less, the child stays as it is.
            let _ = std::fs::write("/proc/self/oom_score_adj", OOM_SCORE);
            Ok(())
        });
    }
    Ok(command.spawn()?.id())
}
