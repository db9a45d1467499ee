//! A runc that is missing, old, slow, or does half of what it should.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use conduct_model::FileSystemType;
use conduct_node::runtime::Adopted;
use conduct_runtime::abilities;

use crate::containers::image;
use crate::host::{Host, Setup, kill_hard};
use crate::tools::{eventually, have_containers, until};

/// A program in place of runc.
fn script(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("runc");
    std::fs::write(&path, format!("#!/bin/bash\n{text}\n")).expect("write");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("its mode");
    path
}

/// Puts a program before the real runc that does something of its own at one of its commands.
fn instead_of(folder: &Path, command: &str, what: &str) -> PathBuf {
    let text = format!(
        r#"for word; do if [ "$word" = {command} ]; then {what}; fi; done; exec runc "$@""#
    );
    script(folder, &text)
}

async fn host_with(runc: PathBuf) -> Host {
    let setup = Setup {
        runc,
        ..Setup::default()
    };
    Host::with(setup).await
}

#[tokio::test]
async fn a_runc_that_hangs_is_given_up_after_ten_seconds_and_leaves_nothing() {
    if !have_containers() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let runc = instead_of(folder.path(), "create", "exec sleep 1000");
    let mut host = host_with(runc).await;
    let bundle = image(&host, "exit 0", "");
    let begun = Instant::now();
    let why = host.refused(bundle).await;
    assert!(why.contains("runc create took longer than 10 s"), "{why}");
    assert!(
        begun.elapsed() < Duration::from_secs(15),
        "{:?}",
        begun.elapsed()
    );
    host.nothing_is_left().await;
}

#[tokio::test]
async fn a_runc_that_fails_is_quoted_and_leaves_nothing() {
    if !have_containers() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let log = r#"log() { while [ "$1" != --log ]; do shift; done
                 echo '{"level":"error","msg":"the moon is full"}' >> "$2"; }
                 log "$@"; exit 1"#;
    let runc = instead_of(folder.path(), "create", log);
    let mut host = host_with(runc).await;
    let bundle = image(&host, "exit 0", "");
    let why = host.refused(bundle).await;
    assert!(
        why.contains("runc create failed: the moon is full"),
        "{why}"
    );
    host.nothing_is_left().await;
}

#[tokio::test]
async fn a_container_that_was_made_and_does_not_start_is_deleted() {
    if !have_containers() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let runc = instead_of(folder.path(), "start", "exit 1");
    let mut host = host_with(runc).await;
    let bundle = image(&host, "exit 0", "");
    let instance = host.order_start(bundle, None, Vec::new());
    let why = host.failed(instance).await;
    assert!(why.contains("runc start failed"), "{why}");
    host.nothing_is_left().await;
    let states = host.folder.of(instance, "runc");
    assert_eq!(std::fs::read_dir(states).unwrap().count(), 0);
}

#[tokio::test]
async fn a_container_between_making_and_starting_goes_with_its_shim_and_daemon() {
    if !have_containers() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("made");
    let what = format!("touch {}; exec sleep 1000", mark.display());
    let runc = instead_of(folder.path(), "start", &what);
    let host = host_with(runc).await;
    let bundle = image(&host, "exec sleep 1000", "");
    let instance = host.order_start(bundle, None, Vec::new());
    eventually("the container is made", || mark.exists()).await;
    let states = host.folder.of(instance, "runc");
    assert_eq!(std::fs::read_dir(&states).unwrap().count(), 1);
    let headless = host.close();
    let shim = headless.folder.processes().into_iter().find(|pid| {
        let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        words.split(|byte| *byte == 0).nth(1) == Some(b"shim")
    });
    kill_hard(shim.expect("a shim"));
    let host = headless.open().await;
    assert!(matches!(host.adopted[&instance], Adopted::Ended(_)));
    host.nothing_is_left().await;
    assert_eq!(std::fs::read_dir(&states).unwrap().count(), 0);
}

#[test]
fn an_old_runc_and_one_that_does_not_answer_are_not_used_and_a_flawed_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let docker = Path::new("/nowhere/docker");
    let of = |text: &str| {
        let runc = script(folder.path(), text);
        // Another thread that forks at this moment may still have the file open for writing.
        until("it can be run", || {
            std::process::Command::new(&runc)
                .arg("--version")
                .spawn()
                .map(|mut child| {
                    let _ = child.kill();
                    let _ = child.wait();
                })
                .is_ok()
        });
        abilities(&runc, docker)
    };
    let containers = FileSystemType::OciImage;
    for (text, told) in [
        (
            "echo runc version 1.0.3",
            "1.1.0 is the oldest that can be used",
        ),
        ("echo crun version 1.8", "does not say which version it is"),
        ("exit 3", "runc --version failed"),
        ("exec sleep 1000", "took longer"),
    ] {
        let found = of(text);
        assert!(!found.kinds.contains(&containers), "{text}: {found:?}");
        assert!(found.notes[0].contains(told), "{text}: {found:?}");
    }
    let found = of("echo runc version 1.3.0");
    assert!(found.kinds.contains(&containers), "{found:?}");
    assert!(
        found.notes[0].contains("CVE-2025-31133, CVE-2025-52565, CVE-2025-52881"),
        "{found:?}"
    );
    let found = of("echo runc version 1.4.0");
    assert!(found.kinds.contains(&containers));
    assert_eq!(found.notes.len(), 1, "only docker is missing: {found:?}");
}
