//! From a prepared folder to a running shim.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use conduct_model::{
    BundleId, Component, ComponentName, FileSystemType, InstanceId, Span, Time, Word,
};
use conduct_node::runtime::{Ports, StartInstance};
use nix::unistd::setsid;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::cgroup::{Groups, Limits, Mounts};
use crate::config::RuntimeConfig;
use crate::contained::plan;
use crate::container::CREATE_MAX;
use crate::docker::{Run, image_name};
use crate::environment::{INSTANCE_VARIABLE, Instance, environment};
use crate::error::RuntimeError;
use crate::folder::{RunFolder, write_json};
use crate::ports::PortPool;
use crate::prepare::Prepared;
use crate::protocol::{ComponentSpec, ContainerSpec, Engine, ShimSpec, ShimStart};
use crate::record::{Record, Stage, boot};
use crate::script::{Ending, script};

/// A shim says within this that its components run, or why not, if it only has to fork them.
const SHIM_PATIENCE: Duration = Duration::from_secs(30);

/// What a shim gets in addition for each container: the scripts before it, and two commands of runc.
const CONTAINER_PATIENCE: Duration = Duration::from_secs(30).saturating_add(CREATE_MAX);

/// A shim that failed has ended after this.
const END_PATIENCE: Duration = Duration::from_secs(15);

/// What the rest of an instance gets when its main component has ended by itself.
const GRACE_DEFAULT: Span = Span::secs(8);

/// A shim that says it is ready.
pub(crate) struct Launched {
    pub(crate) pid: u32,
    pub(crate) ports: BTreeMap<String, Ports>,
    /// Reaped by whoever watches the instance.
    pub(crate) shim: Child,
}

pub(crate) struct Launcher<'a> {
    pub(crate) config: &'a RuntimeConfig,
    pub(crate) pool: &'a PortPool,
    pub(crate) mounts: &'a Mounts,
}

