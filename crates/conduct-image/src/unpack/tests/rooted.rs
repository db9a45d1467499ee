//! All that is needed to run an image.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use serde_json::json;

use super::super::{Wanted, keep_only, owners_from, root_of};
use super::World;
use crate::Platform;

/// Writes an image layout whose one layer is `fill`ed.
fn layout(world: &World, user: &str, fill: impl FnOnce(&mut super::Tar)) {
    let blob = |bytes: &[u8]| {
        let layer = world.blob(bytes);
        json!({ "digest": format!("sha256:{}", layer.digest()), "size": bytes.len() })
    };
    let mut tar = super::Tar::new();
    fill(&mut tar);
    let layer = blob(&tar.bytes());
    let here = Platform::here();
    let config = json!({
        "os": here.os, "architecture": here.architecture, "variant": here.variant,
        "config": { "User": user, "Cmd": ["/bin/web"], "Env": ["A=1"] },
    });
    let config = blob(config.to_string().as_bytes());
    let manifest = json!({ "schemaVersion": 2, "config": config, "layers": [layer] });
    let manifest = blob(manifest.to_string().as_bytes());
    let write = |name: &str, value: serde_json::Value| {
        fs::write(world.path(name), value.to_string()).expect("write");
    };
    write("oci-layout", json!({ "imageLayoutVersion": "1.0.0" }));
    write("index.json", json!({ "manifests": [manifest] }));
}

fn wanted<'a>(folders: &'a [String], files: &'a [&'a str]) -> Wanted<'a> {
    Wanted {
        tag: None,
        owners: owners_from(0, 1),
        folders,
        files,
    }
}

#[test]
fn mount_points_are_made_inside_whatever_links_stand_in_their_way() {
    let world = World::new();
    let outside = world.outside();
    layout(&world, "web:web", |tar| {
        tar.file("etc/passwd", "web:x:7:8::/:\n");
        tar.file("etc/group", "web:x:9:\n");
        tar.link("data", &outside);
        tar.link("etc/hosts", &format!("{outside}/hosts"));
    });
    let folders = ["/proc".to_owned(), "/data/deep".to_owned()];
    let wanted = wanted(&folders, &["/etc/hosts", "/etc/resolv.conf"]);
    let rooted = root_of(&world.path(""), &world.path("cache"), &wanted).expect("sound");
    assert_eq!((rooted.account.user, rooted.account.group), (7, 9));
    assert_eq!(rooted.config.cmd, ["/bin/web"]);
    assert!(rooted.rootfs.join("proc").is_dir());
    assert!(rooted.rootfs.join("etc/resolv.conf").is_file());
    assert!(
        rooted
            .rootfs
            .join(outside.trim_start_matches('/'))
            .join("deep")
            .is_dir()
    );
    assert_eq!(rooted.folders[0].mode, 0o755);
    assert_eq!(
        rooted.folders[0].user,
        fs::metadata(&rooted.rootfs).expect("there").uid()
    );
    let left: Vec<_> = fs::read_dir(world.path("outside"))
        .expect("a folder")
        .collect();
    assert_eq!(left.len(), 1, "nothing outside may change");
}

#[test]
fn images_that_nobody_uses_can_be_thrown_away() {
    let world = World::new();
    layout(&world, "", |tar| {
        tar.file("first", "1");
    });
    let make = || root_of(&world.path(""), &world.path("cache"), &wanted(&[], &[]));
    let first = make().expect("sound").rootfs;
    layout(&world, "", |tar| {
        tar.file("second", "2");
    });
    let second = make().expect("sound").rootfs;
    keep_only(&world.path("cache"), std::slice::from_ref(&second)).expect("it goes");
    assert!(!first.exists() && second.join("second").is_file());
    assert_eq!(
        fs::read_dir(world.path("cache")).expect("a folder").count(),
        1
    );
}

#[test]
fn an_image_for_another_machine_is_refused_by_name() {
    let world = World::new();
    layout(&world, "", |tar| {
        tar.file("x", "1");
    });
    let config = json!({ "os": "linux", "architecture": "s390x" }).to_string();
    let config_layer = world.blob(config.as_bytes());
    let manifest = json!({ "layers": [], "config": {
        "digest": format!("sha256:{}", config_layer.digest()), "size": config.len() } })
    .to_string();
    let manifest_layer = world.blob(manifest.as_bytes());
    let index = json!({ "manifests": [{
        "digest": format!("sha256:{}", manifest_layer.digest()), "size": manifest.len() }] });
    fs::write(world.path("index.json"), index.to_string()).expect("write");
    let why = root_of(&world.path(""), &world.path("cache"), &wanted(&[], &[]));
    let why = why.expect_err("another machine").to_string();
    assert!(why.contains("linux/s390x"), "{why}");
}
