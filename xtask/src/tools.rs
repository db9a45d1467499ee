//! The programs that tests use for real, and how a Debian machine gets them.

use std::process::Command;

use crate::command::{is_installed, shown};

/// A program, the Debian package that brings it, and what is not tested without it.
struct Tool {
    program: &'static str,
    package: &'static str,
    serves: &'static str,
}

const TOOLS: &[Tool] = &[
    Tool {
        program: "openssl",
        package: "openssl",
        serves: "the measure for hashing speed",
    },
    Tool {
        program: "busybox",
        package: "busybox-static",
        serves: "images made on the spot",
    },
    Tool {
        program: "runc",
        package: "runc",
        serves: "containers",
    },
    Tool {
        program: "strace",
        package: "strace",
        serves: "crashes at every step of starts and stops",
    },
    Tool {
        program: "umoci",
        package: "umoci",
        serves: "images in OCI layout",
    },
    Tool {
        program: "skopeo",
        package: "skopeo",
        serves: "images as docker archives",
    },
    Tool {
        program: "curl",
        package: "curl",
        serves: "the sample in shell, the recipes for scripts",
    },
    Tool {
        program: "python3",
        package: "python3",
        serves: "the sample in Python",
    },
    Tool {
        program: "chromium",
        package: "chromium",
        serves: "the page of the demo in a browser",
    },
    Tool {
        program: "chromedriver",
        package: "chromium-driver",
        serves: "the page of the demo in a browser",
    },
    Tool {
        program: "haproxy",
        package: "haproxy",
        serves: "the other proxy: its configurations and the tests that both proxies share",
    },
    Tool {
        program: "docker-registry",
        package: "docker-registry",
        serves: "images from a registry",
    },
];

/// Installs what is missing where that is allowed; answers what is missing in the end, each with
/// what is left out for it.
pub(crate) fn prepare() -> Vec<String> {
    let missing = missing();
    if missing.is_empty() {
        println!("tools: all {} are here", TOOLS.len());
        return Vec::new();
    }
    let packages: Vec<&str> = missing.iter().map(|tool| tool.package).collect();
    match install(&packages) {
        Ok(()) => println!("tools: installed {}", packages.join(", ")),
        Err(why) => println!("tools: {why}"),
    }
    self::missing()
        .iter()
        .map(|tool| {
            let Tool {
                program,
                package,
                serves,
            } = tool;
            format!("{serves}: needs {program} (Debian package {package})")
        })
        .collect()
}

/// The programs that are not here, as tests read them from `CONDUCT_WITHOUT_TOOLS`.
pub(crate) fn absent() -> String {
    missing()
        .iter()
        .map(|tool| tool.program)
        .collect::<Vec<_>>()
        .join(",")
}

fn missing() -> Vec<&'static Tool> {
    TOOLS
        .iter()
        .filter(|tool| !is_installed(tool.program))
        .collect()
}

fn install(packages: &[&str]) -> Result<(), String> {
    if !is_installed("apt-get") {
        return Err("no apt-get here, so nothing is installed".to_owned());
    }
    if !is_root() {
        return Err(format!(
            "not root, so nothing is installed; as root: apt-get install {}",
            packages.join(" ")
        ));
    }
    println!("tools: installing {} with apt-get", packages.join(", "));
    let apt = |words: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(words).env("DEBIAN_FRONTEND", "noninteractive");
        shown(command).and_then(|outcome| {
            if outcome.ok {
                Ok(())
            } else {
                Err(format!("apt-get {} failed", words.join(" ")))
            }
        })
    };
    apt(&["-qq", "update"])?;
    apt(&[
        &["-qq", "-y", "--no-install-recommends", "install"],
        packages,
    ]
    .concat())
}

fn is_root() -> bool {
    Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}