impl Launcher<'_> {
    /// Starts an instance. On failure no process of it is left, and its ports are free again.
    pub(crate) async fn launch(
        &self,
        folder: &RunFolder,
        prepared: &Prepared,
        start: &StartInstance,
    ) -> Result<Launched, RuntimeError> {
        let ports = self.allot(prepared)?;
        let launched = self.launch_with(folder, prepared, start, &ports).await;
        match launched {
            Ok((pid, shim)) => Ok(Launched { pid, ports, shim }),
            Err(why) => {
                give_back(self.pool, &ports);
                Err(why)
            }
        }
    }

    async fn launch_with(
        &self,
        folder: &RunFolder,
        prepared: &Prepared,
        start: &StartInstance,
        ports: &BTreeMap<String, Ports>,
    ) -> Result<(u32, Child), RuntimeError> {
        let groups = self.groups(start.instance, prepared);
        let spec = self.spec(folder, prepared, start, ports, &groups)?;
        write_json(&folder.shim_spec(), &spec)?;
        let stage = Stage::Started {
            ports: ports.clone(),
            has_lease: start.lease.is_some(),
        };
        // From here on a crash leaves something to look for.
        Record {
            instance: start.instance,
            bundle: start.bundle,
            boot: boot(),
            stage,
        }
        .write(folder)?;
        match self.start_shim(folder, &spec).await {
            Ok(started) => Ok(started),
            Err(why) => {
                groups.kill();
                groups.remove();
                Err(why)
            }
        }
    }

    fn groups(&self, instance: InstanceId, prepared: &Prepared) -> Groups {
        let limits = self.limits(prepared);
        let groups = self
            .mounts
            .make(&self.config.name, &instance.to_string(), &limits);
        if !groups.missing.is_empty() {
            let missing = groups.missing.join(", ");
            tracing::debug!(%missing, "limits that this machine does not let the daemon enforce");
        }
        groups
    }

    fn limits(&self, prepared: &Prepared) -> Limits {
        let needs = &prepared.descriptor.resources;
        let policy = &self.config.limits;
        Limits {
            memory_bytes: policy.memory.of(needs.memory_bytes),
            cpu_millis: needs.cpu_millis,
            processes: policy.processes,
        }
    }

    fn spec(
        &self,
        folder: &RunFolder,
        prepared: &Prepared,
        start: &StartInstance,
        ports: &BTreeMap<String, Ports>,
        groups: &Groups,
    ) -> Result<ShimSpec, RuntimeError> {
        let descriptor = &prepared.descriptor;
        let instance = Instance {
            bundle: start.bundle,
            descriptor,
            ports,
            seeds: &start.seeds,
        };
        let mut environment = environment(self.config, &instance);
        environment.insert(INSTANCE_VARIABLE.to_owned(), start.instance.to_string());
        let path = environment.get("PATH").cloned().unwrap_or_default();
        environment.insert(
            "PATH".to_owned(),
            format!("{}:{path}", folder.bin().display()),
        );
        let mut components = Vec::new();
        for (name, component) in &descriptor.components {
            let container = plan(self.config, folder, prepared, start.instance, groups, name)?;
            let script = self.script(folder, prepared, start.bundle, name, container.as_ref())?;
            components.push(ComponentSpec {
                name: name.to_string(),
                script,
                main: component.check.is_none(),
                container,
            });
        }
        Ok(ShimSpec {
            components,
            environment,
            root: prepared.root.clone(),
            cgroups: groups.joined.clone(),
            cgroups_aside: groups.aside.clone(),
            memory_limit_bytes: self
                .limits(prepared)
                .memory_bytes
                .filter(|_| !groups.missing.contains(&"memory")),
            lease_millis: start.lease.map(Time::as_millis),
            grace_millis: descriptor.stop_grace.unwrap_or(GRACE_DEFAULT).as_millis(),
        })
    }

    /// Writes what a component's process begins as.
    fn script(
        &self,
        folder: &RunFolder,
        prepared: &Prepared,
        bundle: BundleId,
        name: &ComponentName,
        container: Option<&ContainerSpec>,
    ) -> Result<PathBuf, RuntimeError> {
        let component = &prepared.descriptor.components[name];
        let configs: Vec<_> = prepared.runtime_configs.iter().map(AsRef::as_ref).collect();
        let words = words(component)?;
        let script = |ending: &Ending<'_>| script(&prepared.root, &configs, ending, &words);
        let text = match container.map(|container| (&container.id, &container.engine)) {
            None => script(&Ending::Command),
            Some((_, Engine::Runc(_))) => {
                let program = self.config.program.display().to_string();
                let place = folder.path().display().to_string();
                script(&Ending::Before(&[
                    &program,
                    "container",
                    &place,
                    name.as_str(),
                ]))
            }
            Some((id, Engine::Docker(docker))) => script(&Ending::Docker(&Run {
                docker,
                container: id,
                image: &image_name(&bundle.to_string(), name),
                component,
                limits: &self.limits(prepared),
                mark: INSTANCE_VARIABLE,
            })),
        };
        let path = folder.script(name.as_str());
        std::fs::write(&path, text).map_err(RuntimeError::file("write", &path))?;
        Ok(path)
    }

    /// The shim is its own session, so that nothing sent to the daemon's group reaches it.
    async fn start_shim(
        &self,
        folder: &RunFolder,
        spec: &ShimSpec,
    ) -> Result<(u32, Child), RuntimeError> {
        let log = std::fs::File::create(folder.shim_log())
            .map_err(RuntimeError::file("write", folder.shim_log()))?;
        let mut command = std::process::Command::new(&self.config.program);
        command
            .arg("shim")
            .arg(folder.path())
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);
        #[expect(unsafe_code, reason = "only setsid is called between fork and exec")]
        // SAFETY: setsid is async-signal-safe and touches no memory of this process.
        unsafe {
            command.pre_exec(|| setsid().map(drop).map_err(io::Error::from));
        }
        let mut child = Command::from(command)
            .spawn()
            .map_err(RuntimeError::file("start", &self.config.program))?;
        let containers = spec
            .components
            .iter()
            .filter_map(|one| one.container.as_ref());
        let patience = SHIM_PATIENCE + CONTAINER_PATIENCE * containers.count() as u32;
        match timeout(patience, first_word(&mut child)).await {
            Ok(Ok(ShimStart::Ready { pid })) => Ok((pid, child)),
            Ok(Ok(ShimStart::Failed(why))) => {
                // It ends what it had begun.
                let _ = timeout(END_PATIENCE, child.wait()).await;
                Err(RuntimeError::Shim(why))
            }
            Ok(Err(error)) => Err(RuntimeError::Shim(error.to_string())),
            Err(_) => {
                // It is ours and has done nothing yet that counts.
                let _ = child.start_kill();
                Err(RuntimeError::Shim("it said nothing".to_owned()))
            }
        }
    }

    fn allot(&self, prepared: &Prepared) -> Result<BTreeMap<String, Ports>, RuntimeError> {
        let mut ports = BTreeMap::new();
        let components = prepared.descriptor.components.values();
        let endpoints = components.flat_map(|component| {
            let kind = component.file_system_type;
            let endpoints = component.endpoints.iter();
            endpoints.map(move |(name, endpoint)| (kind, name, endpoint.bind_port))
        });
        for (kind, name, bind) in endpoints {
            let host = match (kind, bind) {
                // In a network of its own a container may bind whatever it likes.
                (_, 0) | (FileSystemType::Docker, _) => self.pool.take(),
                (_, fixed) => self.pool.take_fixed(fixed, name.as_str()).map(|()| fixed),
            };
            match host {
                Ok(host) => {
                    let bind = if bind == 0 { host } else { bind };
                    ports.insert(name.to_string(), Ports { bind, host })
                }
                Err(why) => {
                    give_back(self.pool, &ports);
                    return Err(why);
                }
            };
        }
        Ok(ports)
    }
}

/// The start command. How a check goes on after the start may stand beside the command, and is told
/// to it as the options that say the same.
fn words(component: &Component) -> Result<Vec<Word>, RuntimeError> {
    let mut words = component.start_command.clone();
    if let Some(liveness) = component
        .check
        .as_ref()
        .and_then(|check| check.liveness.as_ref())
    {
        let seconds =
            |span: Span| format!("{}.{:03}", span.as_millis() / 1000, span.as_millis() % 1000);
        let options = [
            "--liveness-interval".to_owned(),
            seconds(liveness.interval),
            "--liveness-timeout".to_owned(),
            seconds(liveness.timeout),
            "--liveness-failures".to_owned(),
            liveness.failures.to_string(),
        ];
        let wrong = |text: &String| RuntimeError::Descriptor(format!("{text:?} is no word"));
        for (place, text) in options.iter().enumerate() {
            words.insert(1 + place, text.parse().map_err(|_| wrong(text))?);
        }
    }
    Ok(words)
}

pub(crate) fn give_back(pool: &PortPool, ports: &BTreeMap<String, Ports>) {
    for port in ports.values() {
        pool.give_back(port.host);
    }
}

async fn first_word(child: &mut Child) -> io::Result<ShimStart> {
    let output = child
        .stdout
        .take()
        .ok_or_else(|| io::Error::other("it has no output"))?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line).await?;
    serde_json::from_str(&line).map_err(|_| io::Error::other("it ended at once"))
}
