//! Containers through the real runc.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::{Duration, Instant};

use conduct_bundle::archive::{Mode, Packing};
use conduct_model::{BundleId, FileSystemType};
use conduct_node::runtime::{Adopted, ExitStatus, RuntimeEvent};
use conduct_runtime::abilities;
use serde_json::{Value, json};

use crate::host::{CONF, Host, kill_hard, next_instance, orders, packing};
use crate::image::{pack_image, pack_runtime_bundle};
use crate::tools::{alive, eventually, groups_of, have_containers, parent_of};

/// A descriptor with one container.
fn conf(kind: &str, words: &[&str], more: &str) -> String {
    let words = json!(words);
    format!(
        r#"{CONF}
        components.web {{
          description = "", file-system-type = {kind}
          start-command = {words}
          endpoints.web {{ bind-protocol = http, bind-port = 0 }}
        }}
        {more}"#
    )
}

fn with_conf(conf: &str) -> Packing<'static> {
    let mut packing = packing();
    packing
        .bytes("bundle.conf", Mode::FILE, conf)
        .expect("a path");
    packing
}

/// A bundle whose container runs a shell script.
pub(crate) fn image(host: &Host, script: &str, more: &str) -> BundleId {
    image_as_it_is(host, &json!({ "Cmd": ["/bin/sh", "-c", script] }), more)
}

/// A bundle whose image says itself how it is run.
fn image_as_it_is(host: &Host, run: &Value, more: &str) -> BundleId {
    let mut packing = with_conf(&conf("oci-image", &[], more));
    pack_image(&mut packing, "web", run);
    BundleId::plain(host.folder.store(&packing))
}

fn foreign(host: &Host, config: &Value) -> BundleId {
    let mut packing = with_conf(&conf("oci-bundle", &[], ""));
    pack_runtime_bundle(&mut packing, "web", config);
    BundleId::plain(host.folder.store(&packing))
}

#[tokio::test]
async fn a_container_has_no_rights_and_can_write_nowhere_but_where_it_may() {
    if !have_containers() {
        return;
    }
    let mut host = Host::new().await;
    let script = r#"grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status
        touch /etc/mine || echo "root is read-only"
        touch /tmp/mine /run/mine && echo "scratch is not"
        unshare -m true || echo "no namespaces"
        mount -t tmpfs x /tmp || echo "no mounts"
        cat /proc/keys; ls /sys/firmware; echo $$
        exit 7"#;
    let bundle = image(&host, script, "");
    let (instance, ..) = host.start(bundle).await;
    assert_eq!(host.ended(instance).await.status, ExitStatus::Code(7));
    let said = host.said(instance);
    for line in [
        "CapEff:\t0000000000000000",
        "CapBnd:\t0000000000000000",
        "NoNewPrivs:\t1",
        "Seccomp:\t2",
        "root is read-only",
        "scratch is not",
        "no namespaces",
        "no mounts",
        "1",
    ] {
        assert!(said.iter().any(|found| found == line), "{line}: {said:#?}");
    }
    let errors = [
        "touch:", "unshare:", "mount:", "CapEff", "CapBnd", "NoNew", "Seccomp",
    ];
    let known = |line: &&String| {
        errors.iter().any(|start| line.starts_with(start))
            || line.starts_with("root is")
            || line.starts_with("scratch")
            || line.starts_with("no ")
            || *line == "1"
    };
    let rest: Vec<_> = said.iter().filter(|line| !known(line)).collect();
    assert!(rest.is_empty(), "what is masked is empty: {rest:?}");
}

#[tokio::test]
async fn root_in_a_container_is_nobody_outside() {
    if !have_containers() || !nix::unistd::geteuid().is_root() {
        return;
    }
    let mut host = Host::new().await;
    let bundle = image(&host, "id; exec sleep 1000", "");
    let (instance, pid, _) = host.start(bundle).await;
    let said = host.lines(instance, 1).await;
    assert!(said[0].1.starts_with("uid=0(root)"), "{said:?}");
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let users = status
        .lines()
        .find_map(|line| line.strip_prefix("Uid:\t"))
        .unwrap();
    let user: u32 = users.split('\t').next().unwrap().parse().unwrap();
    assert!(user >= 0x8_0000, "{user}");
    host.finish_now(instance).await;
}

