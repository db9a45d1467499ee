//! The guides, command by command.

use std::path::{Path, PathBuf};

use conduct_tests::Cluster;
use conduct_tests::tools::have;
use conduct_tests::transcript;

fn guide(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../docs/guide")
        .join(name)
}

#[test]
fn the_guide_to_bundles_is_true() {
    let tools = [
        ("umoci", "umoci"),
        ("skopeo", "skopeo"),
        ("busybox", "busybox-static"),
    ];
    for (tool, package) in tools {
        let _ = have(tool, package);
    }
    transcript::run(&guide("bundles.md"), &tools.map(|(tool, _)| tool), &[]);
}

/// Runs a guide on a fresh cluster.
fn on_a_cluster(name: &str, nodes: u8, tools: &[&str]) {
    let cluster = Cluster::start(nodes);
    let host = [("CONDUCTR_HOST", cluster[0].ip().to_string())];
    transcript::run(&guide(name), tools, &host);
}

#[test]
fn the_guide_to_conduct_is_true() {
    on_a_cluster("cli.md", 3, &[]);
}

#[test]
fn the_guide_to_scripting_is_true() {
    let _ = have("curl", "curl");
    on_a_cluster("scripting.md", 2, &["curl"]);
}

#[test]
fn the_guide_for_those_who_know_conductr_is_true() {
    on_a_cluster("from-conductr.md", 1, &[]);
}
