//! `cargo demo`: a three-node sandbox with an application on it, from nothing to a page that answers.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::bundles;
use crate::command::{cargo, root, shown};

/// The sandbox that the demo runs in.
const NAME: &str = "demo";

/// How many instances of each part there are, in the order in which they rely on each other.
const SCALES: &[(&str, u32)] = &[
    ("friend", 2),
    ("chirp", 2),
    ("activity", 1),
    ("front-end", 2),
];

/// A page that is served at all is served within this.
const PAGE_PATIENCE: Duration = Duration::from_secs(30);

const LOOK: Duration = Duration::from_millis(100);

/// Runs the demo, or stops it.
pub(crate) fn run(words: &[String]) -> Result<(), String> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => start(),
        ["--stop"] => stop(),
        _ => Err("cargo demo starts it, cargo demo -- --stop ends it".to_owned()),
    }
}

fn stop() -> Result<(), String> {
    build()?;
    run_to_end(sandbox().args(["stop", "--purge"]))
}

fn start() -> Result<(), String> {
    let begun = Instant::now();
    step("building the programs");
    build()?;
    step("packing the application");
    let archives = bundles::pack(false)?;
    step("three nodes");
    let sandbox = ensure_sandbox()?;
    step("loading and running");
    let mut ids = Vec::new();
    for (archive, (part, scale)) in archives.iter().zip(scales()) {
        let id = sandbox.load(archive)?;
        println!("{part:10}  {id}  ×{scale}");
        let scale = scale.to_string();
        run_to_end(
            sandbox
                .conduct()
                .args(["run", &id, "--scale", &scale, "-q"]),
        )?;
        ids.push(id);
    }
    sandbox.retire_all_but(&ids)?;
    step("waiting for the page");
    wait_for_page(sandbox.page()?)?;
    println!(
        "Chirper answers after {:.1} s.",
        begun.elapsed().as_secs_f64()
    );
    tell_what_next(&sandbox);
    Ok(())
}

/// In the order of the archives.
fn scales() -> impl Iterator<Item = (&'static str, u32)> {
    bundles::CHIRPER.iter().map(|part| {
        let found = SCALES.iter().find(|(name, _)| name == part);
        (*part, found.map_or(1, |(_, scale)| *scale))
    })
}

fn tell_what_next(sandbox: &Sandbox) {
    let address = &sandbox.address;
    println!(
        "
  http://{address}:9000/            the page: sign up, follow, chirp
  http://{address}:9005/v2/bundles  the control API

Try next:

  export PATH={}:$PATH
  conduct info                       what runs
  conduct info chirper-chirp         where, since when, how to reach it
  conduct logs chirper-front-end     what its instances say, of all nodes
  sandbox kill 2 --name {NAME}         a node dies; the page stays
  sandbox cut 3 --name {NAME}          the network splits: sandbox status --name {NAME}
  sandbox heal --name {NAME}           and is whole again
  cargo demo -- --stop               ends everything

More about the sandbox: docs/guide/sandbox.md",
        programs().display()
    );
}

fn build() -> Result<(), String> {
    // As part of the workspace, like the application: nothing is built twice.
    let words = [
        "build",
        "--quiet",
        "--workspace",
        "--bin",
        "conductd",
        "--bin",
        "conduct",
        "--bin",
        "bndl",
        "--bin",
        "sandbox",
    ];
    if shown(cargo(&words))?.ok {
        Ok(())
    } else {
        Err("the programs could not be built".to_owned())
    }
}

/// The running sandbox.
struct Sandbox {
    /// Of its first node.
    address: String,
    /// How `conduct` finds it.
    hosts: String,
}

/// Starts it, or makes whole again what was broken with it.
fn ensure_sandbox() -> Result<Sandbox, String> {
    if let Ok(running) = Sandbox::find() {
        for repair in ["heal", "resume", "revive"] {
            run_to_end(sandbox().args([repair, "--quiet"]))?;
        }
        return Ok(running);
    }
    run_to_end(sandbox().args(["run", "-n", "3", "--quiet"]))?;
    Sandbox::find()
}

