//! The picture in `docs/architecture.md`, kept true: who may use whom, and what the inner rows
//! never touch.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// From the lowest row to the highest. A crate uses rows below its own, never its own.
const ROWS: &[(&str, &[&str])] = &[
    ("values", &["conduct-model", "conduct-hocon"]),
    (
        "rules",
        &[
            "conduct-gossip",
            "conduct-state",
            "conduct-scheduler",
            "conduct-proxy",
            "conduct-bundle",
            "conduct-wire",
            "conduct-api",
        ],
    ),
    ("the brain", &["conduct-node"]),
    (
        "edges",
        &[
            "conduct-net",
            "conduct-store",
            "conduct-runtime",
            "conduct-http",
            "conduct-client",
            "conduct-image",
            "conduct-terminal",
            "conduct-ingress",
            "conduct-sim",
        ],
    ),
    (
        "wiring",
        &["conductd", "conduct-cli", "conduct-haproxy", "sandbox"],
    ),
];

/// Stand beside the picture: those that build and check it, and what a cluster runs. A bundle knows
/// its node by environment and HTTP alone, and so does the library that helps to write one.
const OUTSIDE: &[&str] = &[
    "xtask",
    "conduct-tests",
    "conduct-bundle-lib",
    "chirper-common",
    "chirper-friend",
    "chirper-chirp",
    "chirper-activity",
    "chirper-front-end",
];

/// What bundles may use of this workspace: a bundle that needs more could not be written elsewhere.
const FOR_BUNDLES: &[&str] = &["conduct-bundle-lib", "chirper-common"];

/// Crates in which everything is a function of its arguments.
const PURE: &[&str] = &[
    "conduct-model",
    "conduct-hocon",
    "conduct-gossip",
    "conduct-state",
    "conduct-scheduler",
    "conduct-proxy",
    "conduct-wire",
    "conduct-api",
    "conduct-node",
];

/// What a pure crate's code never names: effects, and orders that differ from run to run.
const IMPURE: &[&str] = &[
    "std::fs",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "UnixStream",
    "std::thread",
    "std::env",
    "std::process",
    "std::io",
    "tokio",
    "Instant::now",
    "SystemTime",
    "HashMap",
    "HashSet",
    "thread_rng",
    "rand::rng",
    "static mut",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every crate of the workspace with those that it uses in what it ships.
fn arrows() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let packages = metadata["packages"].as_array().expect("there are packages");
    packages
        .iter()
        .map(|package| {
            let uses = package["dependencies"].as_array().expect("a list").iter();
            let shipped = uses.filter(|used| used["kind"] != "dev" && used["path"].is_string());
            let names = shipped.map(|used| text(&used["name"])).collect();
            (text(&package["name"]), names)
        })
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn row(name: &str) -> Option<usize> {
    ROWS.iter().position(|(_, crates)| crates.contains(&name))
}

#[test]
fn every_crate_uses_only_rows_below_its_own() {
    let mut wrong = Vec::new();
    for (name, uses) in arrows() {
        if OUTSIDE.contains(&name.as_str()) {
            continue;
        }
        let Some(own) = row(&name) else {
            wrong.push(format!("{name} stands in no row of the picture"));
            continue;
        };
        for used in uses {
            if row(&used).is_none_or(|below| below >= own) {
                wrong.push(format!("{name} ({}) uses {used}", ROWS[own].0));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "arrows that run the wrong way:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn bundles_use_nothing_that_a_stranger_could_not_use() {
    let is_bundle = |name: &str| name.starts_with("chirper-") || name == "conduct-bundle-lib";
    for (name, uses) in arrows().iter().filter(|(name, _)| is_bundle(name)) {
        for used in uses {
            assert!(FOR_BUNDLES.contains(&used.as_str()), "{name} uses {used}");
        }
    }
}

#[test]
fn every_crate_lives_in_a_folder_of_its_name() {
    for name in arrows().keys().filter(|name| row(name).is_some()) {
        // A bundle that is a program of ours stands among the bundles, by its bundle's name.
        let bundle = name.trim_start_matches("conduct-");
        let here = [
            root().join("crates").join(name),
            root().join(name),
            root().join("bundles").join(bundle),
        ];
        assert!(
            here.iter()
                .any(|folder| folder.join("Cargo.toml").is_file()),
            "{name}"
        );
    }
}

#[test]
fn the_inner_rows_touch_no_clock_socket_file_thread_or_hash_order() {
    let mut wrong = Vec::new();
    for name in PURE {
        for file in sources(&root().join("crates").join(name).join("src")) {
            let code = std::fs::read_to_string(&file).expect("a source file is text");
            // Tests may do as they like; they stand last in a file.
            let shipped = code
                .split("#[cfg(test)]\nmod tests {")
                .next()
                .unwrap_or_default();
            let lines = shipped.lines().enumerate();
            for (number, line) in lines.filter(|(_, line)| !line.trim_start().starts_with("//")) {
                for word in IMPURE.iter().filter(|word| line.contains(**word)) {
                    wrong.push(format!("{}:{}: {word}", file.display(), number + 1));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "effects in pure crates:\n{}",
        wrong.join("\n")
    );
}

/// The shipped sources below `folder`; files of tests are left out.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.expect("a folder can be listed").path();
        let name = path
            .file_stem()
            .and_then(|name| name.to_str())
            .unwrap_or_default()
            .to_owned();
        if path.is_dir() && name != "tests" {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") && !name.ends_with("tests") {
            found.push(path);
        }
    }
    found
}

#[test]
fn the_picture_names_every_crate() {
    let page = root().join("docs/architecture.md");
    let page = std::fs::read_to_string(page).expect("docs/architecture.md is there");
    for name in arrows().keys().filter(|name| row(name).is_some()) {
        assert!(
            page.contains(&format!("`{name}`")),
            "docs/architecture.md does not name {name}"
        );
    }
}
