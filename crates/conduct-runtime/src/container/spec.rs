//! The `config.json` that runc is given. Everything in it is said here; nothing that came with a
//! bundle decides what a container may do.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::plan::{Account, Ids, Plan, Volume};
use super::seccomp;
use crate::shim::INSTANCE_OOM_SCORE;

/// How large a folder for scratch may grow. It is memory, and counts as the instance's.
const SCRATCH_BYTES: u64 = 64 << 20;

/// Folders that programs write to although nothing there is worth keeping.
const SCRATCH: &[&str] = &["/tmp", "/run", "/var/tmp"];

/// What the host knows about names in its network, which is the container's as well.
pub(crate) const HOST_FILES: &[&str] = &["/etc/resolv.conf", "/etc/hosts"];

/// What a root file system must have for the mounts that every container gets.
pub(crate) const FOLDERS: &[&str] = &["/proc", "/dev", "/sys", "/tmp", "/run", "/var/tmp"];

const MASKED: &[&str] = &[
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
];

const READ_ONLY: &[&str] = &[
    "/proc/bus",
    "/proc/fs",
    "/proc/irq",
    "/proc/sys",
    "/proc/sysrq-trigger",
];

/// What a container's first process is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Process {
    pub(super) words: Vec<String>,
    pub(super) environment: BTreeMap<String, String>,
}

/// The whole file. `rootfs` is where the root file system is seen by whoever runs runc.
pub(super) fn config(plan: &Plan, process: &Process, rootfs: &Path, host_name: &str) -> Value {
    let mut config = json!({
        "ociVersion": "1.0.2",
        "process": process_of(plan, process),
        "root": { "path": rootfs, "readonly": true },
        "hostname": host_name,
        "mounts": mounts(&plan.volumes),
        "annotations": plan.root.labels,
        "linux": {
            "uidMappings": mapping(plan.ids),
            "gidMappings": mapping(plan.ids),
            "namespaces": namespaces(),
            // The limits are those of the instance, whose group holds the container's.
            "resources": { "devices": [{ "allow": false, "access": "rwm" }] },
            "seccomp": seccomp::profile(),
            "maskedPaths": MASKED,
            "readonlyPaths": READ_ONLY,
        },
    });
    if let Some(group) = &plan.group {
        config["linux"]["cgroupsPath"] = json!(group);
    }
    config
}

fn process_of(plan: &Plan, process: &Process) -> Value {
    let environment: Vec<String> = process
        .environment
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let Account {
        user,
        group,
        groups,
    } = &plan.root.account;
    // A daemon that is not root has one number to give, and that one is 0 inside.
    let user = if plan.ids.count > 1 {
        json!({ "uid": user, "gid": group, "additionalGids": groups, "umask": 0o022 })
    } else {
        json!({ "uid": 0, "gid": 0, "umask": 0o022 })
    };
    json!({
        "terminal": false,
        "user": user,
        "args": process.words,
        "env": environment,
        "cwd": plan.root.working_folder,
        "capabilities": {
            "bounding": [], "effective": [], "permitted": [], "inheritable": [], "ambient": [],
        },
        "noNewPrivileges": true,
        "oomScoreAdj": INSTANCE_OOM_SCORE,
    })
}

/// All but the network's: endpoints are the host's, as for processes.
fn namespaces() -> Value {
    let kinds = ["pid", "ipc", "uts", "mount", "user", "cgroup"];
    kinds.iter().map(|kind| json!({ "type": kind })).collect()
}

fn mapping(ids: Ids) -> Value {
    json!([{ "containerID": 0, "hostID": ids.first, "size": ids.count }])
}