#[tokio::test]
async fn an_image_runs_as_it_says_with_its_variables_and_the_bundles() {
    if !have_containers() {
        return;
    }
    let mut host = Host::new().await;
    let run = json!({
        "Entrypoint": ["/bin/sh", "-c"],
        "Cmd": ["echo $OWN $WEB_HOST $BUNDLE_NAME [$HOME_OF_HOST]; id -u; id -g; echo $PWD; exec sleep 1000"],
        "Env": ["OWN=image", "BUNDLE_NAME=overridden"],
        "User": "web", "WorkingDir": "/data", "Labels": {"a": "b"},
    });
    let bundle = image_as_it_is(&host, &run, "");
    let (instance, _, ports) = host.start(bundle).await;
    let said: Vec<String> = host
        .lines(instance, 4)
        .await
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    let port = ports["web"].host;
    let own = nix::unistd::geteuid().is_root();
    let (user, group) = if own { ("7", "8") } else { ("0", "0") };
    assert_eq!(
        said,
        [
            &format!("image http://127.0.0.1:{port} shop []"),
            user,
            group,
            "/data"
        ]
    );
    host.finish_now(instance).await;
}

#[tokio::test]
async fn words_are_filled_in_on_the_host_and_scripts_decide_what_is_let_in() {
    if !have_containers() {
        return;
    }
    let mut host = Host::new().await;
    let words = [
        "/bin/sh",
        "-c",
        "echo $0 $1; env; echo done; exec sleep 1000",
        "$WEB_BIND_PORT",
        "$(echo on the host)",
    ];
    let mut packing = with_conf(&conf("oci-image", &words, ""));
    pack_image(&mut packing, "web", &json!({}));
    let script = "export MINE=mine KEPT=kept CONTAINER_ENV=$CONTAINER_ENV:MINE";
    packing
        .bytes("runtime-config.sh", Mode::FILE, script)
        .unwrap();
    let bundle = BundleId::plain(host.folder.store(&packing));
    let (instance, _, ports) = host.start(bundle).await;
    let is_done = || host.said(instance).iter().any(|line| line == "done");
    eventually("it has told all", is_done).await;
    let said = host.said(instance);
    assert_eq!(said[0], format!("{} on the host", ports["web"].bind));
    assert!(said.contains(&"MINE=mine".to_owned()), "{said:?}");
    assert!(
        !said.iter().any(|line| line.starts_with("KEPT=")),
        "{said:?}"
    );
    host.finish_now(instance).await;
}

#[tokio::test]
async fn a_volume_outlives_its_instances_and_is_shared_by_compatible_releases_only() {
    if !have_containers() {
        return;
    }
    let mut host = Host::new().await;
    let script = "cat /data/*; echo \"from $BUNDLE_TAGS\" >> /data/log; echo written";
    let run =
        |more: &str| json!({ "Cmd": ["/bin/sh", "-c", format!("{script}{more}")], "User": "web" });
    let volume = "components.web.volumes { files = /data }";
    let releases = [
        (format!("{volume}, tags = [first]"), vec!["written"]),
        (
            format!("{volume}, tags = [second]"),
            vec!["from first", "written"],
        ),
        (
            format!("{volume}, tags = [third], compatibility-version = 2"),
            vec!["written"],
        ),
    ];
    for (more, expected) in releases {
        let bundle = image_as_it_is(&host, &run(""), &more);
        let (instance, ..) = host.start(bundle).await;
        assert_eq!(
            host.ended(instance).await.status,
            ExitStatus::Code(0),
            "{more}"
        );
        let mut said = host.said(instance);
        said.retain(|line| !line.contains("No such file"));
        assert_eq!(said, expected, "{more}");
    }
    let folder = host.folder.path().join("volumes/shop/1/files");
    let found = std::fs::metadata(folder).unwrap();
    if nix::unistd::geteuid().is_root() {
        assert_eq!(
            found.uid() % 0x1_0000,
            7,
            "it belongs to whom the image says"
        );
        assert_eq!(found.mode() & 0o777, 0o700);
    }
}