impl Sandbox {
    fn find() -> Result<Sandbox, String> {
        let text = said(sandbox().arg("env").stderr(Stdio::null()))?;
        let value = |name: &str| {
            let line = format!("export {name}=");
            let mut lines = text.lines();
            let value = lines.find_map(|found| found.strip_prefix(&line));
            value
                .map(str::to_owned)
                .ok_or_else(|| format!("sandbox env says no {name}:\n{text}"))
        };
        Ok(Sandbox {
            address: value("CONDUCTR_IP")?,
            hosts: value("CONDUCTR_HOST")?,
        })
    }

    fn conduct(&self) -> Command {
        let mut command = Command::new(programs().join("conduct"));
        command.env("CONDUCTR_HOST", &self.hosts);
        command
    }

    fn page(&self) -> Result<SocketAddr, String> {
        let page = format!("{}:9000", self.address);
        page.parse().map_err(|error| format!("{page}: {error}"))
    }

    /// Answers the bundle's id.
    fn load(&self, archive: &Path) -> Result<String, String> {
        let id = said(self.conduct().args(["load", "-q"]).arg(archive))?;
        Ok(id.trim().to_owned())
    }

    /// Ends what an earlier demo ran of programs that have changed since.
    fn retire_all_but(&self, ids: &[String]) -> Result<(), String> {
        let note = archives().join("demo-ids");
        let earlier = std::fs::read_to_string(&note).unwrap_or_default();
        let loaded = said(self.conduct().args(["info", "--output", "id"]))?;
        let is_old =
            |id: &&str| !ids.iter().any(|new| new == id) && loaded.lines().any(|line| line == *id);
        for id in earlier.lines().filter(is_old) {
            run_to_end(self.conduct().args(["stop", id, "-q"]))?;
            run_to_end(self.conduct().args(["unload", id, "-q"]))?;
        }
        std::fs::write(&note, ids.join("\n"))
            .map_err(|error| format!("could not write {}: {error}", note.display()))
    }
}

fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

fn archives() -> PathBuf {
    target().join("bundles")
}

fn programs() -> PathBuf {
    let folder = target().join("debug");
    // Shown to people, who want no `xtask/..` in it.
    std::fs::canonicalize(&folder).unwrap_or(folder)
}

fn sandbox() -> Command {
    let mut command = Command::new(programs().join("sandbox"));
    command.args(["--name", NAME]);
    command
}

fn run_to_end(command: &mut Command) -> Result<(), String> {
    // Ids that were asked for elsewhere are not shown again.
    let output = command.stdin(Stdio::null()).stdout(Stdio::null());
    let status = output
        .status()
        .map_err(|error| format!("could not run {command:?}: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{command:?} failed with {status}"))
    }
}

fn said(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let output = output.and_then(std::process::Child::wait_with_output);
    let output = output.map_err(|error| format!("could not run {command:?}: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!("{command:?} failed with {}", output.status))
    }
}

fn wait_for_page(page: SocketAddr) -> Result<(), String> {
    let begun = Instant::now();
    loop {
        let last = match ask(page) {
            Ok(status) if status.contains(" 200 ") => return Ok(()),
            Ok(status) => status,
            Err(error) => error.to_string(),
        };
        if begun.elapsed() > PAGE_PATIENCE {
            return Err(format!("http://{page}/ does not answer: {last}"));
        }
        std::thread::sleep(LOOK);
    }
}

/// The first line of the answer to a plain request.
fn ask(page: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&page, Duration::from_secs(1))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(
        stream,
        "GET / HTTP/1.1\r\nHost: {page}\r\nConnection: close\r\n\r\n"
    )?;
    let mut beginning = Vec::new();
    stream.take(4096).read_to_end(&mut beginning)?;
    let text = String::from_utf8_lossy(&beginning);
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

fn step(what: &str) {
    println!("── {what}");
}
