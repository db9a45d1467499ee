//! The small bundles in other languages.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::tools::{have, program, root};

/// What `bndl validate --strict` says about a folder.
#[track_caller]
fn is_valid(folder: &Path) {
    let bndl = program("bndl");
    let ran = Command::new(bndl)
        .args(["validate", "--strict"])
        .arg(folder)
        .output()
        .expect("bndl runs");
    let told = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(ran.status.success(), "{}: {told}", folder.display());
}

/// Plays a node's status service, starts a program under it, and gives the line of the signal.
fn signal_of(mut command: Command) -> (String, Running) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    command
        .env("BUNDLE_ID", "01dd0af")
        .env("BUNDLE_HOST_IP", "127.0.0.1")
        .env("CONDUCTR_STATUS", url)
        .env("HELLO_BIND_PORT", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let running = Running(command.spawn().expect("it runs"));
    let (stream, _) = listener.accept().expect("a signal");
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).expect("a request");
    let answer = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
    reader.into_inner().write_all(answer).expect("heard");
    (line, running)
}

struct Running(Child);

impl Running {
    /// Waits for a line on its stdout.
    fn says(&mut self, part: &str) {
        let stdout = self.0.stdout.as_mut().expect("piped");
        let mut lines = BufReader::new(stdout).lines();
        let found = lines.find(|line| line.as_ref().is_ok_and(|line| line.contains(part)));
        assert!(found.is_some(), "it ended without a word of {part:?}");
    }

    fn ends_when_told(mut self) {
        let pid = self.0.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(sent.expect("kill runs").success());
        assert_eq!(self.0.wait().expect("started here").code(), Some(0));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const SIGNAL: &str = "PUT /bundles/01dd0af?isStarted=true HTTP/1.1\r\n";

#[test]
fn the_shell_sample_is_valid_signals_and_ends_when_told() {
    let folder = root().join("bundles/hello-shell");
    is_valid(&folder);
    if !have("curl", "curl") {
        return;
    }
    let (line, mut running) = signal_of(Command::new(folder.join("hello/bin/hello")));
    assert_eq!(line, SIGNAL);
    running.says("hello from 127.0.0.1; the others: none");
    running.ends_when_told();
}

#[test]
fn the_python_sample_is_valid_signals_and_ends_when_told() {
    let folder = root().join("bundles/hello-python");
    is_valid(&folder);
    if !have("python3", "python3") {
        return;
    }
    let (line, running) = signal_of(Command::new(folder.join("hello/bin/hello.py")));
    assert_eq!(line, SIGNAL);
    running.ends_when_told();
}

#[test]
fn the_image_sample_is_valid_with_the_image_that_its_script_makes() {
    if !have("busybox", "busybox-static") {
        return;
    }
    let sample = root().join("bundles/hello-image");
    let folder = tempfile::tempdir().expect("a folder");
    let make = |name: &str| {
        let ran = Command::new(sample.join("make-image"))
            .arg(folder.path().join(name).join("hello"))
            .status();
        assert!(ran.expect("it runs").success());
        std::fs::copy(
            sample.join("bundle.conf"),
            folder.path().join(name).join("bundle.conf"),
        )
        .expect("copied");
        std::fs::read(folder.path().join(name).join("hello/index.json")).expect("written")
    };
    assert_eq!(make("one"), make("two"), "equal input, equal image");
    is_valid(&folder.path().join("one"));
}

#[test]
fn the_descriptors_of_the_demo_are_valid() {
    let bndl = program("bndl");
    for service in ["friend", "chirp", "activity", "front-end"] {
        let conf = root()
            .join("bundles/chirper")
            .join(service)
            .join("bundle.conf");
        let ran = Command::new(&bndl).arg("validate").arg(&conf).output();
        let ran = ran.expect("bndl runs");
        let told = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(
            ran.status.success() && told.is_empty(),
            "{}: {told}",
            conf.display()
        );
    }
}
