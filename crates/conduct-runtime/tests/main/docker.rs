//! What an engine is asked to do. A script stands for the `docker` command: the machines that tests
//! run on have no engine.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use conduct_bundle::archive::Mode;
use conduct_model::{BundleId, FileSystemType};
use conduct_runtime::abilities;

use crate::host::{CONF, Host, Setup, packing};
use crate::tools::eventually;

/// Writes down what it is called with; `run` stays until it is stopped.
fn engine(folder: &Path, at_build: &str) -> Setup {
    let path = folder.join("docker");
    let text = format!(
        r#"#!/bin/bash
        printf '%s\n' "$*" >> {}/calls
        case $1 in
          build) {at_build} ;;
          version) echo 1.0 ;;
          run) echo "$GREETING"; exec sleep 1000 ;;
        esac"#,
        folder.display()
    );
    std::fs::write(&path, text).expect("write");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("its mode");
    Setup {
        docker: path,
        ..Setup::default()
    }
}

fn bundle(host: &Host, words: &str) -> BundleId {
    let conf = format!(
        "{CONF} components.web {{ description = x, file-system-type = docker
           start-command = {words}, endpoints.web {{ bind-protocol = tcp, bind-port = 80 }} }}"
    );
    let mut packing = packing();
    let mut file = |name, text: &str| packing.bytes(name, Mode::FILE, text).expect("a path");
    file("bundle.conf", &conf);
    file("web/Dockerfile", "FROM scratch");
    file(
        "runtime-config.sh",
        "export GREETING=hello CONTAINER_ENV=$CONTAINER_ENV:GREETING",
    );
    BundleId::plain(host.folder.store(&packing))
}

fn calls(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join("calls")).unwrap_or_default();
    text.lines().map(ToOwned::to_owned).collect()
}

#[tokio::test]
async fn an_image_is_built_run_with_its_ports_and_variables_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let mut host = Host::with(engine(folder.path(), "true")).await;
    let bundle = bundle(&host, r#"[dockerArgs, "--label", "a b"]"#);
    let (instance, _, ports) = host.start(bundle).await;
    assert_eq!(ports["web"].bind, 80);
    assert!(ports["web"].host >= host.first_port);
    assert_eq!(host.lines(instance, 1).await[0].1, "hello");
    let place = host.folder.of(instance, "bundle/shop/web");
    let image = format!("conduct/{bundle}-web");
    let said = calls(folder.path());
    assert_eq!(said[0], format!("build --tag {image} {}", place.display()));
    let run = &said[1];
    for part in [
        format!("run --rm --name {instance}-web "),
        format!(" --publish 127.0.0.1:{}:80/tcp ", ports["web"].host),
        " --env CONDUCT_INSTANCE ".to_owned(),
        " --env WEB_BIND_PORT ".to_owned(),
        " --env GREETING ".to_owned(),
        " --security-opt no-new-privileges ".to_owned(),
        " --memory 67108864 ".to_owned(),
        format!(" --label a b {image}"),
    ] {
        assert!(format!("{run} ").contains(&part), "{part}: {run}");
    }
    host.finish(instance).await;
    let removed = format!("rm --force {instance}-web");
    eventually("it is removed", || calls(folder.path()).contains(&removed)).await;
}

#[tokio::test]
async fn an_image_that_does_not_build_fails_the_start_with_what_the_build_said() {
    let folder = tempfile::tempdir().unwrap();
    let failing = "echo step 1; echo 'no such base' >&2; exit 1";
    let mut host = Host::with(engine(folder.path(), failing)).await;
    let bundle = bundle(&host, "[]");
    assert_eq!(
        host.refused(bundle).await,
        "component web could not be started: its image does not build: step 1; no such base"
    );
}

#[tokio::test]
async fn without_docker_such_a_bundle_is_refused_by_name() {
    let setup = Setup {
        docker: "/nowhere/docker".into(),
        ..Setup::default()
    };
    let mut host = Host::with(setup).await;
    let bundle = bundle(&host, "[]");
    let why = host.refused(bundle).await;
    assert!(why.starts_with("could not find /nowhere/docker"), "{why}");
}

#[test]
fn a_machine_whose_engine_answers_runs_docker_components_and_others_say_why_not() {
    let folder = tempfile::tempdir().unwrap();
    let setup = engine(folder.path(), "true");
    let none = Path::new("/nowhere/runc");
    let found = abilities(none, &setup.docker);
    assert!(found.kinds.contains(&FileSystemType::Docker), "{found:?}");
    // The command is there, and nobody answers it.
    let found = abilities(none, Path::new("false"));
    assert!(!found.kinds.contains(&FileSystemType::Docker));
    let told = |note: &String| note.contains("no engine answers");
    assert!(found.notes.iter().any(told), "{found:?}");
}
