//! The original client, release 1.2.25 of `conductr-cli`, as it was published: whatever it can ask
//! of a cluster, it gets.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use conduct_tests::{Bundle, Cluster, Ran, run};

/// What it needs, and the last releases of what it uses that still have what it calls.
const PACKAGES: [&str; 6] = [
    "conductr-cli==1.2.25",
    "arrow<1",
    "urllib3<2",
    "semver<3",
    "requests<2.32",
    "pyparsing<3",
];

/// Python 3.10 took names away from `collections` that a library of the client uses.
const ALIASES: &str = "import collections
import collections.abc

for name in collections.abc.__all__:
    if not hasattr(collections, name):
        setattr(collections, name, getattr(collections.abc, name))
";

/// The client, installed once for all runs; nothing where the package index cannot be reached.
#[expect(clippy::print_stderr, reason = "what is left out is said")]
fn client() -> Option<&'static Path> {
    static CLIENT: OnceLock<Option<PathBuf>> = OnceLock::new();
    let client = CLIENT.get_or_init(|| {
        let installed = install();
        if let Err(why) = &installed {
            eprintln!("left out: the original client could not be installed: {why}");
        }
        installed.ok()
    });
    client.as_deref()
}

fn install() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("conductr-cli-1.2.25");
    let program = folder.join("bin/conduct");
    // Written last: what was interrupted is made anew.
    let is_complete = folder.join("complete");
    if is_complete.exists() {
        return Ok(program);
    }
    // It may be there in part; if it is not there at all that is just as well.
    let _ = fs::remove_dir_all(&folder);
    let done = |command: &mut Command| match run(command) {
        Ran {
            code: 0, stdout, ..
        } => Ok(stdout),
        ran => Err(ran.stderr),
    };
    done(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    let mut pip = Command::new(folder.join("bin/pip"));
    done(
        pip.args(["install", "--quiet", "--disable-pip-version-check"])
            .args(PACKAGES),
    )?;
    let sentence = "import sysconfig; print(sysconfig.get_path('purelib'))";
    let mut python = Command::new(folder.join("bin/python"));
    let packages = done(python.args(["-c", sentence]))?;
    let packages = Path::new(packages.trim());
    fs::write(packages.join("restored_aliases.py"), ALIASES).expect("a file");
    fs::write(packages.join("aliases.pth"), "import restored_aliases\n").expect("a file");
    fs::write(is_complete, "").expect("a file");
    Ok(program)
}

/// Runs the client against a node, in a folder of the cluster.
fn original(cluster: &Cluster, node: usize, arguments: &[&str]) -> Ran {
    let client = client().expect("it was installed");
    let mut command = Command::new(client);
    command
        .args(arguments)
        .current_dir(cluster.folder())
        .env("HOME", cluster.folder())
        .env("CONDUCTR_HOST", cluster[node].ip().to_string());
    run(&mut command)
}

/// The rows of a table as words.
fn rows(ran: &Ran) -> Vec<Vec<&str>> {
    let lines = ran.ok().lines();
    lines
        .map(|line| line.split_whitespace().collect())
        .collect()
}

