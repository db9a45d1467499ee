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
use crate::folder::RunFolder;
use crate::processes::signal;
use crate::protocol::{ComponentSpec, ContainerSpec, Engine, ShimSpec};
use crate::shim::INSTANCE_OOM_SCORE;
use crate::shim::output::Output;

/// What a process of a component is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Its program, or what becomes it.
    Program,
    /// Makes a container and ends.
    Maker,
}

struct Child {
    pid: u32,
    name: String,
    main: bool,
    role: Role,
}

/// A component that ended.
pub(super) struct Ended {
    pub(super) main: bool,
    pub(super) status: Status,
    /// It never ran, for this reason.
    pub(super) failure: Option<RuntimeError>,
}

/// What the kernel said.
#[derive(Clone, Copy, PartialEq, Eq)]
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

    fn words(self) -> String {
        match self {
            Status::Exited(code) => format!("its script ended with {code}"),
            Status::Signaled(number) => format!("its script was ended by signal {number}"),
        }
    }
}

/// All components.
pub(super) struct Children {
    main_pid: u32,
    alive: Vec<Child>,
    containers: Vec<ContainerSpec>,
    /// Ends of processes that may turn out to be the first ones of containers.
    strangers: Vec<(u32, Status)>,
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
            containers: spec
                .components
                .iter()
                .filter_map(|component| component.container.clone())
                .collect(),
            strangers: Vec::new(),
        };
        for component in &spec.components {
            match start(spec, component, groups, output) {
                Ok(pid) => {
                    if component.main && children.main_pid == 0 {
                        children.main_pid = pid;
                    }
                    let role = if is_maker(component) {
                        Role::Maker
                    } else {
                        Role::Program
                    };
                    children.alive.push(Child {
                        pid,
                        name: component.name.clone(),
                        main: component.main,
                        role,
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

    /// Whether every container that was to be made was.
    pub(super) fn are_made(&self) -> bool {
        self.alive.iter().all(|child| child.role == Role::Program)
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
    pub(super) fn reap(&mut self, folder: &RunFolder) -> Vec<Ended> {
        let mut ended = Vec::new();
        loop {
            let (pid, status) = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, code)) => (pid, Status::Exited(code)),
                Ok(WaitStatus::Signaled(pid, number, _)) => (pid, Status::Signaled(number as i32)),
                Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => break,
                Ok(_) | Err(_) => continue,
            };
            let pid = pid.as_raw() as u32;
            match self.alive.iter().position(|child| child.pid == pid) {
                None if !self.are_made() => self.strangers.push((pid, status)),
                None => {}
                Some(at) => {
                    let child = self.alive.swap_remove(at);
                    match child.role {
                        Role::Program => ended.push(Ended {
                            main: child.main,
                            status,
                            failure: None,
                        }),
                        Role::Maker => ended.extend(self.made(child, status, folder)),
                    }
                }
            }
        }
        ended
    }

    /// A container was made, or not. If it was, its first process is the component from now on, and
    /// may be at its end already.
    fn made(&mut self, maker: Child, status: Status, folder: &RunFolder) -> Option<Ended> {
        let pid = std::fs::read_to_string(folder.container_pid(&maker.name));
        let pid = pid.ok().and_then(|text| text.trim().parse().ok());
        let Some(pid) = pid.filter(|_| status.is_success()) else {
            let told = std::fs::read_to_string(folder.container_failure(&maker.name));
            return Some(Ended {
                main: maker.main,
                status,
                failure: Some(RuntimeError::Component {
                    component: maker.name,
                    why: told.unwrap_or_else(|_| status.words()),
                }),
            });
        };
        if maker.pid == self.main_pid {
            self.main_pid = pid;
        }
        if let Some(at) = self
            .strangers
            .iter()
            .position(|(stranger, _)| *stranger == pid)
        {
            let (_, status) = self.strangers.swap_remove(at);
            return Some(Ended {
                main: maker.main,
                status,
                failure: None,
            });
        }
        self.alive.push(Child {
            pid,
            role: Role::Program,
            ..maker
        });
        None
    }

    /// Removes what engines keep of the containers, once nobody is left in them.
    pub(super) fn delete_containers(&self) {
        self.containers.iter().for_each(ContainerSpec::delete);
    }
}

/// Whether a component's script makes a container and ends, instead of becoming the program.
fn is_maker(component: &ComponentSpec) -> bool {
    let engine = component
        .container
        .as_ref()
        .map(|container| &container.engine);
    matches!(engine, Some(Engine::Runc(_)))
}

fn start(
    spec: &ShimSpec,
    component: &ComponentSpec,
    groups: &Groups,
    output: &mut Output,
) -> io::Result<u32> {
    let (stdout, stderr) = output.pipes()?;
    let groups = groups.clone();
    // Whoever makes a container needs rights that the container does not get.
    let is_program = !is_maker(component);
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
            if is_program {
                nix::sys::prctl::set_no_new_privs()?;
            }
            // Without the right to be preferred less, the child stays as it is.
            let score = INSTANCE_OOM_SCORE.to_string();
            let _ = std::fs::write("/proc/self/oom_score_adj", score);
            Ok(())
        });
    }
    Ok(command.spawn()?.id())
}
