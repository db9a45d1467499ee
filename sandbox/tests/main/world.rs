//! A home folder of one's own with the programs in reach, and addresses that no other test uses.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Nothing that these tests wait for takes longer on a machine that is merely busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

const LOOK: Duration = Duration::from_millis(20);

/// What a program left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Ends all its sandboxes when it goes, also when a test fails.
pub(crate) struct World {
    home: TempDir,
    range: String,
}

impl World {
    pub(crate) fn new() -> World {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = std::process::id().wrapping_mul(31);
        let number = number.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        // Away from the ranges that sandboxes choose by themselves.
        let range = format!("127.{}.{}.0/24", 64 + number % 128, number / 128 % 256);
        World {
            home: tempfile::tempdir().expect("a folder"),
            range,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// The folder of a sandbox.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.path(".conductr/sandbox").join(name)
    }

    /// The address of a node.
    pub(crate) fn address(&self, node: usize) -> String {
        format!("{}{node}", self.beginning())
    }

    /// What all its addresses begin with.
    fn beginning(&self) -> &str {
        self.range.strip_suffix("0/24").expect("a range")
    }

    /// A program with this home; none of what the machine's owner has set is in its environment.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("CONDUCT") || name == "BUNDLE_HTTP_PORT" {
                command.env_remove(name);
            }
        }
        command
            .env("HOME", self.home.path())
            .env("CONDUCTR_SANDBOX_ADDR_RANGE", &self.range)
            .env("NO_COLOR", "1")
            .current_dir(self.home.path())
            .stdin(Stdio::null());
        command
    }

    /// `sandbox` with these words.
    pub(crate) fn sandbox(&self, words: &str) -> Ran {
        ran(self.sandbox_command(words).output())
    }

    pub(crate) fn sandbox_command(&self, words: &str) -> Command {
        let mut command = self.command(&programs().join("sandbox"));
        command.args(words.split_whitespace());
        command
    }

    /// `conduct` with these words; it finds the sandbox by itself.
    pub(crate) fn conduct(&self, words: &str) -> Ran {
        let mut command = self.command(&programs().join("conduct"));
        ran(command.args(words.split_whitespace()).output())
    }

    /// As [`World::sandbox`], and it has to work.
    pub(crate) fn must(&self, words: &str) -> Ran {
        let ran = self.sandbox(words);
        assert_eq!(ran.code, 0, "sandbox {words}: {ran:#?}\n{}", self.logs());
        ran
    }

    /// The document that a command prints.
    pub(crate) fn json(&self, words: &str) -> Value {
        let ran = self.must(&format!("{words} --output json"));
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:#?}"))
    }

    /// Waits until `holds` does, and says what it was waiting for if it never does.
    pub(crate) fn until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !holds() {
            assert!(begun.elapsed() < PATIENCE, "{what}: never\n{}", self.logs());
            std::thread::sleep(LOOK);
        }
    }

    /// What the daemons said last, for whoever reads that a test failed.
    fn logs(&self) -> String {
        self.sandbox("logs --lines 60").stdout
    }

    /// Nothing runs in this world any more, and nothing waits to be found.
    pub(crate) fn assert_empty(&self) {
        let left = self.processes();
        assert!(left.is_empty(), "still there: {left:#?}");
        let pointer = self.path(".conductr/tmp/sandbox.json");
        assert!(!pointer.exists(), "conduct still finds a sandbox");
        let sockets = sockets(self.home.path());
        assert!(sockets.is_empty(), "sockets: {sockets:?}");
        let groups = groups(self.beginning());
        assert!(groups.is_empty(), "control groups: {groups:?}");
    }

    /// Processes that were started with something of this world, as their words or environment.
    pub(crate) fn processes(&self) -> Vec<String> {
        let home = self.home.path().display().to_string();
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").expect("processes").flatten() {
            let path = entry.path();
            let read = |name: &str| {
                let bytes = fs::read(path.join(name)).unwrap_or_default();
                String::from_utf8_lossy(&bytes).replace('\0', " ")
            };
            let name = entry.file_name();
            if name.to_string_lossy().parse::<u32>().is_err() {
                continue;
            }
            let words = read("cmdline");
            if words.contains(&home) || read("environ").contains(&home) {
                found.push(format!("{}: {words}", name.to_string_lossy()));
            }
        }
        found
    }

    /// Packs a bundle of one component that is a shell script.
    pub(crate) fn bundle(&self, name: &str, script: &str) -> PathBuf {
        let folder = self.path(name);
        fs::create_dir_all(folder.join("main")).expect("made");
        fs::write(folder.join("main/run.sh"), script).expect("written");
        let conf = format!(
            "version = 1, name = {name}, compatibility-version = 1, system = {name}\n\
             system-version = 1, nr-of-cpus = 0.1, memory = 16 MiB, disk-space = 1 MB\n\
             roles = [web]\n\
             components.main {{\n\
               description = \"a test\", file-system-type = universal\n\
               start-command = [\"sh\", \"main/run.sh\"]\n\
               endpoints.web {{ bind-protocol = http, bind-port = 0, service-name = {name} }}\n\
             }}\n"
        );
        fs::write(folder.join("bundle.conf"), conf).expect("written");
        let archive = self.path(&format!("{name}.zip"));
        let mut bndl = self.command(&programs().join("bndl"));
        let packed = ran(bndl.arg(&folder).arg("-o").arg(&archive).output());
        assert_eq!(packed.code, 0, "{packed:#?}");
        archive
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let stopped = self.sandbox("stop --all --purge");
        if stopped.code != 0 && !std::thread::panicking() {
            panic!("sandboxes stay: {stopped:#?}");
        }
    }
}

pub(crate) fn ran(output: std::io::Result<Output>) -> Ran {
    let output = output.expect("the program starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
    }
}

/// Where the programs are, all of this very source.
fn programs() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let built = Command::new(env!("CARGO"))
            // The same choice as for the other tests with real daemons: nothing is built twice.
            .args(["build", "--quiet", "--workspace", "--bins", "--test", "all"])
            .current_dir(root)
            .status();
        assert!(built.expect("cargo starts").success());
        let own = Path::new(env!("CARGO_BIN_EXE_sandbox"));
        own.parent().expect("it is in a folder").to_owned()
    })
}

fn sockets(folder: &Path) -> Vec<PathBuf> {
    use std::os::unix::fs::FileTypeExt;
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_socket() => found.push(entry.path()),
            Ok(kind) if kind.is_dir() => found.extend(sockets(&entry.path())),
            _ => {}
        }
    }
    found
}

/// Control groups of nodes whose address begins so.
fn groups(beginning: &str) -> Vec<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let trees = mounts.lines().filter_map(|line| {
        let mut parts = line.split(' ').skip(1);
        let (path, kind) = (parts.next()?, parts.next()?);
        kind.starts_with("cgroup")
            .then(|| Path::new(path).join("conduct"))
    });
    let nodes = trees.flat_map(|tree| fs::read_dir(tree).into_iter().flatten().flatten());
    nodes
        .filter(|node| node.file_name().to_string_lossy().starts_with(beginning))
        .map(|node| node.path())
        .collect()
}
