//! A node's folder with bundles in it, and the runtime over it, which can be started anew.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::time::Instant;

use conduct_bundle::archive::{Mode, Packing, Stamp, Trailer};
use conduct_model::{BundleId, Digest, InstanceId, Span, System, Time};
use conduct_node::descriptor::Descriptor;
use conduct_node::runtime::{
    Adopted, Exit, Ports, RuntimeEvent, RuntimeOrder, Seed, StartInstance,
};
use conduct_runtime::{LimitPolicy, LogStream, Runtime, RuntimeConfig, Service, read_logs};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::image::Unpacker;
use crate::tools::{PATIENCE, groups_of, kill, places_of, processes_that_name};

/// A folder that takes every instance with it that was started in it.
pub(crate) struct Folder {
    folder: tempfile::TempDir,
    pub(crate) name: String,
}

impl Folder {
    pub(crate) fn new() -> Folder {
        let number = NEXT_FOLDER.fetch_add(1, Ordering::Relaxed);
        let name = format!("test-{}-{number}", std::process::id());
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("archives")).expect("a folder");
        Folder { folder, name }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn runs(&self) -> PathBuf {
        self.path().join("runs")
    }

    /// Whatever of an instance's files.
    pub(crate) fn of(&self, instance: InstanceId, name: &str) -> PathBuf {
        let folder = format!("{:032x}", instance.as_u128());
        self.runs().join(folder).join(name)
    }

    /// Keeps an archive; answers its digest.
    pub(crate) fn store(&self, packing: &Packing<'_>) -> Digest {
        let mut bytes = Vec::new();
        let written = packing
            .write_to(&mut bytes, Trailer::Omit)
            .expect("it packs");
        let path = self
            .path()
            .join("archives")
            .join(written.digest.to_string());
        std::fs::write(path, bytes).expect("it is kept");
        written.digest
    }

    /// Processes of this folder's instances and their shims.
    pub(crate) fn processes(&self) -> Vec<u32> {
        processes_that_name(&format!("{}/runs/", self.path().display()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            for group in groups_of(&self.name) {
                let _ = std::fs::write(group.join("cgroup.kill"), "1");
            }
            let left = self.processes();
            for pid in &left {
                let _ = std::process::Command::new("kill")
                    .args(["-9", &pid.to_string()])
                    .status();
            }
            if left.is_empty() {
                break;
            }
        }
        for group in groups_of(&self.name) {
            for inner in std::fs::read_dir(&group).into_iter().flatten().flatten() {
                let _ = std::fs::remove_dir(inner.path());
            }
            let _ = std::fs::remove_dir(&group);
        }
        for place in places_of(&self.name) {
            let _ = std::fs::remove_dir(place);
        }
    }
}

/// What a test wants to be different.
pub(crate) struct Setup {
    pub(crate) status_port: u16,
    pub(crate) limits: LimitPolicy,
    pub(crate) runc: PathBuf,
    pub(crate) docker: PathBuf,
}

impl Default for Setup {
    fn default() -> Setup {
        Setup {
            status_port: 9007,
            limits: LimitPolicy::default(),
            runc: "runc".into(),
            docker: "docker".into(),
        }
    }
}

pub(crate) struct Host {
    pub(crate) folder: Folder,
    pub(crate) setup: Setup,
    pub(crate) first_port: u16,
    pub(crate) runtime: Runtime,
    pub(crate) events: mpsc::Receiver<RuntimeEvent>,
    pub(crate) adopted: BTreeMap<InstanceId, Adopted>,
}

/// A node whose daemon is dead.
pub(crate) struct Headless {
    pub(crate) folder: Folder,
    setup: Setup,
    first_port: u16,
}

/// The program that shims, checks and containers are modes of.
pub(crate) fn program(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("a test is a program");
    let folder = own
        .parent()
        .and_then(Path::parent)
        .expect("it lies in target/…/deps");
    folder.join("examples").join(name)
}

/// What a runtime over this folder is told.
pub(crate) fn config(folder: &Folder, setup: &Setup, first_port: u16) -> RuntimeConfig {
    let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let archives = folder.path().join("archives");
    RuntimeConfig {
        runs: folder.runs(),
        program: program("hands"),
        host_ip: ip,
        ports: first_port..=first_port + 19,
        control: Service { ip, port: 9005 },
        status: Service {
            ip,
            port: setup.status_port,
        },
        locator: Service { ip, port: 9008 },
        archive: Box::new(move |digest: Digest| Some(archives.join(digest.to_string()))),
        name: folder.name.clone(),
        volumes: folder.path().join("volumes"),
        runc: setup.runc.clone(),
        docker: setup.docker.clone(),
        images: Some(Box::new(Unpacker {
            cache: folder.path().join("images"),
        })),
        limits: setup.limits,
    }
}

/// Keeps hosts of one test run out of each other's ports.
static NEXT_FOLDER: AtomicU64 = AtomicU64::new(1);
static NEXT_PORT: AtomicU16 = AtomicU16::new(21_000);
static NEXT_INSTANCE: AtomicU64 = AtomicU64::new(1);

/// Twenty ports that no other test has.
pub(crate) fn ports() -> u16 {
    NEXT_PORT.fetch_add(20, Ordering::Relaxed)
}

/// An instance that no other test has.
pub(crate) fn next_instance() -> InstanceId {
    let number = NEXT_INSTANCE.fetch_add(1, Ordering::Relaxed);
    InstanceId::from_u128(u128::from(std::process::id()) << 64 | u128::from(number))
}

impl Headless {
    pub(crate) async fn open(self) -> Host {
        let Headless {
            folder,
            setup,
            first_port,
        } = self;
        let (sender, mut events) = mpsc::channel(4096);
        let runtime = Runtime::open(config(&folder, &setup, first_port), sender)
            .await
            .expect("the runtime opens");
        let Some(RuntimeEvent::Adopted { instances }) = events.recv().await else {
            panic!("the first event tells what was adopted");
        };
        Host {
            folder,
            setup,
            first_port,
            runtime,
            events,
            adopted: instances,
        }
    }
}

impl Host {
    pub(crate) async fn new() -> Host {
        Host::with(Setup::default()).await
    }

