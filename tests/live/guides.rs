//! The guides, command by command.

use std::path::{Path, PathBuf};

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