#[test]
fn the_original_client_lives_through_the_life_of_a_bundle() {
    if client().is_none() {
        return;
    }
    let cluster = Cluster::start(3);
    let web = Bundle::web(cluster.folder(), "hello");
    let ask = |node, words: &str| {
        let words: Vec<&str> = words.split(' ').collect();
        original(&cluster, node, &words)
    };
    assert!(ask(0, "version").ok().starts_with("1.2.25\n"));
    assert_eq!(
        ask(0, "info").ok(),
        "ID  NAME  TAG  #REP  #STR  #RUN  ROLES\n"
    );
    let loaded = ask(0, "load hello.zip");
    assert!(
        loaded.ok().contains("is installed\nBundle loaded.\n"),
        "{loaded:?}"
    );
    let digest = web.file_name();
    let id = &digest["hello-".len()..][..32];
    let short = &id[..7];
    let again = ask(1, "load -q hello.zip");
    assert_eq!(again.ok().trim(), id, "the same archive is the same bundle");

    let running = ask(1, "run hello --scale 2");
    assert!(
        running.ok().contains("expected scale 2 is met"),
        "{running:?}"
    );
    let info = ask(2, "info");
    assert_eq!(
        rows(&info)[1],
        [short, "hello", "1.0.0", "3", "0", "2", "web"]
    );
    let one = ask(2, "info hello");
    for told in [
        "Error                  No",
        "Scale              2",
        "HTTP ACLS\n---------\nMETHOD  PATH     REWRITE  STATUS\n*       ^/hello           Running",
    ] {
        assert!(one.ok().contains(told), "{told:?} is not in {one:?}");
    }
    assert_eq!(
        rows(&ask(0, "service-names"))[1],
        ["hello", short, "hello", "Running"]
    );
    assert_eq!(
        rows(&ask(0, "acls http"))[1],
        ["*", "^/hello", short, "hello", "Running"]
    );
    assert_eq!(
        ask(0, "acls tcp").ok(),
        "TCP/PORT  BUNDLE ID  BUNDLE NAME  STATUS\n"
    );

    let members = ask(1, "members");
    let members = rows(&members);
    assert_eq!(members.len(), 4);
    assert!(
        members[1..]
            .iter()
            .all(|row| row[2..] == ["replicator", "Up", "Yes"])
    );
    let agents = ask(1, "agents");
    assert_eq!(agents.ok().lines().count(), 4, "{agents:?}");
    assert!(agents.ok().contains("OBSERVED BY"));

    let logs = ask(2, "logs hello");
    assert_eq!(
        logs.ok().matches("listening on port").count(),
        2,
        "{logs:?}"
    );
    let last = ask(2, "logs hello -n 1 --utc");
    assert_eq!(last.ok().lines().count(), 2, "{last:?}");
    let events = ask(0, "events hello -n 100");
    assert!(
        events.ok().contains("conductr.state.bundleInfoAdded"),
        "{events:?}"
    );
    ask(0, "events hello -n 101").failed(1, "Error: 400 Bad Request");

    let stopped = ask(0, "stop hello");
    assert!(
        stopped.ok().contains("expected scale 0 is met"),
        "{stopped:?}"
    );
    let unloaded = ask(2, "unload -q hello");
    assert_eq!(unloaded.ok().trim(), id);
    assert_eq!(ask(1, "info -q").ok(), "");
}

#[test]
fn the_original_client_reads_every_refusal() {
    if client().is_none() {
        return;
    }
    let cluster = Cluster::start(1);
    let _hello = Bundle::web(cluster.folder(), "hello");
    let overlay = cluster.folder().join("overlay");
    fs::create_dir(&overlay).expect("a folder");
    fs::write(overlay.join("bundle.conf"), "nr-of-cpus = 0.02\n").expect("a file");
    let mut bndl = Command::new(conduct_tests::program("bndl"));
    bndl.args(["-f", "configuration", "overlay", "-o", "overlay.zip"])
        .current_dir(cluster.folder());
    run(&mut bndl).ok();
    let ask = |words: &str| {
        let words: Vec<&str> = words.split(' ').collect();
        original(&cluster, 0, &words)
    };
    ask("run nothing").failed(1, "Error: 404 Not Found");
    let plain = ask("load -q hello.zip");
    let configured = ask("load -q hello.zip overlay.zip");
    let (plain, configured) = (plain.ok().trim(), configured.ok().trim());
    assert_eq!(
        configured.split_once('-').map(|(half, _)| half),
        Some(plain)
    );
    let ambiguous = ask("run hello");
    ambiguous.failed(1, "Error: 300 Multiple Choices");
    ambiguous.failed(1, &format!("{plain},{configured}"));
    ask("deploy -y hello.zip").failed(1, "Error: 404 Not Found");
    let license = ask("load-license --offline");
    assert!(license.ok().contains("only supported by ConductR 2.1+"));
}

#[test]
fn a_backup_of_the_original_client_is_restored() {
    if client().is_none() {
        return;
    }
    let cluster = Cluster::start(1);
    let web = Bundle::web(cluster.folder(), "hello");
    let id = cluster.load(0, &web);
    cluster.run(0, &id, 1);
    let ask = |words: &str| {
        let words: Vec<&str> = words.split(' ').collect();
        original(&cluster, 0, &words)
    };
    ask("backup -o all.zip").ok();
    ask("stop hello").ok();
    ask("unload hello").ok();
    let restored = ask("restore all.zip");
    assert!(
        restored.ok().contains(&format!("Scaled {id} to : 1.")),
        "{restored:?}"
    );
    cluster.running(0, &id, 1);
}
