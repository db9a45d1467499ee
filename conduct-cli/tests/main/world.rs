//! A folder to work in, with the programs in reach.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use conduct_bundle::archive::{Archive, Limits};
use conduct_hocon::Value;
use tempfile::TempDir;

/// A bundle that has nothing wrong with it.
pub(crate) const SHOP: &str = r#"
version = "1"
name = shop
compatibilityVersion = "1"
system = shop
systemVersion = "1"
nrOfCpus = 0.1
memory = 67108864
diskSpace = 10485760
roles = [web]
components {
  web {
    description = "The shop"
    file-system-type = universal
    start-command = ["web/bin/run"]
    endpoints { web { bind-protocol = http, bind-port = 0, service-name = shop } }
  }
}
"#;

pub(crate) struct World {
    home: TempDir,
}

/// What a program left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl World {
    pub(crate) fn new() -> World {
        World {
            home: tempfile::tempdir().expect("a folder"),
        }
    }

    /// With the folder `shop`, which is a bundle.
    pub(crate) fn with_shop() -> World {
        let world = World::new();
        world.write("shop/bundle.conf", SHOP);
        world.write("shop/web/bin/run", "#!/bin/sh\nexec sleep 1000\n");
        world.chmod("shop/web/bin/run", 0o755);
        world
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("not the root")).expect("a folder");
        fs::write(path, content).expect("write");
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).expect(name)
    }

    pub(crate) fn chmod(&self, name: &str, mode: u32) {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        fs::set_permissions(self.path(name), mode).expect(name);
    }

    /// Runs `bndl` with nothing to read.
    pub(crate) fn bndl(&self, arguments: &[&str]) -> Ran {
        self.finish(self.command("bndl").args(arguments).stdin(Stdio::null()))
    }

    /// Runs `bndl` with a file to read from.
    pub(crate) fn bndl_reading(&self, file: &str, arguments: &[&str]) -> Ran {
        let stdin = File::open(self.path(file)).expect(file);
        self.finish(self.command("bndl").args(arguments).stdin(stdin))
    }

    /// Runs `bndl`, which must succeed without a word, and gives what it wrote.
    pub(crate) fn made(&self, arguments: &[&str]) -> Vec<u8> {
        let ran = self.bndl(arguments);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{arguments:?}");
        ran.stdout
    }

    /// The `bundle.conf` that comes of these arguments.
    pub(crate) fn conf(&self, arguments: &[&str]) -> Value {
        conf_of(self.made(arguments))
    }

    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> Ran {
        self.finish(self.command(program).args(arguments).stdin(Stdio::null()))
    }

    /// Runs a line of the shell.
    pub(crate) fn shell(&self, line: &str) -> Ran {
        self.finish(self.command("sh").args(["-c", line]).stdin(Stdio::null()))
    }

    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.home.path())
            .env("PATH", path_with_programs())
            .env("HOME", self.home.path())
            .env("LC_ALL", "C")
            .env_remove("NO_COLOR");
        command
    }

    fn finish(&self, command: &mut Command) -> Ran {
        let ran = command.output();
        let Output {
            status,
            stdout,
            stderr,
        } = ran.unwrap_or_else(|error| panic!("could not run {command:?}: {error}"));
        Ran {
            code: status.code().unwrap_or(-1),
            stdout,
            stderr: String::from_utf8(stderr).expect("people read text"),
        }
    }
}

impl Ran {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).expect("text")
    }

    /// It ended with this number and says this.
    #[track_caller]
    pub(crate) fn failed(&self, code: i32, told: &str) {
        assert_eq!(self.code, code, "{self:?}");
        assert!(
            self.stderr.contains(told),
            "{told:?} is not in: {}",
            self.stderr
        );
        assert!(self.stdout.is_empty(), "a failure has no result");
    }
}

pub(crate) fn archive(bytes: Vec<u8>) -> Archive<std::io::Cursor<Vec<u8>>> {
    Archive::open(std::io::Cursor::new(bytes), Limits::default()).expect("an archive")
}

pub(crate) fn conf_of(bytes: Vec<u8>) -> Value {
    let text = archive(bytes).conf().expect("readable").expect("there");
    conduct_hocon::parse(&text).expect("HOCON")
}

/// The paths in an archive, in its order.
pub(crate) fn paths(bytes: Vec<u8>) -> Vec<String> {
    let archive = archive(bytes);
    archive
        .entries()
        .iter()
        .map(|entry| entry.path.to_string())
        .collect()
}

/// The text of a file below the root of an archive.
pub(crate) fn file_of(bytes: Vec<u8>, path: &str) -> String {
    let archive = archive(bytes);
    let entry = archive.find(path).expect(path);
    String::from_utf8(archive.read(entry, 1 << 20).expect(path)).expect("text")
}

/// What a value says at a path, on one line.
#[track_caller]
pub(crate) fn said(conf: &Value, path: &str) -> String {
    conf.at(path)
        .map_or_else(|| "nothing".to_owned(), Value::to_line)
}

/// The programs of this package before all others.
pub(crate) fn path_with_programs() -> OsString {
    let programs = Path::new(env!("CARGO_BIN_EXE_bndl"))
        .parent()
        .expect("a folder")
        .to_owned();
    let others = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(programs).chain(std::env::split_paths(&others));
    std::env::join_paths(all).expect("no colon in a path")
}

/// Whether the run was told that it has to do without a tool.
pub(crate) fn without(tool: &str) -> bool {
    let without = std::env::var("CONDUCT_WITHOUT_TOOLS").unwrap_or_default();
    without.split([',', ' ']).any(|name| name == tool)
}

/// Whether a tool may be used. Where it is missing the test fails and says what to install, unless
/// the run was told that it has to do without.
pub(crate) fn have(tool: &str, package: &str) -> bool {
    if without(tool) {
        return false;
    }
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(tool).is_file()));
    assert!(
        found,
        "this test needs {tool}: apt-get install {package}, or set CONDUCT_WITHOUT_TOOLS={tool}"
    );
    true
}
