//! Real processes under real shims.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use conduct_bundle::archive::{Mode, Packing, Stamp, Trailer};
use conduct_model::{BundleId, Digest, InstanceId, Span, System, Time};
use conduct_node::descriptor::Descriptor;
use conduct_node::runtime::{
    Adopted, Exit, ExitStatus, Ports, RuntimeEvent, RuntimeOrder, Seed, SeedEndpoint,
    StartInstance, StopStage,
};
use conduct_runtime::{LogStream, Runtime, RuntimeConfig, Service, read_logs};
use tokio::sync::mpsc;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

/// A folder that takes every instance with it that was started in it.
struct Folder {
    folder: tempfile::TempDir,
    name: String,
}

impl Folder {
    fn new() -> Folder {
        let number = NEXT_FOLDER.fetch_add(1, Ordering::Relaxed);
        let name = format!("test-{}-{number}", std::process::id());
        Folder {
            folder: tempfile::tempdir().expect("a folder"),
            name,
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let begun = Instant::now();
        let mark = format!("{}/runs/", self.path().display());
        while begun.elapsed() < PATIENCE {
            let left = processes_that_name(&mark);
            for pid in &left {
                let _ = std::process::Command::new("kill")
                    .args(["-9", pid])
                    .status();
            }
            if left.is_empty() {
                break;
            }
        }
        for tree in ["unified", "memory", "cpu", "pids", "."] {
            let group = Path::new("/sys/fs/cgroup")
                .join(tree)
                .join("conduct")
                .join(&self.name);
            for instance in std::fs::read_dir(&group).into_iter().flatten().flatten() {
                let _ = std::fs::remove_dir(instance.path());
            }
            let _ = std::fs::remove_dir(group);
        }
    }
}

/// Shims have their folder in their command line, instances in their environment.
fn processes_that_name(mark: &str) -> Vec<String> {
    let own = std::process::id().to_string();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")
        .expect("there is /proc")
        .flatten()
    {
        let pid = entry.file_name().to_string_lossy().into_owned();
        let names = |file: &str| {
            let text = std::fs::read(entry.path().join(file)).unwrap_or_default();
            String::from_utf8_lossy(&text).contains(mark)
        };
        let is_process = pid.bytes().all(|byte| byte.is_ascii_digit()) && pid != own;
        if is_process && (names("cmdline") || names("environ")) {
            found.push(pid);
        }
    }
    found
}

/// A node's folder with bundles in it, and the runtime over it, which can be started anew.
struct Host {
    folder: Folder,
    status_port: u16,
    first_port: u16,
    runtime: Runtime,
    events: mpsc::Receiver<RuntimeEvent>,
    adopted: BTreeMap<InstanceId, Adopted>,
}

fn program() -> PathBuf {
    let own = std::env::current_exe().expect("a test is a program");
    let folder = own
        .parent()
        .and_then(Path::parent)
        .expect("it lies in target/…/deps");
    folder.join("examples/hands")
}

async fn open(
    folder: &Folder,
    status_port: u16,
    first_port: u16,
) -> (
    Runtime,
    mpsc::Receiver<RuntimeEvent>,
    BTreeMap<InstanceId, Adopted>,
) {
    let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let archives = folder.path().join("archives");
    let config = RuntimeConfig {
        runs: folder.path().join("runs"),
        program: program(),
        host_ip: ip,
        ports: first_port..=first_port + 19,
        control: Service { ip, port: 9005 },
        status: Service {
            ip,
            port: status_port,
        },
        locator: Service { ip, port: 9008 },
        archive: Box::new(move |digest: Digest| Some(archives.join(digest.to_string()))),
        name: folder.name.clone(),
    };
    let (sender, mut events) = mpsc::channel(1024);
    let runtime = Runtime::open(config, sender)
        .await
        .expect("the runtime opens");
    let Some(RuntimeEvent::Adopted { instances }) = events.recv().await else {
        panic!("the first event tells what was adopted");
    };
    (runtime, events, instances)
}

/// Keeps hosts of one test run out of each other's ports.
static NEXT_FOLDER: AtomicU64 = AtomicU64::new(1);
static NEXT_PORT: AtomicU16 = AtomicU16::new(21_000);
static NEXT_INSTANCE: AtomicU64 = AtomicU64::new(1);

impl Host {
    async fn new() -> Host {
        let folder = Folder::new();
        let first_port = NEXT_PORT.fetch_add(20, Ordering::Relaxed);
        std::fs::create_dir(folder.path().join("archives")).expect("a folder");
        let (runtime, events, adopted) = open(&folder, 9007, first_port).await;
        Host {
            folder,
            status_port: 9007,
            first_port,
            runtime,
            events,
            adopted,
        }
    }