#[tokio::test]
async fn an_image_is_unpacked_once_however_often_it_runs() {
    if !have_containers() {
        return;
    }
    let mut host = Host::new().await;
    let bundle = image(&host, "exit 0", "");
    for _ in 0..2 {
        let (instance, ..) = host.start(bundle).await;
        host.ended(instance).await;
    }
    let unpacked = std::fs::read_dir(host.folder.path().join("images")).unwrap();
    assert_eq!(unpacked.count(), 1);
}

#[tokio::test]
async fn a_runtime_bundle_runs_its_program_with_our_rights() {
    if !have_containers() {
        return;
    }
    let mut host = Host::new().await;
    let config = json!({
        "ociVersion": "1.0.2",
        "root": { "path": "rootfs", "readonly": false },
        "process": {
            "args": ["/bin/busybox", "sh", "-c", "/bin/busybox grep CapEff /proc/self/status
                      echo $OWN $WEB_BIND_PORT; /bin/busybox touch /x || echo read-only; exit 3"],
            "env": ["OWN=own"], "cwd": "/",
            "user": { "uid": 0, "gid": 0 },
            "capabilities": { "effective": ["CAP_SYS_ADMIN"], "bounding": ["CAP_SYS_ADMIN"] },
        },
        "linux": { "namespaces": [{ "type": "pid" }] },
    });
    let bundle = foreign(&host, &config);
    let (instance, _, ports) = host.start(bundle).await;
    assert_eq!(host.ended(instance).await.status, ExitStatus::Code(3));
    let said = host.said(instance);
    assert!(
        said.contains(&"CapEff:\t0000000000000000".to_owned()),
        "{said:?}"
    );
    assert!(
        said.contains(&format!("own {}", ports["web"].bind)),
        "{said:?}"
    );
    assert!(said.contains(&"read-only".to_owned()), "{said:?}");
}

#[tokio::test]
async fn a_runtime_bundle_that_wants_the_host_is_refused_with_the_reason() {
    if !have_containers() {
        return;
    }
    let mut host = Host::new().await;
    let bundle = foreign(
        &host,
        &json!({ "process": { "args": ["x"], "cwd": "/" },
            "mounts": [{ "destination": "/host", "type": "bind", "source": "/", "options": ["rbind"] }] }),
    );
    assert_eq!(
        host.refused(bundle).await,
        "component web has no image that can be run: \
         config.json asks for / of the host, which only volumes give"
    );
}

#[tokio::test]
async fn an_image_that_is_none_and_a_program_that_is_not_in_it_are_named() {
    if !have_containers() {
        return;
    }
    let mut host = Host::new().await;
    let mut packing = with_conf(&conf("oci-image", &["/bin/sh"], ""));
    packing.bytes("web/readme", Mode::FILE, "nothing").unwrap();
    let bundle = BundleId::plain(host.folder.store(&packing));
    let why = host.refused(bundle).await;
    assert!(
        why.starts_with("component web has no image that can be run: "),
        "{why}"
    );

    let mut packing = with_conf(&conf("oci-image", &["/bin/nowhere"], ""));
    pack_image(&mut packing, "web", &json!({}));
    let bundle = BundleId::plain(host.folder.store(&packing));
    let why = host.refused(bundle).await;
    assert!(
        why.contains("/bin/nowhere") && why.contains("no such file"),
        "{why}"
    );
    host.nothing_is_left().await;
}

#[tokio::test]
async fn a_container_that_does_not_listen_is_killed_with_all_that_is_in_it() {
    if !have_containers() {
        return;
    }
    let mut host = Host::new().await;
    let script = "trap '' TERM; sleep 1000 & echo up; while true; do sleep 1000; done";
    let bundle = image(&host, script, "");
    let (instance, pid, _) = host.start(bundle).await;
    host.lines(instance, 1).await;
    host.stop(instance, conduct_model::Span::millis(200));
    assert_eq!(host.ended(instance).await.status, ExitStatus::Signal(9));
    assert!(!alive(pid));
    host.nothing_is_left().await;
}

#[tokio::test]
async fn a_container_goes_on_without_its_daemon_and_is_adopted() {
    if !have_containers() {
        return;
    }
    let mut host = Host::new().await;
    let script = "trap 'exit 9' TERM; echo up; while true; do sleep 0.01; done";
    let bundle = image(&host, script, "");
    let (instance, pid, ports) = host.start(bundle).await;
    host.lines(instance, 1).await;
    let mut host = host.reopen().await;
    assert_eq!(
        host.adopted[&instance],
        Adopted::Alive {
            pid,
            ports,
            started: false
        }
    );
    assert_eq!(host.finish(instance).await.status, ExitStatus::Code(9));
    host.nothing_is_left().await;
}

#[tokio::test]
async fn a_container_without_its_shim_is_ended_and_forgotten_by_runc() {
    if !have_containers() {
        return;
    }
    let mut host = Host::new().await;
    let bundle = image(&host, "exec sleep 1000", "");
    let (instance, pid, _) = host.start(bundle).await;
    let shim = parent_of(pid);
    kill_hard(shim);
    assert_eq!(host.ended(instance).await.status, ExitStatus::Unknown);
    assert!(!alive(pid));
    let states = host.folder.of(instance, "runc");
    assert_eq!(std::fs::read_dir(states).unwrap().count(), 0);
    host.nothing_is_left().await;
}

#[test]
fn a_machine_with_runc_runs_containers_and_one_without_says_so() {
    if !have_containers() {
        return;
    }
    let none = std::path::Path::new("/nowhere/docker");
    let found = abilities("runc".as_ref(), none);
    assert!(found.kinds.contains(&FileSystemType::OciImage), "{found:?}");
    let found = abilities("/nowhere/runc".as_ref(), none);
    assert_eq!(found.kinds, [FileSystemType::Universal].into());
    assert!(
        found.notes[0].contains("oci-image and oci-bundle: there is no /nowhere/runc"),
        "{found:?}"
    );
}

/// What we add to what runc itself takes, on a machine that has nothing else to do; on one that is
/// busy, whatever runc takes is the measure.
const OVERHEAD_MAX: Duration = Duration::from_millis(100);

#[tokio::test]
async fn making_a_container_takes_little_longer_than_runc_takes() {
    if !have_containers() {
        return;
    }
    let mut host = Host::new().await;
    let bundle = image(&host, "exec sleep 1000", "");
    // Whoever is root inside must be able to pass, since runc is called without our help here.
    std::fs::set_permissions(host.folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let images = host.folder.path().join("images");
    // What the machine does besides is not what is measured: of some tries the best count.
    let (mut ours, mut runcs) = (Duration::MAX, Duration::MAX);
    for round in 0..20 {
        if ours <= runcs.saturating_add(OVERHEAD_MAX.max(runcs)) && round >= 3 {
            break;
        }
        let instance = next_instance();
        let [prepare, start] = orders(instance, bundle, None, Vec::new());
        host.runtime.order(prepare);
        host.wait(|event| matches!(event, RuntimeEvent::Prepared { .. }).then_some(()))
            .await;
        let begun = Instant::now();
        host.runtime.order(start);
        host.launched(instance).await;
        ours = ours.min(begun.elapsed());
        host.finish_now(instance).await;

        let place = host.folder.of(instance, "web.oci");
        let path = place.join("config.json");
        let mut config: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let rootfs = std::fs::read_dir(&images)
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path();
        config["root"]["path"] = json!(rootfs);
        config["linux"]["cgroupsPath"] =
            json!(format!("/conduct/{}/plain-{round}", host.folder.name));
        std::fs::write(&path, config.to_string()).unwrap();
        let runc = |words: &[&str]| {
            let status = std::process::Command::new("runc")
                .arg("--root")
                .arg(host.folder.path().join("plain"))
                .args(words)
                .current_dir(&place)
                .stdin(std::process::Stdio::null())
                .stdout(std::process::Stdio::null())
                .status();
            assert!(status.unwrap().success(), "{words:?}");
        };
        let begun = Instant::now();
        runc(&["create", "plain"]);
        runc(&["start", "plain"]);
        runcs = runcs.min(begun.elapsed());
        runc(&["delete", "--force", "plain"]);
    }
    println!("a container: {ours:?}, of which runc takes {runcs:?}");
    assert!(
        ours <= runcs + OVERHEAD_MAX.max(runcs),
        "{ours:?} against {runcs:?}"
    );
}

impl Host {
    /// No process, no group, no container.
    pub(crate) async fn nothing_is_left(&self) {
        let folder = &self.folder;
        eventually("no process is left", || folder.processes().is_empty()).await;
        eventually("no group is left", || groups_of(&folder.name).is_empty()).await;
    }
}
