//! Images from real tools, made on the spot.

use std::fs;

use conduct_model::Digest;
use serde_json::{Value, json};

use crate::world::{World, conf_of, have, paths, said};

/// Whether the tools for images are there.
fn tools() -> bool {
    let all = [
        ("umoci", "umoci"),
        ("skopeo", "skopeo"),
        ("busybox", "busybox-static"),
    ];
    all.iter().all(|(tool, package)| have(tool, package))
}

/// A folder with the layout `img`, tagged 4.2, and the docker archive `feed.tar` of it.
fn world() -> World {
    let world = World::new();
    let made = world.shell(
        "set -e
         umoci init --layout img
         umoci new --image img:4.2
         umoci unpack --rootless --image img:4.2 b
         mkdir -p b/rootfs/bin b/rootfs/data
         cp \"$(command -v busybox)\" b/rootfs/bin/busybox
         ln -s busybox b/rootfs/bin/sh
         umoci repack --image img:4.2 b
         umoci config --image img:4.2 --config.exposedports 7100/tcp --config.exposedports 53/udp \
             --config.volume /var/lib/feed --config.label org.example.team=feeds \
             --config.cmd /bin/sh --created 2020-02-02T02:02:02Z
         skopeo copy -q oci:img:4.2 docker-archive:feed.tar:registry:5000/team/feed:4.2",
    );
    assert_eq!(made.code, 0, "{}", made.stderr);
    world
}

#[test]
fn an_image_becomes_a_bundle_that_says_what_the_image_says() {
    if !tools() {
        return;
    }
    let world = world();
    let made = world.made(&["feed.tar"]);
    let conf = conf_of(made.clone());
    let expected = [
        ("name", "\"feed\""),
        ("tags", "[\"4.2\"]"),
        ("annotations.org.example.team", "\"feeds\""),
        (
            "annotations.com.lightbend.conductr.oci-image-tags.feed",
            "\"4.2\"",
        ),
        ("components.feed.file-system-type", "\"oci-image\""),
        ("components.feed.start-command", "[]"),
        (
            "components.feed.volumes",
            "{\"volume-var-lib-feed\":\"/var/lib/feed\"}",
        ),
        (
            "components.feed.endpoints.feed-udp-53",
            r#"{"bind-protocol":"udp","bind-port":53,"service-name":"feed-udp-53"}"#,
        ),
        (
            "components.bundle-status.start-command",
            r#"["check","--any-address","$FEED_UDP_53_HOST?retry-delay=10&retry-count=6","$FEED_TCP_7100_HOST?retry-delay=10&retry-count=6"]"#,
        ),
        ("systemVersion", "\"0\""),
        ("memory", "402653184"),
    ];
    for (key, value) in expected {
        assert_eq!(said(&conf, key), value, "{key}");
    }
    let names = paths(made);
    assert_eq!(names[0], "feed/bundle.conf");
    assert!(
        names.contains(&"feed/feed/oci-layout".to_owned()),
        "{names:?}"
    );
    assert!(
        names.contains(&"feed/feed/refs/4.2".to_owned()),
        "{names:?}"
    );
}

#[test]
fn however_an_image_was_saved_its_bundle_is_the_same() {
    if !tools() {
        return;
    }
    let world = world();
    let made = world.made(&["feed.tar"]);
    world.write("feed.zip", &made);
    unpack_as_current_engines_save(&world);
    let ran = world.shell(
        "set -e
         mkdir unpacked && tar xf feed.tar -C unpacked
         tar cf new.tar -C new blobs index.json manifest.json oci-layout
         tar cf inside.tar unpacked
         cat feed.tar | bndl > b.zip && cmp b.zip feed.zip
         for source in unpacked new new.tar inside.tar; do bndl $source | cmp - feed.zip; done
         gzip < new.tar | bndl | cmp - feed.zip
         bndl -f docker new.tar | cmp - feed.zip
         bndl feed.zip | cmp - feed.zip",
    );
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
}