    pub(crate) async fn with(setup: Setup) -> Host {
        let folder = Folder::new();
        let first_port = ports();
        let headless = Headless {
            folder,
            setup,
            first_port,
        };
        headless.open().await
    }

    /// The daemon dies.
    pub(crate) fn close(self) -> Headless {
        let Host {
            folder,
            setup,
            first_port,
            ..
        } = self;
        Headless {
            folder,
            setup,
            first_port,
        }
    }

    /// The daemon dies and another one takes its place.
    pub(crate) async fn reopen(self) -> Host {
        self.close().open().await
    }

    /// A bundle of one shell script, with more of a descriptor appended.
    pub(crate) fn bundle(&self, script: &str, more: &str) -> BundleId {
        let mut packing = packing();
        script_of(&mut packing, script, more);
        BundleId::plain(self.folder.store(&packing))
    }

    pub(crate) fn order_start(
        &self,
        bundle: BundleId,
        lease: Option<Time>,
        seeds: Vec<Seed>,
    ) -> InstanceId {
        let instance = next_instance();
        let [prepare, start] = orders(instance, bundle, lease, seeds);
        self.runtime.order(prepare);
        self.runtime.order(start);
        instance
    }

    pub(crate) async fn start(
        &mut self,
        bundle: BundleId,
    ) -> (InstanceId, u32, BTreeMap<String, Ports>) {
        let instance = self.order_start(bundle, None, Vec::new());
        let (pid, ports) = self.launched(instance).await;
        (instance, pid, ports)
    }

    /// Starts something that cannot be started; answers why.
    pub(crate) async fn refused(&mut self, bundle: BundleId) -> String {
        let instance = self.order_start(bundle, None, Vec::new());
        self.failed(instance).await
    }

    /// Waits until an instance could not be started; answers why.
    pub(crate) async fn failed(&mut self, which: InstanceId) -> String {
        let failed = async {
            loop {
                match self.events.recv().await.expect("the runtime lives") {
                    RuntimeEvent::Failed { instance, why } if instance == which => return why,
                    RuntimeEvent::Launched { instance, .. } if instance == which => {
                        panic!("it was launched")
                    }
                    _ => {}
                }
            }
        };
        timeout(PATIENCE, failed).await.expect("it fails in time")
    }

