//! The guides, command by command.

use std::path::Path;

use crate::transcript;
use crate::world::have;

#[test]
fn the_guide_to_bundles_is_true() {
    let tools = [
        ("umoci", "umoci"),
        ("skopeo", "skopeo"),
        ("busybox", "busybox-static"),
    ];
    for (tool, package) in tools {
        have(tool, package);
    }
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guide/bundles.md");
    transcript::run(&guide, &tools.map(|(tool, _)| tool));
}