fn mounts(volumes: &[Volume]) -> Vec<Value> {
    let mount = |target: &str, kind: &str, options: &[&str]| json!({ "destination": target, "type": kind, "source": kind, "options": options });
    let bind = |source: &Path, target: &str, options: &[&str]| json!({ "destination": target, "type": "bind", "source": source, "options": options });
    let mut all = vec![
        mount("/proc", "proc", &["nosuid", "noexec", "nodev"]),
        mount(
            "/dev",
            "tmpfs",
            &["nosuid", "strictatime", "mode=755", "size=65536k"],
        ),
        mount(
            "/dev/pts",
            "devpts",
            &[
                "nosuid",
                "noexec",
                "newinstance",
                "ptmxmode=0666",
                "mode=0620",
            ],
        ),
        mount(
            "/dev/shm",
            "tmpfs",
            &["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"],
        ),
        mount("/dev/mqueue", "mqueue", &["nosuid", "noexec", "nodev"]),
        // In a network that is not its own a container can have no /sys of its own either.
        bind(
            Path::new("/sys"),
            "/sys",
            &["rbind", "nosuid", "noexec", "nodev", "ro"],
        ),
        mount(
            "/sys/fs/cgroup",
            "cgroup",
            &["nosuid", "noexec", "nodev", "relatime", "ro"],
        ),
    ];
    let size = format!("size={SCRATCH_BYTES}");
    for folder in SCRATCH {
        all.push(mount(
            folder,
            "tmpfs",
            &["nosuid", "nodev", "mode=1777", &size, "tmpcopyup"],
        ));
    }
    for file in HOST_FILES
        .iter()
        .map(Path::new)
        .filter(|file| file.exists())
    {
        let target = file.display().to_string();
        all.push(bind(
            file,
            &target,
            &["bind", "ro", "nosuid", "noexec", "nodev"],
        ));
    }
    for volume in volumes {
        all.push(bind(
            &volume.source,
            &volume.target,
            &["rbind", "rw", "nosuid", "nodev", "rprivate"],
        ));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::plan::ContainerRoot;

    fn plan() -> Plan {
        Plan {
            runc: "runc".into(),
            id: "one".to_owned(),
            root: ContainerRoot {
                working_folder: "/srv".to_owned(),
                ..ContainerRoot::default()
            },
            ids: Ids {
                first: 600_000,
                count: 65_536,
            },
            volumes: vec![Volume {
                source: "/volumes/data".into(),
                target: "/data".to_owned(),
            }],
            group: Some("/conduct/here/one/web".to_owned()),
            mark: ("MARK".to_owned(), "1".to_owned()),
        }
    }

    fn built() -> Value {
        let process = Process {
            words: vec!["/bin/web".to_owned()],
            environment: BTreeMap::from([("A".to_owned(), "1 2".to_owned())]),
        };
        config(&plan(), &process, Path::new("/mnt"), "host")
    }

    #[test]
    fn a_container_has_no_rights_whatever_it_is_asked_to_run() {
        let config = built();
        let process = &config["process"];
        assert_eq!(process["noNewPrivileges"], true);
        for set in [
            "bounding",
            "effective",
            "permitted",
            "inheritable",
            "ambient",
        ] {
            assert_eq!(process["capabilities"][set], json!([]), "{set}");
        }
        assert_eq!(config["root"]["readonly"], true);
        assert_eq!(config["linux"]["uidMappings"][0]["hostID"], 600_000);
        let kinds: Vec<_> = config["linux"]["namespaces"]
            .as_array()
            .unwrap()
            .iter()
            .map(|namespace| namespace["type"].as_str().unwrap())
            .collect();
        assert_eq!(kinds, ["pid", "ipc", "uts", "mount", "user", "cgroup"]);
        assert!(config["hooks"].is_null());
        assert_eq!(config["linux"]["resources"]["devices"][0]["allow"], false);
    }

    #[test]
    fn only_volumes_can_be_written_to_for_good() {
        let config = built();
        let mounts = config["mounts"].as_array().unwrap();
        let from_host = mounts.iter().filter(|mount| mount["type"] == "bind");
        for mount in from_host {
            let writable = !mount["options"].as_array().unwrap().contains(&json!("ro"));
            assert_eq!(writable, mount["destination"] == "/data", "{mount}");
        }
    }
}
