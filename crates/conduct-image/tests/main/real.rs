//! Real images from real tools. They are made on the spot; nothing is pulled.

use std::fs;
use std::sync::Arc;

use conduct_image::{DockerArchive, DockerChoice, Export, Files, Layout, TarIndex};

use crate::workshop::{Workshop, contents, have, write_out};

/// Two layers over nothing: busybox and some files, then changes to them.
fn umoci_image(workshop: &Workshop) {
    let umoci = |arguments: &[&str]| workshop.run("umoci", arguments);
    umoci(&["init", "--layout", "img"]);
    umoci(&["new", "--image", "img:4.2"]);
    umoci(&["unpack", "--rootless", "--image", "img:4.2", "b1"]);
    let write = |path: &str, text: &str| workshop.write(path, text.as_bytes());
    fs::create_dir_all(workshop.path("b1/rootfs/bin")).expect("a folder");
    fs::copy("/bin/busybox", workshop.path("b1/rootfs/bin/busybox")).expect("busybox-static");
    std::os::unix::fs::symlink("busybox", workshop.path("b1/rootfs/bin/sh")).expect("link");
    write("b1/rootfs/etc/motd", "first");
    write("b1/rootfs/etc/gone", "x");
    write("b1/rootfs/var/old/deep/file", "x");
    fs::hard_link(
        workshop.path("b1/rootfs/etc/motd"),
        workshop.path("b1/rootfs/motd"),
    )
    .expect("link");
    umoci(&["repack", "--image", "img:4.2", "b1"]);
    umoci(&["unpack", "--rootless", "--image", "img:4.2", "b2"]);
    fs::remove_file(workshop.path("b2/rootfs/etc/gone")).expect("remove");
    fs::remove_dir_all(workshop.path("b2/rootfs/var/old")).expect("remove");
    write("b2/rootfs/var/old", "now a file");
    write("b2/rootfs/etc/motd", "second");
    umoci(&["repack", "--image", "img:4.2", "b2"]);
    umoci(&[
        "config",
        "--image",
        "img:4.2",
        "--config.exposedports",
        "7100/tcp",
        "--config.volume",
        "/data",
        "--config.label",
        "org.example.team=feeds",
        "--config.cmd",
        "/bin/sh",
    ]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_real_image_unpacks_to_what_another_tool_unpacks_it_to() {
    use conduct_image::unpack::{Options, unpack_layers};
    if !have("umoci", "umoci") || !have("busybox", "busybox-static") {
        return;
    }
    let workshop = Workshop::new();
    umoci_image(&workshop);
    let layout = Layout::open(Files::folder(workshop.path("img"))).expect("a layout");
    let image = layout.resolve(None, None).expect("whole");
    assert_eq!(image.manifest.layers.len(), 2);
    let layers = image.layers().expect("sha256");
    unpack_layers(&layers, &workshop.path("ours"), &Options::default()).expect("sound");
    workshop.run(
        "umoci",
        &["unpack", "--rootless", "--image", "img:4.2", "theirs"],
    );
    let ours = contents(&workshop.path("ours"));
    assert_eq!(ours, contents(&workshop.path("theirs/rootfs")));
    assert!(ours.contains_key("bin/busybox") && !ours.contains_key("etc/gone"));
}

#[test]
fn a_docker_archive_becomes_a_layout_that_other_tools_read() {
    if !have("umoci", "umoci") || !have("skopeo", "skopeo") || !have("busybox", "busybox-static") {
        return;
    }
    let workshop = Workshop::new();
    umoci_image(&workshop);
    workshop.run(
        "skopeo",
        &[
            "copy",
            "-q",
            "oci:img:4.2",
            "docker-archive:d.tar:team/feed:4.2",
        ],
    );
    let index = Arc::new(TarIndex::read(&workshop.path("d.tar")).expect("a tar"));
    let archive = DockerArchive::open(Files::tar(index, "")).expect("an archive");
    let mut passed = 0;
    let choice = DockerChoice {
        name: Some("feed"),
        ..DockerChoice::default()
    };
    let export = Export::of_docker(&archive, &choice, &mut |bytes| passed += bytes).expect("sound");
    assert!(
        passed > 1_000_000,
        "busybox alone is larger than {passed} bytes"
    );
    write_out(&export, &workshop.path("out"));

    workshop.run(
        "umoci",
        &["unpack", "--rootless", "--image", "img:4.2", "before"],
    );
    workshop.run(
        "umoci",
        &["unpack", "--rootless", "--image", "out:4.2", "after"],
    );
    let before = contents(&workshop.path("before/rootfs"));
    assert_eq!(contents(&workshop.path("after/rootfs")), before);
    let told: serde_json::Value =
        serde_json::from_str(&workshop.run("skopeo", &["inspect", "oci:out:4.2"])).expect("JSON");
    assert_eq!(told["Labels"]["org.example.team"], "feeds");
}