/// What `docker save` writes today: an image layout with a `manifest.json` beside it.
fn unpack_as_current_engines_save(world: &World) {
    let list = world.shell("tar xOf feed.tar manifest.json").stdout;
    let list: Value = serde_json::from_slice(&list).expect("JSON");
    let blob = |name: &Value| {
        let name = name.as_str().expect("a name");
        let bytes = world.shell(&format!("tar xOf feed.tar {name}")).stdout;
        let path = format!("blobs/sha256/{}", Digest::of(&bytes));
        world.write(&format!("new/{path}"), bytes);
        Value::from(path)
    };
    let layers = list[0]["Layers"]
        .as_array()
        .expect("a list")
        .iter()
        .map(blob)
        .collect::<Vec<_>>();
    let manifest = json!([{
        "Config": blob(&list[0]["Config"]),
        "RepoTags": list[0]["RepoTags"],
        "Layers": layers,
    }]);
    world.write("new/manifest.json", manifest.to_string());
    world.write("new/oci-layout", r#"{"imageLayoutVersion": "1.0.0"}"#);
    world.write("new/index.json", r#"{"schemaVersion": 2, "manifests": []}"#);
}

#[test]
fn a_layout_is_the_same_bundle_as_folder_and_as_tar() {
    if !tools() {
        return;
    }
    let world = world();
    let made = world.made(&["img"]);
    world.write("img.zip", &made);
    let conf = conf_of(made.clone());
    assert_eq!(said(&conf, "name"), "\"bundle\"");
    assert_eq!(
        said(
            &conf,
            "annotations.com.lightbend.conductr.oci-image-tags.component"
        ),
        "\"4.2\""
    );
    assert!(paths(made).contains(&"bundle/component/refs/4.2".to_owned()));
    let ran = world.shell(
        "set -e
         tar cf img.tar img && tar cf flat.tar -C img .
         for source in img.tar flat.tar; do bndl $source | cmp - img.zip; done
         cat img.tar | bndl | cmp - img.zip
         bndl img --name feed | bndl inspect - | head -n 1",
    );
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert!(ran.text().starts_with("feed  bundle"), "{ran:?}");
    // Layouts of today have no folder of tags, those of old no index.
    let manifest: Value = serde_json::from_slice(&world.read("img/index.json")).expect("JSON");
    world.write("img/refs/4.2", manifest["manifests"][0].to_string());
    fs::remove_file(world.path("img/index.json")).expect("remove");
    assert!(world.made(&["img"]) == world.read("img.zip"));
}

#[test]
fn other_tools_find_the_same_files_in_the_image_of_a_bundle() {
    if !tools() {
        return;
    }
    let world = world();
    for (source, image) in [("feed.tar", "feed/feed"), ("img", "bundle/component")] {
        let ran = world.shell(&format!(
            "set -e
             rm -rf out && mkdir out && bndl --no-shazar {source} | tar x -C out
             umoci unpack --rootless --image out/{image}:4.2 theirs-{source}
             skopeo inspect oci:out/{image}:4.2 > told.json
             cmp b/rootfs/bin/busybox theirs-{source}/rootfs/bin/busybox
             readlink theirs-{source}/rootfs/bin/sh",
        ));
        assert_eq!((ran.code, ran.text()), (0, "busybox\n"), "{ran:?}");
        let told: Value = serde_json::from_slice(&world.read("told.json")).expect("JSON");
        assert_eq!(told["Labels"]["org.example.team"], "feeds");
    }
}

#[test]
fn flags_take_the_place_of_what_the_image_says() {
    if !tools() {
        return;
    }
    let world = world();
    let conf = world.conf(&[
        "feed.tar",
        "--endpoint",
        "web",
        "--bind-port",
        "80",
        "--tag",
        "x",
    ]);
    let command = said(&conf, "components.bundle-status.start-command");
    assert!(
        command.contains("$WEB_HOST?") && !command.contains("FEED"),
        "{command}"
    );
    assert_eq!(said(&conf, "tags"), "[\"x\"]");
    let conf = world.conf(&["feed.tar", "--no-default-endpoints", "--no-default-volumes"]);
    assert_eq!(said(&conf, "components.feed.endpoints"), "{}");
    assert_eq!(said(&conf, "components.feed.volumes"), "nothing");
    assert_eq!(said(&conf, "components.bundle-status"), "nothing");
    let conf = world.conf(&[
        "feed.tar",
        "--check",
        "$NEWS_TCP_7100_HOST",
        "--name",
        "news",
    ]);
    assert_eq!(
        said(&conf, "components.bundle-status.start-command"),
        r#"["check","$NEWS_TCP_7100_HOST"]"#
    );
    assert_eq!(
        said(&conf, "components.news.file-system-type"),
        "\"oci-image\""
    );
}

#[test]
fn the_wrong_image_is_refused_with_those_there_are() {
    if !tools() {
        return;
    }
    let world = world();
    world
        .bndl(&["feed.tar", "--image-tag", "5"])
        .failed(3, "only registry:5000/team/feed:4.2");
    world
        .bndl(&["feed.tar", "--image-name", "food"])
        .failed(3, "no image food:*");
    world
        .bndl(&["img", "--image-tag", "5"])
        .failed(2, "the image has no tag 5, only 4.2");
    world
        .bndl(&["-f", "docker", "img"])
        .failed(3, "img is no docker image");
    world
        .bndl(&["img", "--platform", "windows/amd64"])
        .failed(2, "not made for windows/amd64");
    assert_eq!(
        world
            .bndl(&[
                "feed.tar",
                "--image-name",
                "team/feed",
                "--image-tag",
                "4.2"
            ])
            .code,
        0
    );
}

#[test]
fn a_damaged_image_is_refused_by_the_name_of_the_blob() {
    if !tools() {
        return;
    }
    let world = world();
    let damage = world.shell(
        "set -e
         mkdir d && tar xf feed.tar -C d && chmod -R u+w d
         printf x | dd of=$(ls d/*.tar) bs=1 seek=5000 conv=notrunc 2>/dev/null
         layer=$(ls -S img/blobs/sha256/* | head -n 1)
         printf x | dd of=$layer bs=1 seek=5000 conv=notrunc 2>/dev/null",
    );
    assert_eq!(damage.code, 0, "{}", damage.stderr);
    world
        .bndl(&["d"])
        .failed(1, "is damaged: its contents hash to");
    let ran = world.bndl(&["img", "-o", "x.zip"]);
    ran.failed(1, "is damaged: its contents hash to");
    assert!(!world.path("x.zip").exists());
}

#[test]
fn of_several_platforms_this_machine_s_is_taken_and_told() {
    if !tools() {
        return;
    }
    let world = world();
    let index: Value = serde_json::from_slice(&world.read("img/index.json")).expect("JSON");
    let image = &index["manifests"][0];
    let config = world.shell("skopeo inspect --config oci:img:4.2").stdout;
    let config: Value = serde_json::from_slice(&config).expect("JSON");
    let on = |architecture: &str| {
        json!({
            "mediaType": image["mediaType"], "digest": image["digest"], "size": image["size"],
            "platform": { "os": "linux", "architecture": architecture },
        })
    };
    let here = config["architecture"].as_str().expect("an architecture");
    let media_type = "application/vnd.oci.image.index.v1+json";
    let list = json!({ "schemaVersion": 2, "manifests": [on("s390x"), on(here)] }).to_string();
    let digest = Digest::of(list.as_bytes());
    world.write(&format!("img/blobs/sha256/{digest}"), &list);
    let entry = json!({
        "mediaType": media_type,
        "digest": format!("sha256:{digest}"),
        "size": list.len(),
        "annotations": image["annotations"],
    });
    let before = world.made(&["img"]);
    world.write(
        "img/index.json",
        json!({ "schemaVersion": 2, "manifests": [entry] }).to_string(),
    );
    let ran = world.bndl(&["img"]);
    let told = format!("the image is made for linux/s390x, linux/{here}: took linux/{here}\n");
    assert_eq!((ran.code, ran.stderr), (0, told));
    assert!(ran.stdout == before, "the list itself does not come along");
    assert!(world.made(&["img", "--platform", &format!("linux/{here}")]) == before);
}
