//! Layouts and archives made by hand: several platforms, odd tags, damage.

use std::sync::Arc;

use conduct_image::{
    DockerArchive, DockerChoice, Export, Files, ImageError, Layout, Platform, TarIndex,
};
use conduct_model::Digest;
use serde_json::{Value, json};

use crate::workshop::{Workshop, config, tar_of, write_out};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

fn layout(workshop: &Workshop) -> Layout {
    Layout::open(Files::folder(workshop.path("img"))).expect("a layout")
}

fn frame(workshop: &Workshop, manifests: &[Value]) {
    workshop.write("img/oci-layout", br#"{"imageLayoutVersion": "1.0.0"}"#);
    let index = json!({ "schemaVersion": 2, "manifests": manifests });
    workshop.write("img/index.json", index.to_string().as_bytes());
}

fn on(mut image: Value, platform: &str) -> Value {
    let platform: Platform = platform.parse().expect("a platform");
    image["platform"] = json!(platform);
    image
}

fn tagged(mut image: Value, name: &str) -> Value {
    image["annotations"] = json!({ "org.opencontainers.image.ref.name": name });
    image
}

/// A list with an image for each platform, an attestation among them as `docker buildx` adds it.
fn list(workshop: &Workshop, platforms: &[&str]) -> Value {
    let mut images: Vec<Value> = platforms
        .iter()
        .map(|name| on(workshop.image("img", &name.replace('/', "-")), name))
        .collect();
    images.insert(0, on(workshop.image("img", "none"), "unknown/unknown"));
    let list = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": images });
    workshop.blob("img", INDEX, list.to_string().as_bytes())
}

#[test]
fn of_an_image_for_several_platforms_the_one_for_this_machine_is_taken() {
    let workshop = Workshop::new();
    let here = Platform::here().to_string();
    let list = list(&workshop, &["linux/s390x", &here, "linux/arm/v7"]);
    frame(&workshop, &[tagged(list, "4.2")]);
    let image = layout(&workshop)
        .resolve(None, None)
        .expect("made for this machine");
    assert_eq!(image.tag, "4.2");
    assert_eq!(image.config.architecture, here.replace('/', "-"));
    assert_eq!(image.platforms, ["linux/s390x", &here, "linux/arm/v7"]);
}

#[test]
fn a_platform_that_is_asked_for_is_taken_or_refused_with_those_there_are() {
    let workshop = Workshop::new();
    let list = list(&workshop, &["linux/amd64", "linux/arm/v6", "linux/arm/v7"]);
    frame(&workshop, &[list]);
    let layout = layout(&workshop);
    let resolve = |platform: &str| {
        layout
            .resolve(None, Some(&platform.parse().expect("a platform")))
            .map(|i| i.config.architecture)
    };
    assert!(resolve("linux/arm").is_ok_and(|is| is == "linux-arm-v7"));
    let error = resolve("windows/amd64")
        .expect_err("not made for it")
        .to_string();
    let expected = "the image is not made for windows/amd64, \
                    only for linux/amd64, linux/arm/v6, linux/arm/v7";
    assert_eq!(error, expected);
}

#[test]
fn tags_come_from_refs_and_from_the_index_and_may_be_whole_names() {
    let workshop = Workshop::new();
    let image = |name: &str| workshop.image("img", name);
    frame(
        &workshop,
        &[
            tagged(image("one"), "1.0"),
            tagged(image("two"), "docker.io/team/feed:2.0"),
            tagged(image("bad"), "docker.io/team/feed:../../etc"),
            image("three"),
        ],
    );
    workshop.write("img/refs/old", image("four").to_string().as_bytes());
    let layout = layout(&workshop);
    let architecture = |tag: Option<&str>| {
        layout
            .resolve(tag, None)
            .expect("there")
            .config
            .architecture
    };
    assert_eq!(architecture(Some("2.0")), "two");
    assert_eq!(architecture(Some("old")), "four");
    assert_eq!(architecture(None), "one", "the first of the sorted tags");
    let error = layout.resolve(Some("3.0"), None).expect_err("no such tag");
    assert_eq!(
        error.to_string(),
        "the image has no tag 3.0, only 1.0, 2.0, latest, old"
    );
}

#[test]
fn a_damaged_or_missing_blob_is_named() {
    let workshop = Workshop::new();
    let image = workshop.image("img", "amd64");
    frame(&workshop, std::slice::from_ref(&image));
    let layer = layout(&workshop)
        .resolve(None, None)
        .expect("sound")
        .manifest
        .layers[0]
        .clone();
    let path = layer.blob().expect("sha256");
    std::fs::remove_file(workshop.path(&format!("img/{path}"))).expect("remove");
    let error = layout(&workshop).resolve(None, None).expect_err("no layer");
    assert_eq!(error.to_string(), format!("the image has no file {path}"));

    let manifest = image["digest"].as_str().expect("text").replace(':', "/");
    workshop.write(&format!("img/blobs/{manifest}"), b"{}");
    let error = layout(&workshop)
        .resolve(None, None)
        .expect_err("another manifest");
    assert!(matches!(error, ImageError::Digest { .. }), "{error:?}");
}

#[test]
fn an_exported_layout_holds_one_image_and_reads_back_with_and_without_refs() {
    let workshop = Workshop::new();
    let here = Platform::here().to_string();
    let list = list(&workshop, &["linux/s390x", &here]);
    frame(
        &workshop,
        &[
            tagged(list, "4.2"),
            tagged(workshop.image("img", "other"), "5"),
        ],
    );
    let image = layout(&workshop).resolve(Some("4.2"), None).expect("there");
    let export = Export::of_layout(&image).expect("sound");
    assert_eq!(export.image.others, ["5"]);
    let paths: Vec<&str> = export.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(
        paths.len(),
        6,
        "two lists of tags, the version, three blobs: {paths:?}"
    );
    write_out(&export, &workshop.path("out"));
    for forget in ["index.json", "refs"] {
        let whole = workshop.path("out").join(forget);
        std::fs::rename(&whole, workshop.path("aside")).expect("rename");
        let layout = Layout::open(Files::folder(workshop.path("out"))).expect("a layout");
        let again = layout.resolve(Some("4.2"), None).expect("there");
        assert_eq!(again.descriptor.digest, image.descriptor.digest);
        std::fs::rename(workshop.path("aside"), whole).expect("rename");
    }
}

/// The same image, as four generations of tools save it.
fn docker_archives(workshop: &Workshop) -> Vec<DockerArchive> {
    let tar = tar_of(&[("hello", "world")]);
    let config = config("amd64", &tar).to_string();
    let (image, layer) = (Digest::of(config.as_bytes()), Digest::of(&tar));
    let item = |config: &str, layer: &str| {
        json!([{ "Config": config, "RepoTags": ["localhost:5000/team/feed:4.2"], "Layers": [layer] }])
            .to_string()
    };
    let plain = format!("{image}.json");
    let generation = |folder: &str, config_file: &str, layer_file: &str, layer: &[u8]| {
        workshop.write(&format!("{folder}/{config_file}"), config.as_bytes());
        workshop.write(&format!("{folder}/{layer_file}"), layer);
        workshop.write(
            &format!("{folder}/manifest.json"),
            item(config_file, layer_file).as_bytes(),
        );
    };
    generation("old", &plain, "abc/layer.tar", &tar);
    generation("skopeo", &plain, &format!("{layer}.tar"), &tar);
    let (config_blob, layer_blob) = (
        format!("blobs/sha256/{image}"),
        format!("blobs/sha256/{layer}"),
    );
    generation("new", &config_blob, &layer_blob, &tar);
    let zstd = zstd_frame(&tar);
    generation(
        "zstd",
        &config_blob,
        &format!("blobs/sha256/{}", Digest::of(&zstd)),
        &zstd,
    );
    // One of them behind a link, as old engines write equal layers, and inside of a tar.
    workshop.write("old/def/VERSION", b"1.0");
    std::os::unix::fs::symlink("../abc/layer.tar", workshop.path("old/def/layer.tar"))
        .expect("link");
    workshop.write(
        "old/manifest.json",
        item(&plain, "def/layer.tar").as_bytes(),
    );
    workshop.tar("old", "old.tar", &["abc", "def", &plain, "manifest.json"]);
    let index = Arc::new(TarIndex::read(&workshop.path("old.tar")).expect("a tar"));
    let folders = ["old", "skopeo", "new", "zstd"].map(|name| Files::folder(workshop.path(name)));
    let all = folders.into_iter().chain([Files::tar(index, "")]);
    all.map(|files| {
        assert!(DockerArchive::is_one(&files));
        DockerArchive::open(files).expect("an archive")
    })
    .collect()
}

/// A zstd frame of raw blocks: the format's way to store, so that no encoder is needed.
fn zstd_frame(content: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0xa0];
    frame.extend(u32::try_from(content.len()).expect("small").to_le_bytes());
    let mut blocks = content.chunks(1 << 16).peekable();
    while let Some(block) = blocks.next() {
        let last = u32::from(blocks.peek().is_none());
        let header = u32::try_from(block.len()).expect("small") << 3 | last;
        frame.extend(&header.to_le_bytes()[..3]);
        frame.extend(block);
    }
    frame
}