    /// The daemon dies and another one takes its place.
    async fn reopen(self) -> Host {
        let Host {
            folder,
            status_port,
            first_port,
            runtime,
            events,
            ..
        } = self;
        drop((runtime, events));
        let (runtime, events, adopted) = open(&folder, status_port, first_port).await;
        Host {
            folder,
            status_port,
            first_port,
            runtime,
            events,
            adopted,
        }
    }

    fn store(&self, packing: &Packing<'_>) -> Digest {
        let mut bytes = Vec::new();
        let written = packing
            .write_to(&mut bytes, Trailer::Omit)
            .expect("it packs");
        let path = self
            .folder
            .path()
            .join("archives")
            .join(written.digest.to_string());
        std::fs::write(path, bytes).expect("it is kept");
        written.digest
    }

    /// A bundle of one shell script, with more of a descriptor appended.
    fn bundle(&self, script: &str, more: &str) -> BundleId {
        let mut packing = Packing::new("shop", Stamp::from_unix_secs(0)).expect("a name");
        let conf = format!(
            r#"version = 1, name = shop, compatibility-version = 1, system = shop
            system-version = 1, nr-of-cpus = 0.1, memory = 1, disk-space = 1, roles = []
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
        BundleId::plain(self.store(&packing))
    }

    fn order_start(&self, bundle: BundleId, lease: Option<Time>, seeds: Vec<Seed>) -> InstanceId {
        let number = NEXT_INSTANCE.fetch_add(1, Ordering::Relaxed);
        let instance =
            InstanceId::from_u128(u128::from(std::process::id()) << 64 | u128::from(number));
        let name = |text: &str| text.parse().expect("a name");
        let system = System {
            name: name("shop"),
            version: name("1"),
        };
        let descriptor = Arc::new(Descriptor::plain("shop", system));
        let prepare = RuntimeOrder::Prepare {
            instance,
            bundle,
            descriptor: Arc::clone(&descriptor),
        };
        self.runtime.order(prepare);
        self.runtime
            .order(RuntimeOrder::Start(Box::new(StartInstance {
                instance,
                bundle,
                descriptor,
                seeds,
                start_timeout: Span::secs(60),
                lease,
            })));
        instance
    }

    async fn start(&mut self, bundle: BundleId) -> (InstanceId, u32, BTreeMap<String, Ports>) {
        let instance = self.order_start(bundle, None, Vec::new());
        let (pid, ports) = self.launched(instance).await;
        (instance, pid, ports)
    }

    /// Waits for the first event that `wanted` turns into something.
    async fn wait<T>(&mut self, wanted: impl Fn(&RuntimeEvent) -> Option<T>) -> T {
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

    async fn launched(&mut self, which: InstanceId) -> (u32, BTreeMap<String, Ports>) {
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

    async fn ended(&mut self, which: InstanceId) -> Exit {
        self.wait(|event| match event {
            RuntimeEvent::Ended { instance, exit } if *instance == which => Some(*exit),
            _ => None,
        })
        .await
    }

    /// Waits until the instance has written so many lines.
    async fn lines(&self, instance: InstanceId, count: usize) -> Vec<(LogStream, String)> {
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
        timeout(PATIENCE, read)
            .await
            .expect("the lines come in time")
    }

    fn stop(&self, instance: InstanceId, grace: Span) {
        self.runtime.order(RuntimeOrder::Stop { instance, grace });
    }

    fn shim_of(&self, pid: u32) -> u32 {
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
}

fn alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

fn kill(pid: u32, signal: &str) {
    let status = std::process::Command::new("kill")
        .args([signal, &pid.to_string()])
        .status();
    assert!(status.expect("kill runs").success());
}

async fn gone(pid: u32) {
    let gone = async {
        while alive(pid) {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, gone).await.expect("the process goes");
}

#[tokio::test]
async fn an_instance_gets_its_words_variables_and_ports_and_its_output_is_kept() {
    let mut host = Host::new().await;
    let bundle = host.bundle(
        r#"echo "port $1, then $2"; echo "others [$WEB_OTHER_IPS] [$WEB_OTHER_PORTS]" >&2
           echo "$BUNDLE_NAME $BUNDLE_SYSTEM $WEB_HOST $SERVICE_LOCATOR $PWD"; exec sleep 1000"#,
        "",
    );
    let seed = |last, port| Seed {
        host: IpAddr::from([10, 0, 0, last]),
        endpoints: BTreeMap::from([(
            "web".to_owned(),
            SeedEndpoint {
                protocol: "http".to_owned(),
                port,
            },
        )]),
    };
    let instance = host.order_start(bundle, None, vec![seed(1, 70), seed(2, 80)]);
    let (pid, ports) = host.launched(instance).await;
    let port = ports["web"].bind;
    assert!((host.first_port..host.first_port + 20).contains(&port));
    let root = host
        .folder
        .path()
        .join("runs")
        .join(format!("{:032x}", instance.as_u128()));
    let mut lines = host.lines(instance, 3).await;
    lines.sort();
    assert_eq!(
        lines,
        [
            (LogStream::Stdout, format!("port {port}, then a b")),
            (
                LogStream::Stdout,
                format!(
                    "shop shop http://127.0.0.1:{port} http://127.0.0.1:9008/services {}",
                    root.join("bundle/shop").display()
                )
            ),
            (
                LogStream::Stderr,
                "others [10.0.0.1:10.0.0.2] [70:80]".to_owned()
            ),
        ]
    );
    host.stop(instance, Span::secs(5));
    assert_eq!(host.ended(instance).await.status, ExitStatus::Signal(15));
    assert!(!alive(pid));
}

#[tokio::test]
async fn an_exit_is_told_exactly_and_soon() {
    let mut host = Host::new().await;
    let bundle = host.bundle("exit 7", "");
    let (instance, ..) = host.start(bundle).await;
    let exit = host.ended(instance).await;
    assert_eq!(
        (exit.status, exit.while_away, exit.by_lease),
        (ExitStatus::Code(7), false, false)
    );

    let bundle = host.bundle("exec sleep 1000", "");
    let (instance, pid, _) = host.start(bundle).await;
    let killed = Instant::now();
    kill(pid, "-9");
    assert_eq!(host.ended(instance).await.status, ExitStatus::Signal(9));
    assert!(
        killed.elapsed() < Duration::from_secs(2),
        "{:?}",
        killed.elapsed()
    );
}

#[tokio::test]
async fn a_stubborn_instance_is_killed_with_all_its_children_after_the_grace() {
    let mut host = Host::new().await;
    let bundle = host.bundle(
        "trap '' TERM; setsid sleep 1000 & echo $!; (trap '' TERM; sleep 1000) & echo $!
         while true; do sleep 1000; done",
        "",
    );
    let (instance, pid, _) = host.start(bundle).await;
    let children: Vec<u32> = host
        .lines(instance, 2)
        .await
        .iter()
        .map(|(_, pid)| pid.parse().unwrap())
        .collect();
    host.stop(instance, Span::millis(300));
    let staged = |event: &RuntimeEvent| match event {
        RuntimeEvent::Stopping { stage, .. } => Some(*stage),
        _ => None,
    };
    assert_eq!(host.wait(staged).await, StopStage::Terminating);
    assert_eq!(host.wait(staged).await, StopStage::Killing);
    assert_eq!(host.ended(instance).await.status, ExitStatus::Signal(9));
    for pid in children.into_iter().chain([pid]) {
        assert!(!alive(pid), "{pid} is left");
    }
}

#[tokio::test]
async fn a_new_daemon_adopts_what_lives_under_the_same_pid() {
    let mut host = Host::new().await;
    let bundle = host.bundle("echo up; exec sleep 1000", "");
    let (first, first_pid, ports) = host.start(bundle).await;
    let (second, second_pid, _) = host.start(bundle).await;
    host.runtime.signalled(first);
    let mut host = host.reopen().await;
    // The word may still have been on its way.
    while !matches!(host.adopted[&first], Adopted::Alive { started: true, .. }) {
        host = host.reopen().await;
    }

    assert_eq!(
        host.adopted[&first],
        Adopted::Alive {
            pid: first_pid,
            ports,
            started: true
        },
        "the start signal is remembered"
    );
    assert!(matches!(
        host.adopted[&second],
        Adopted::Alive { pid, started: false, .. } if pid == second_pid
    ));
    // It is held as firmly as before.
    kill(first_pid, "-9");
    assert_eq!(host.ended(first).await.status, ExitStatus::Signal(9));
    host.stop(second, Span::secs(5));
    assert_eq!(host.ended(second).await.status, ExitStatus::Signal(15));
}

#[tokio::test]
async fn what_ended_while_no_daemon_was_there_is_told_with_its_code() {
    let mut host = Host::new().await;
    let go = host.folder.path().join("go");
    let wait = format!("until [ -e {} ]; do sleep 0.01; done; exit 5", go.display());
    let bundle = host.bundle(&wait, "");
    let (instance, pid, _) = host.start(bundle).await;
    let Host {
        folder,
        runtime,
        events,
        first_port,
        ..
    } = host;
    drop((runtime, events));
    std::fs::write(&go, "").unwrap();
    gone(pid).await;
    let exit_file = folder
        .path()
        .join("runs")
        .join(format!("{:032x}/exit.json", instance.as_u128()));
    while !exit_file.exists() {
        tokio::task::yield_now().await;
    }
    let (_runtime, _events, adopted) = open(&folder, 9007, first_port).await;
    let Adopted::Ended(exit) = adopted[&instance] else {
        panic!("{adopted:?}")
    };
    assert_eq!((exit.status, exit.while_away), (ExitStatus::Code(5), true));
}

#[tokio::test]
async fn an_instance_without_its_shim_is_ended_whoever_finds_it() {
    let mut host = Host::new().await;
    let bundle = host.bundle("setsid sleep 1000 & echo $!; exec sleep 1000", "");
    let (instance, pid, _) = host.start(bundle).await;
    let child: u32 = host.lines(instance, 1).await[0].1.parse().unwrap();
    kill(host.shim_of(pid), "-9");
    assert_eq!(host.ended(instance).await.status, ExitStatus::Unknown);
    assert!(!alive(pid) && !alive(child));

    let (instance, pid, _) = host.start(bundle).await;
    let child: u32 = host.lines(instance, 1).await[0].1.parse().unwrap();
    let shim = host.shim_of(pid);
    let Host {
        folder,
        runtime,
        events,
        first_port,
        ..
    } = host;
    drop((runtime, events));
    kill(shim, "-9");
    gone(shim).await;
    let (_runtime, _events, adopted) = open(&folder, 9007, first_port).await;
    let Adopted::Ended(exit) = adopted[&instance] else {
        panic!("{adopted:?}")
    };
    assert_eq!((exit.status, exit.while_away), (ExitStatus::Unknown, true));
    assert!(!alive(pid) && !alive(child));
}

fn boot_time() -> Time {
    let uptime = std::fs::read_to_string("/proc/uptime").expect("an uptime");
    let seconds: f64 = uptime
        .split(' ')
        .next()
        .and_then(|text| text.parse().ok())
        .expect("seconds");
    Time::from_millis((seconds * 1000.0) as u64)
}

#[tokio::test]
async fn a_lease_that_nobody_renews_ends_the_instance_and_a_renewed_one_does_not() {
    let mut host = Host::new().await;
    let bundle = host.bundle("exec sleep 1000", "");
    let short = boot_time().before(Span::millis(11_000));
    let kept = host.order_start(bundle, Some(short), Vec::new());
    host.launched(kept).await;
    host.runtime
        .order(RuntimeOrder::Lease { stamp: boot_time() });
    let lost = host.order_start(bundle, Some(short), Vec::new());
    let (pid, _) = host.launched(lost).await;
    let host = {
        // Nobody is there to do it; the shim does.
        let Host {
            folder,
            runtime,
            events,
            status_port,
            first_port,
            ..
        } = host;
        drop((runtime, events));
        gone(pid).await;
        let (runtime, events, adopted) = open(&folder, status_port, first_port).await;
        Host {
            folder,
            status_port,
            first_port,
            runtime,
            events,
            adopted,
        }
    };
    let mut host = host;
    let exit = match host.adopted[&lost] {
        Adopted::Ended(exit) => exit,
        // Its shim was just about to leave.
        _ => host.ended(lost).await,
    };
    assert!(
        exit.by_lease && exit.status == ExitStatus::Signal(15),
        "{exit:?}"
    );
    assert!(matches!(host.adopted[&kept], Adopted::Alive { .. }));
    host.stop(kept, Span::secs(1));
    host.ended(kept).await;
}

#[tokio::test]
async fn a_flood_of_output_is_bounded_counted_and_blocks_nobody() {
    let mut host = Host::new().await;
    let bundle = host.bundle("head -c 60000000 /dev/zero | tr '\\0' x; echo; exit 3", "");
    let (instance, ..) = host.start(bundle).await;
    assert_eq!(host.ended(instance).await.status, ExitStatus::Code(3));
    let folder = host
        .folder
        .path()
        .join("runs")
        .join(format!("{:032x}/log", instance.as_u128()));
    let kept: u64 = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum();
    assert!(kept < 50 * 1024 * 1024, "{kept} bytes were kept");
    let lines = read_logs(host.runtime.runs(), instance, 10).unwrap();
    let told = lines.iter().any(|line| line.text.contains("were dropped"));
    assert!(told, "{:?}", lines.last());
}

#[tokio::test]
async fn a_configuration_is_laid_over_and_its_script_is_sourced() {
    let mut host = Host::new().await;
    let plain = host.bundle(
        "echo \"$GREETING from $BUNDLE_SYSTEM\"; exec sleep 1000",
        "",
    );
    let mut packing = Packing::new("prod", Stamp::from_unix_secs(0)).unwrap();
    packing
        .bytes("bundle.conf", Mode::FILE, "system = prod")
        .unwrap();
    packing
        .bytes(
            "runtime-config.sh",
            Mode::FILE,
            "export GREETING=\"hello $(echo you)\"\n",
        )
        .unwrap();
    let configured = BundleId::configured(plain.bundle, host.store(&packing));
    let (instance, ..) = host.start(configured).await;
    let line = (LogStream::Stdout, "hello you from prod".to_owned());
    assert_eq!(host.lines(instance, 1).await, [line]);
    host.stop(instance, Span::secs(5));
    host.ended(instance).await;
}

#[tokio::test]
async fn a_check_waits_for_its_address_and_signals_the_start() {
    let mut host = Host::new().await;
    // The node's status service, as far as a check is concerned.
    let service = TcpListener::bind("127.0.0.1:0").unwrap();
    host.status_port = service.local_addr().unwrap().port();
    let heard = std::thread::spawn(move || {
        let (mut stream, _) = service.accept().expect("the check calls");
        let mut line = String::new();
        BufReader::new(&stream)
            .read_line(&mut line)
            .expect("it says what it wants");
        stream
            .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
            .expect("it is answered");
        line
    });
    let mut host = host.reopen().await;
    let bundle = host.bundle(
        "exec python3 -m http.server --bind $WEB_BIND_IP $1",
        r#"components.status { description = "", file-system-type = universal, endpoints {}
           start-command = ["check", "$WEB_HOST/?retry-count=100&retry-delay=0.1"] }"#,
    );
    let (instance, pid, _) = host.start(bundle).await;
    let line = tokio::task::spawn_blocking(|| heard.join())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        line.trim_end(),
        format!("PUT /bundles/{bundle}?isStarted=true HTTP/1.1")
    );
    assert!(
        alive(pid),
        "the end of a check is not the end of the instance"
    );
    host.stop(instance, Span::secs(5));
    host.ended(instance).await;
}

#[tokio::test]
async fn a_bundle_that_cannot_run_here_fails_with_the_reason_and_holds_no_port() {
    let mut host = Host::new().await;
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = stranger.local_addr().unwrap().port();
    let fixed =
        format!("components.shop.endpoints.fixed {{ bind-protocol = tcp, bind-port = {port} }}");
    let bundle = host.bundle("exec sleep 1000", &fixed);
    host.order_start(bundle, None, Vec::new());
    let failed = async {
        loop {
            if let Some(RuntimeEvent::Failed { why, .. }) = host.events.recv().await {
                return why;
            }
        }
    };
    let why = timeout(PATIENCE, failed).await.unwrap();
    assert_eq!(
        why,
        format!("port {port} for endpoint fixed is taken by another program")
    );
    drop(stranger);
    let (instance, ..) = host.start(bundle).await;
    host.stop(instance, Span::secs(5));
    host.ended(instance).await;
}

#[tokio::test]
async fn a_shim_is_small() {
    let mut host = Host::new().await;
    let bundle = host.bundle("exec sleep 1000", "");
    let (instance, pid, _) = host.start(bundle).await;
    let mut status = String::new();
    let path = format!("/proc/{}/status", host.shim_of(pid));
    std::fs::File::open(path)
        .unwrap()
        .read_to_string(&mut status)
        .unwrap();
    let anonymous = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"))
        .unwrap();
    let kib: u64 = anonymous.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kib <= 4096, "{kib} KiB");
    host.stop(instance, Span::secs(5));
    host.ended(instance).await;
}