    /// Waits for the first event that `wanted` turns into something.
    pub(crate) async fn wait<T>(&mut self, wanted: impl Fn(&RuntimeEvent) -> Option<T>) -> T {
        let found = async {
            loop {
                let event = self.events.recv().await.expect("the runtime lives");
                if let Some(found) = wanted(&event) {
                    return found;
                }
                assert!(!matches!(event, RuntimeEvent::Failed { .. }), "{event:?}");
            }
        };
        timeout(PATIENCE, found).await.expect("it happens in time")
    }

    pub(crate) async fn launched(&mut self, which: InstanceId) -> (u32, BTreeMap<String, Ports>) {
        self.wait(|event| match event {
            RuntimeEvent::Launched {
                instance,
                pid,
                ports,
            } if *instance == which => Some((*pid, ports.clone())),
            _ => None,
        })
        .await
    }

    pub(crate) async fn ended(&mut self, which: InstanceId) -> Exit {
        self.wait(|event| match event {
            RuntimeEvent::Ended { instance, exit } if *instance == which => Some(*exit),
            _ => None,
        })
        .await
    }

    /// Waits until the instance has written so many lines.
    pub(crate) async fn lines(
        &self,
        instance: InstanceId,
        count: usize,
    ) -> Vec<(LogStream, String)> {
        let read = async {
            loop {
                let lines = read_logs(self.runtime.runs(), instance, 1000).expect("logs are read");
                if lines.len() >= count {
                    return lines
                        .into_iter()
                        .map(|line| (line.stream, line.text))
                        .collect();
                }
                tokio::task::yield_now().await;
            }
        };
        let read = timeout(PATIENCE, read).await;
        read.unwrap_or_else(|_| panic!("the lines come in time; so far: {:?}", self.said(instance)))
    }

    /// All that the instance has written so far.
    pub(crate) fn said(&self, instance: InstanceId) -> Vec<String> {
        let lines = read_logs(self.runtime.runs(), instance, 1000).expect("logs are read");
        lines.into_iter().map(|line| line.text).collect()
    }

    pub(crate) fn stop(&self, instance: InstanceId, grace: Span) {
        self.runtime.order(RuntimeOrder::Stop { instance, grace });
    }

    /// Stops an instance and waits for its end.
    pub(crate) async fn finish(&mut self, instance: InstanceId) -> Exit {
        self.stop(instance, Span::secs(5));
        self.ended(instance).await
    }

    /// Stops an instance that does not listen.
    pub(crate) async fn finish_now(&mut self, instance: InstanceId) -> Exit {
        self.stop(instance, Span::millis(0));
        self.ended(instance).await
    }
}

/// Ends a process for good.
pub(crate) fn kill_hard(pid: u32) {
    kill(pid, "-9");
}

pub(crate) fn packing() -> Packing<'static> {
    Packing::new("shop", Stamp::from_unix_secs(0)).expect("a name")
}

/// What every descriptor here begins with.
pub(crate) const CONF: &str = r#"version = 1, name = shop, compatibility-version = 1, system = shop
    system-version = 1, nr-of-cpus = 1, memory = 64 MiB, disk-space = 1, roles = []
"#;

/// A component that is a shell script.
pub(crate) fn script_of(packing: &mut Packing<'_>, script: &str, more: &str) {
    let conf = format!(
        r#"{CONF}
        components.shop {{
          description = "", file-system-type = universal
          start-command = ["bash", "shop/run.sh", "$WEB_BIND_PORT", "a b"]
          endpoints.web {{ bind-protocol = http, bind-port = 0 }}
        }}
        {more}"#
    );
    packing
        .bytes("bundle.conf", Mode::FILE, conf)
        .expect("a path");
    packing
        .bytes("shop/run.sh", Mode::PROGRAM, script)
        .expect("a path");
}

/// Prepare and start.
pub(crate) fn orders(
    instance: InstanceId,
    bundle: BundleId,
    lease: Option<Time>,
    seeds: Vec<Seed>,
) -> [RuntimeOrder; 2] {
    let name = |text: &str| text.parse().expect("a name");
    let system = System {
        name: name("shop"),
        version: name("1"),
    };
    let descriptor = Arc::new(Descriptor::plain("shop", system));
    [
        RuntimeOrder::Prepare {
            instance,
            bundle,
            descriptor: Arc::clone(&descriptor),
        },
        RuntimeOrder::Start(Box::new(StartInstance {
            instance,
            bundle,
            descriptor,
            seeds,
            start_timeout: Span::secs(60),
            lease,
        })),
    ]
}
