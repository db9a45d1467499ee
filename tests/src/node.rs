//! One daemon.

use std::fs::{self, File};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::http::{self, Response};
use crate::programs::{program, run};
use crate::{PATIENCE, within};

/// How much of a daemon's log a failing test shows.
const LOG_LINES_SHOWN: usize = 40;

/// One daemon, running or not. Dropped, it and everything that it started is killed.
#[derive(Debug)]
pub struct Node {
    ip: Ipv4Addr,
    folder: PathBuf,
    settings: Vec<String>,
    daemon: Option<Child>,
}

impl Node {
    /// A node with a folder of its own and the settings that are given, such as
    /// `conduct.roles=[web]`. It has no keys yet and does not run.
    #[must_use]
    pub fn new(ip: Ipv4Addr, folder: &Path, settings: &[String]) -> Node {
        let mut all = vec![
            format!("conduct.ip={ip}"),
            format!("conduct.state-dir={}", folder.display()),
        ];
        all.extend_from_slice(settings);
        Node {
            ip,
            folder: folder.to_owned(),
            settings: all,
            daemon: None,
        }
    }

    /// Its address.
    #[must_use]
    pub fn ip(&self) -> Ipv4Addr {
        self.ip
    }

    /// Its state folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where its control API is.
    #[must_use]
    pub fn control(&self) -> SocketAddr {
        (IpAddr::V4(self.ip), 9005).into()
    }

    /// Where its status service is.
    #[must_use]
    pub fn status(&self) -> SocketAddr {
        (IpAddr::V4(self.ip), 9007).into()
    }

    /// Where its service locator is.
    #[must_use]
    pub fn locator(&self) -> SocketAddr {
        (IpAddr::V4(self.ip), 9008).into()
    }

    /// `conductd` with this node's settings.
    #[must_use]
    pub fn conductd(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program("conductd"));
        command.args(arguments);
        for setting in &self.settings {
            command.arg(format!("-D{setting}"));
        }
        command.env_remove("CONDUCT_CONFIG");
        command
    }

    /// `conduct`, asking this node, at home in a folder of its own.
    #[must_use]
    pub fn conduct(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program("conduct"));
        let home = self.folder.join("home");
        fs::create_dir_all(&home).expect("a folder");
        command
            .args(arguments)
            .current_dir(&home)
            .env("HOME", &home)
            .env("CONDUCTR_HOST", self.ip.to_string())
            .env("LC_ALL", "C")
            .env_remove("NO_COLOR");
        command
    }

    /// Gives it keys: those of a new cluster, or of the one whose authority is in that folder.
    pub fn init(&self, authority: Option<&Path>) {
        let mut command = self.conductd(&["init"]);
        if let Some(folder) = authority {
            command.arg("--authority").arg(folder);
        }
        run(&mut command).ok();
    }

    /// Starts the daemon, with more settings that hold for this start.
    pub fn start(&mut self, settings: &[String]) {
        assert!(self.daemon.is_none(), "{} runs already", self.ip);
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_file());
        let log = log.expect("a log file");
        let mut command = self.conductd(&[]);
        for setting in settings {
            command.arg(format!("-D{setting}"));
        }
        let started = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.daemon = Some(started.expect("conductd starts"));
    }

    /// The process of the daemon.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.daemon.as_ref().expect("it runs").id()
    }

    /// Kills the daemon and nothing else: what runs goes on.
    pub fn kill(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            daemon.kill().expect("it is ours");
            daemon.wait().expect("it is ours");
        }
    }

    /// Sends the daemon a signal, such as `TERM` or `STOP`.
    pub fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }

    /// Waits until the daemon has ended by itself.
    pub fn ended(&mut self) -> i32 {
        let mut daemon = self.daemon.take().expect("it runs");
        let status = within(PATIENCE, "the daemon ends", || match daemon.try_wait() {
            Ok(Some(status)) => Ok(status),
            Ok(None) => Err("it still runs".to_owned()),
            Err(error) => Err(error.to_string()),
        });
        status.code().unwrap_or(-1)
    }

    /// Asks the control API.
    ///
    /// # Errors
    /// When nothing answers.
    pub fn get(&self, path: &str) -> Result<Response, String> {
        http::request(self.control(), "GET", path, &[], b"")
    }

    /// Asks the control API, which must answer 200 with JSON.
    ///
    /// # Errors
    /// When it does not.
    pub fn json(&self, path: &str) -> Result<Value, String> {
        let response = self.get(path)?;
        match response.status {
            200 => serde_json::from_slice(&response.body).map_err(|error| error.to_string()),
            status => Err(format!("{status}: {}", response.text())),
        }
    }

    /// Whether it is in a majority, has caught up and takes commands.
    ///
    /// # Errors
    /// When not: what it says.
    pub fn ready(&self) -> Result<(), String> {
        let response = self.get("/readyz")?;
        match response.status {
            200 => Ok(()),
            status => Err(format!("{status}: {}", response.text())),
        }
    }

    /// What the daemon has written.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.folder.with_extension("log")
    }

    /// Processes that belong to this node: those that name its folder.
    fn processes(&self) -> Vec<u32> {
        let folder = self.folder.to_string_lossy().into_owned();
        let entries = fs::read_dir("/proc").expect("/proc is there");
        let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        let own = std::process::id();
        pids.filter(|pid: &u32| *pid != own && names(*pid, &folder))
            .collect()
    }
}

/// Whether a process was started with the folder among its words or in its environment.
fn names(pid: u32, folder: &str) -> bool {
    ["cmdline", "environ"].iter().any(|file| {
        let content = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        content
            .windows(folder.len())
            .any(|part| part == folder.as_bytes())
    })
}

fn signal(pid: u32, name: &str) {
    // It may have ended meanwhile, which is as good.
    let _ = Command::new("kill")
        .args([&format!("-{name}"), &pid.to_string()])
        .stderr(Stdio::null())
        .status();
}

impl Drop for Node {
    #[expect(clippy::print_stderr, reason = "a failing test shows what is printed")]
    fn drop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            // Whatever fails here has ended already.
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
        // A shim is gone for good only with its instance: look until nothing is left.
        for _ in 0..50 {
            let left = self.processes();
            if left.is_empty() {
                break;
            }
            left.into_iter().for_each(|pid| signal(pid, "KILL"));
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let last = &lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..];
            eprintln!("the log of {}:\n{}", self.ip, last.join("\n"));
        }
    }
}
