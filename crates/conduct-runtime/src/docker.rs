//! Components of type `docker`: built from their folder and run by the machine's engine.
//!
//! The component's process is `docker run`, which takes signals on behalf of the container and ends
//! as it does. What the container writes comes through it like any other component's output.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use conduct_model::{BindProtocol, Component, ComponentName, Word};

use crate::cgroup::Limits;
use crate::container::wait;
use crate::error::RuntimeError;
use crate::folder::RunFolder;

/// An image is built within this, or it is not going to be.
const BUILD_MAX: Duration = Duration::from_secs(600);

/// What is left of a container is removed within this.
const REMOVE_MAX: Duration = Duration::from_secs(10);

/// How much of what a build said is told as the reason that it failed.
const REASON_BYTES_MAX: usize = 2000;

/// The word that arguments of Docker begin with.
const ARGUMENTS: &str = "dockerArgs";

/// Builds a component's image under this name.
pub(crate) fn build(
    docker: &Path,
    folder: &RunFolder,
    component: &ComponentName,
    place: &Path,
    image: &str,
) -> Result<(), RuntimeError> {
    let log = folder.path().join(format!("{component}.build.log"));
    let output = File::create(&log).map_err(RuntimeError::file("write", &log))?;
    let failed = |why: String| RuntimeError::Component {
        component: component.to_string(),
        why,
    };
    let errors = output
        .try_clone()
        .map_err(RuntimeError::file("write", &log))?;
    let mut child = Command::new(docker)
        .args(["build", "--tag", image])
        .arg(place)
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .spawn()
        .map_err(RuntimeError::file("run", docker))?;
    match wait(&mut child, BUILD_MAX).map_err(RuntimeError::file("run", docker))? {
        Some(status) if status.success() => Ok(()),
        Some(_) => Err(failed(format!(
            "its image does not build: {}",
            last_of(&log)
        ))),
        None => Err(failed(format!(
            "its image took longer than {} s to build",
            BUILD_MAX.as_secs()
        ))),
    }
}

fn last_of(log: &Path) -> String {
    let mut bytes = Vec::new();
    // Without the log there is still the failure.
    let _ = File::open(log).and_then(|mut file| file.read_to_end(&mut bytes));
    let from = bytes.len().saturating_sub(REASON_BYTES_MAX);
    let text = String::from_utf8_lossy(&bytes[from..]);
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines.join("; ")
}

/// The name of a component's image: the same for all instances of a bundle, so that it is built once.
pub(crate) fn image_name(bundle: &str, component: &ComponentName) -> String {
    format!("conduct/{bundle}-{component}").to_lowercase()
}

/// What a component is run with.
pub(crate) struct Run<'a> {
    pub(crate) docker: &'a Path,
    pub(crate) container: &'a str,
    pub(crate) image: &'a str,
    pub(crate) component: &'a Component,
    pub(crate) limits: &'a Limits,
    /// The variable that marks every process of the instance.
    pub(crate) mark: &'a str,
}

impl Run<'_> {
    /// The words before those of the start command. Shells fill in what is in double quotes.
    pub(crate) fn before(&self) -> Vec<String> {
        let limits = self.limits;
        let mut words = vec![
            self.docker.display().to_string(),
            "run".to_owned(),
            "--rm".to_owned(),
            "--name".to_owned(),
            self.container.to_owned(),
            "--env".to_owned(),
            self.mark.to_owned(),
            "--security-opt".to_owned(),
            "no-new-privileges".to_owned(),
            "--pids-limit".to_owned(),
            limits.processes.to_string(),
            "--cpu-shares".to_owned(),
            (limits.cpu_millis.saturating_mul(1024) / 1000)
                .max(2)
                .to_string(),
        ];
        if let Some(bytes) = limits.memory_bytes {
            words.extend(["--memory".to_owned(), bytes.to_string()]);
        }
        words
    }

    /// A port of the host for each endpoint, as an option that a shell fills in.
    pub(crate) fn published(&self) -> Vec<String> {
        let endpoints = self.component.endpoints.iter();
        endpoints
            .map(|(name, endpoint)| {
                let prefix = name.env_prefix();
                let protocol = match endpoint.bind_protocol {
                    BindProtocol::Udp => "udp",
                    BindProtocol::Http | BindProtocol::Tcp => "tcp",
                };
                format!(
                    "\"${{BUNDLE_HOST_IP}}:${{{prefix}_HOST_PORT}}:${{{prefix}_BIND_PORT}}/{protocol}\""
                )
            })
            .collect()
    }

    /// Arguments of Docker come before the image, a command of the container behind it.
    pub(crate) fn words(&self) -> (&[Word], &[Word]) {
        match self.component.start_command.split_first() {
            Some((first, rest)) if first.as_str() == ARGUMENTS => (rest, &[]),
            _ => (&[], &self.component.start_command),
        }
    }
}

/// Removes a container, whatever state it is in; one that is not there is fine.
pub(crate) fn remove(docker: &PathBuf, container: &str) -> Result<(), RuntimeError> {
    let failed = || RuntimeError::file("run", docker);
    let mut child = Command::new(docker)
        .args(["rm", "--force", container])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed())?;
    match wait(&mut child, REMOVE_MAX).map_err(failed())? {
        // An engine that knows nothing of it says so with an error.
        Some(_) => Ok(()),
        None => Err(RuntimeError::Component {
            component: container.to_owned(),
            why: "docker rm took too long".to_owned(),
        }),
    }
}