#[test]
fn whatever_saved_an_image_the_layout_has_the_same_bytes() {
    let workshop = Workshop::new();
    let mut before: Option<Vec<(String, u64)>> = None;
    for archive in docker_archives(&workshop) {
        let export =
            Export::of_docker(&archive, &DockerChoice::default(), &mut |_| {}).expect("sound");
        assert_eq!(export.image.name.as_deref(), Some("feed"));
        assert_eq!(export.image.tag, "4.2");
        assert_eq!(export.image.annotations["org.example.kind"], "amd64");
        let files: Vec<_> = export
            .files
            .iter()
            .map(|file| (file.path.clone(), file.size))
            .collect();
        assert!(before.as_ref().is_none_or(|before| *before == files));
        before = Some(files);
        let _ = std::fs::remove_dir_all(workshop.path("out"));
        write_out(&export, &workshop.path("out"));
        let layout = Layout::open(Files::folder(workshop.path("out"))).expect("a layout");
        let image = layout.resolve(Some("4.2"), None).expect("whole");
        assert_eq!(image.config.config.cmd, ["/bin/sh"]);
    }
}

#[test]
fn an_image_of_an_archive_is_found_by_name_tag_and_platform_or_refused() {
    let workshop = Workshop::new();
    let archive = docker_archives(&workshop).remove(0);
    let export = |choice: DockerChoice<'_>| Export::of_docker(&archive, &choice, &mut |_| {});
    let named = |name| DockerChoice {
        name: Some(name),
        ..DockerChoice::default()
    };
    for name in ["feed", "team/feed", "localhost:5000/team/feed"] {
        assert!(export(named(name)).is_ok(), "{name}");
    }
    let error = export(named("food"))
        .expect_err("no such image")
        .to_string();
    assert_eq!(
        error,
        "the archive has no image food:*, only localhost:5000/team/feed:4.2"
    );
    let tagged = DockerChoice {
        tag: Some("4.3"),
        ..DockerChoice::default()
    };
    assert!(matches!(export(tagged), Err(ImageError::NoImage { .. })));
    let arm = "linux/arm64".parse().expect("a platform");
    let choice = DockerChoice {
        platform: Some(&arm),
        ..DockerChoice::default()
    };
    assert!(matches!(export(choice), Err(ImageError::NoPlatform { .. })));
}

#[test]
fn a_layer_of_an_archive_that_is_not_the_one_promised_is_refused() {
    let workshop = Workshop::new();
    let archive = docker_archives(&workshop).remove(0);
    workshop.write("old/abc/layer.tar", &tar_of(&[("hello", "w0rld")]));
    let error = Export::of_docker(&archive, &DockerChoice::default(), &mut |_| {});
    assert!(matches!(error, Err(ImageError::Digest { blob, .. }) if blob == "def/layer.tar"));
}
