//! One process of the demo application.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::http::{self, Answer};
use crate::tools;

/// How long any fact may take to become true; much longer than any does.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for a fact.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, mut fact: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = fact() {
            return found;
        }
        assert!(Instant::now() < deadline, "never came true: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// An address that no other test uses: all of 127/8 is this machine's.
pub(crate) fn address() -> SocketAddr {
    static COUNT: AtomicU8 = AtomicU8::new(1);
    let [.., high, low] = std::process::id().to_be_bytes();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let ip = IpAddr::V4(Ipv4Addr::new(127, 100 + count, high, low.max(1)));
    let listener = TcpListener::bind((ip, 0)).expect("an address of this machine");
    listener.local_addr().expect("bound")
}

/// How a process is started.
pub(crate) struct Setting {
    program: &'static str,
    pub(crate) address: SocketAddr,
    variables: Vec<(String, String)>,
}

impl Setting {
    pub(crate) fn of(program: &'static str) -> Setting {
        Setting::at(program, address())
    }

    /// On the same host as another one, which it shares a folder for data with.
    pub(crate) fn beside(program: &'static str, other: SocketAddr) -> Setting {
        let listener = TcpListener::bind((other.ip(), 0)).expect("an address of this machine");
        Setting::at(program, listener.local_addr().expect("bound"))
    }

    fn at(program: &'static str, address: SocketAddr) -> Setting {
        let setting = Setting {
            program,
            address,
            variables: Vec::new(),
        };
        let prefix = setting.prefix();
        setting
            .with(&format!("{prefix}_BIND_IP"), &address.ip().to_string())
            .with(&format!("{prefix}_BIND_PORT"), &address.port().to_string())
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Setting {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a folder for its data.
    pub(crate) fn keeping(self, folder: &Path) -> Setting {
        let folder = folder.to_str().expect("text").to_owned();
        self.with("CHIRPER_DATA", &folder)
    }

    /// With these as the others of its system.
    pub(crate) fn joining(self, others: &[SocketAddr]) -> Setting {
        let prefix = self.prefix();
        let list = |each: &dyn Fn(&SocketAddr) -> String| {
            others.iter().map(each).collect::<Vec<_>>().join(":")
        };
        let protocols = list(&|_| "http".to_owned());
        let ips = list(&|other| other.ip().to_string());
        let ports = list(&|other| other.port().to_string());
        self.with(&format!("{prefix}_OTHER_PROTOCOLS"), &protocols)
            .with(&format!("{prefix}_OTHER_IPS"), &ips)
            .with(&format!("{prefix}_OTHER_PORTS"), &ports)
    }

    fn prefix(&self) -> String {
        self.program.to_uppercase().replace('-', "_")
    }

    pub(crate) fn spawn(&self) -> Child {
        let mut command = Command::new(tools::program(self.program));
        command
            .env_clear()
            .envs(self.variables.clone())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command.spawn().expect("the program was just built")
    }

    /// Starts it and waits until it answers.
    pub(crate) fn start(&self) -> Service {
        let mut child = self.spawn();
        // Read all the time, so that it never waits for a reader.
        let stderr = child.stderr.take().expect("piped");
        let stderr = std::thread::spawn(move || {
            let lines = BufReader::new(stderr).lines();
            lines.map_while(Result::ok).collect::<Vec<String>>()
        });
        let service = Service {
            address: self.address,
            child,
            stderr: Some(stderr),
        };
        wait_for(&format!("{} answers", self.program), || {
            service.try_get("/health").ok()
        });
        service
    }
}

/// A process that answers. It is killed when it goes out of scope.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    child: Child,
    stderr: Option<std::thread::JoinHandle<Vec<String>>>,
}

impl Service {
    pub(crate) fn try_get(&self, path: &str) -> Result<Answer, String> {
        http::ask(self.address, "GET", path, None)
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.try_get(path).expect("it answers")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Answer, String> {
        http::ask(self.address, "POST", path, Some(body))
    }

    #[track_caller]
    pub(crate) fn sign_up(&self, id: &str) {
        let answer = self.post("/api/users", &json!({ "id": id }));
        let answer = answer.expect("it answers");
        assert_eq!(answer.status, 201, "{answer:?}");
    }

    /// Says something; answers how many disks have it.
    #[track_caller]
    pub(crate) fn say(&self, user: &str, text: &str) -> u64 {
        let answer = self.post("/api/chirps", &json!({ "user": user, "text": text }));
        let answer = answer.expect("it answers");
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["copies"].as_u64().expect("a number")
    }

    /// The ids of all users, sorted.
    pub(crate) fn users(&self) -> Vec<String> {
        let answer = self.get("/api/users").json();
        let users = answer.as_array().expect("a list").iter();
        let mut ids: Vec<String> = users
            .map(|user| user["id"].as_str().expect("a name").to_owned())
            .collect();
        ids.sort();
        ids
    }

    /// What was said, the latest first.
    pub(crate) fn texts(&self) -> Vec<String> {
        let answer = self.get("/api/chirps").json();
        let chirps = answer.as_array().expect("a list").iter();
        chirps
            .map(|chirp| chirp["text"].as_str().expect("a text").to_owned())
            .collect()
    }

    /// As an outage does it.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it was started here");
    }

    /// As a node does it; answers how it ended and what it wrote to stderr.
    pub(crate) fn terminate(mut self) -> (ExitStatus, Vec<String>) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(sent.expect("kill runs").success());
        let status = wait_for("it ends", || self.child.try_wait().expect("started here"));
        let stderr = self.stderr.take().expect("taken once").join();
        (status, stderr.expect("the reader does not panic"))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How a process ended by itself, and what it wrote to stderr.
pub(crate) fn ended(mut child: Child) -> (ExitStatus, String) {
    let status = wait_for("it ends", || child.try_wait().expect("started here"));
    let mut words = String::new();
    let stderr = child.stderr.as_mut().expect("piped");
    stderr.read_to_string(&mut words).expect("text");
    (status, words)
}
