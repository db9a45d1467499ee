//! Layers that want out.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::{Devices, Options, open_in_root, unpack_layers};
use super::{World, listing};
use crate::ImageError;

fn refusal(error: &ImageError) -> (&str, &str) {
    match error {
        ImageError::Refused { entry, why } => (entry, why),
        other => panic!("refused for another reason: {other:?}"),
    }
}

#[test]
fn a_name_that_leads_upwards_is_refused_and_told() {
    for name in [
        "../outside/x",
        "a/../../outside/x",
        "..",
        "a/..",
        "/../outside/x",
    ] {
        let world = World::new();
        let layer = world.layer(|tar| {
            tar.file(name, "x");
        });
        let error = world.unpack(&[layer]).expect_err(name);
        assert_eq!(refusal(&error), (name, "its name leads upwards"));
        assert!(world.rootfs().is_empty());
    }
}

#[test]
fn writing_through_a_link_stays_inside() {
    let world = World::new();
    let outside = world.outside();
    let layer = world.layer(|tar| {
        tar.link("absolute", &outside)
            .file("absolute/victim", "dead")
            .file("absolute/new", "x");
        tar.link("upwards", "../../../outside")
            .file("upwards/victim", "dead");
        tar.link("self", "/proc/self/root").file("self/tmp/x", "x");
    });
    world.unpack(&[layer]).expect("harmless inside of its root");
    assert_eq!(world.read("outside/victim"), "dead");
    assert_eq!(world.read(&format!("{}/new", &outside[1..])), "x");
    assert_eq!(
        world.read("proc/self/root/tmp/x"),
        "x",
        "inside, proc is a folder like any other"
    );
}

#[test]
fn a_file_over_a_link_takes_its_place_and_does_not_go_through() {
    let world = World::new();
    let victim = world.path("outside/victim").display().to_string();
    let layer = world.layer(|tar| {
        tar.link("file", &victim).file("file", "x");
    });
    world.unpack(&[layer]).expect("harmless");
    assert_eq!(world.rootfs(), ["file"]);
}

#[test]
fn a_hard_link_reaches_nothing_outside() {
    let victim = |world: &World| world.path("outside/victim").display().to_string();
    for upwards in ["../outside/victim", "/../outside/victim"] {
        let world = World::new();
        let layer = world.layer(|tar| {
            tar.hard_link("h", upwards);
        });
        world.unpack(&[layer]).expect_err(upwards);
    }
    let world = World::new();
    let (outside, target) = (world.outside(), victim(&world));
    let direct = world.layer(|tar| {
        tar.hard_link("h", &target);
    });
    let error = world
        .unpack(&[direct])
        .expect_err("there is no such file inside");
    assert_eq!(refusal(&error).0, "h");
    let through = world.layer(|tar| {
        tar.link("l", &outside)
            .hard_link("h", "l/victim")
            .file("h", "dead");
    });
    world
        .unpack(&[through])
        .expect_err("there is no such file inside");
}

#[test]
fn a_whiteout_removes_nothing_outside() {
    let world = World::new();
    let outside = world.outside();
    let layer = world.layer(|tar| {
        tar.link("l", &outside)
            .file("l/.wh.victim", "")
            .file("l/.wh..wh..opq", "");
        tar.link("gone", &outside).file(".wh.gone", "");
    });
    world
        .unpack(&[layer])
        .expect("there is nothing to hide inside");
    for name in [".wh..", ".wh...", "a/.wh...", ".wh."] {
        let world = World::new();
        let lower = world.layer(|tar| {
            tar.file("a/keep", "x");
        });
        let upper = world.layer(|tar| {
            tar.file(name, "");
        });
        let error = world.unpack(&[lower, upper]).expect_err(name);
        assert_eq!(refusal(&error).0, name);
        assert_eq!(world.rootfs(), ["a/", "a/keep"]);
    }
}

#[test]
fn links_that_change_while_a_layer_is_unpacked_lead_nowhere_else() {
    let world = World::new();
    let layer = world.layer(|tar| {
        for number in 0..3000 {
            tar.file(&format!("d/f{number}"), "x");
        }
    });
    let (root, done) = (world.path("rootfs"), AtomicBool::new(false));
    fs::create_dir_all(root.join("d")).expect("a folder");
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let (folder, aside) = (root.join("d"), root.join("aside"));
            let up = Path::new("../../outside");
            while !done.load(Ordering::Relaxed) {
                // Any of these may find that the other side was faster; that is the point.
                let _ = fs::rename(&folder, &aside);
                let _ = symlink(world.path("outside"), &folder);
                let _ = fs::remove_file(&folder);
                let _ = symlink(up, &folder);
                let _ = fs::remove_file(&folder);
                let _ = fs::rename(&aside, &folder);
            }
        });
        for _ in 0..3 {
            // Whether it succeeds depends on who was where; where it wrote does not.
            let _ = unpack_layers(std::slice::from_ref(&layer), &root, &Options::default());
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(listing(&world.path("outside")), ["victim"]);
}

#[test]
fn devices_and_pipes_are_left_out_or_refused() {
    let world = World::new();
    let layer = world.layer(|tar| {
        tar.entry("dev/sda", tar::EntryType::Block, 0o666, "", b"");
        tar.entry("dev/null", tar::EntryType::Char, 0o666, "", b"");
        tar.entry("pipe", tar::EntryType::Fifo, 0o666, "", b"")
            .file("file", "x");
    });
    let unpacked = world
        .unpack(std::slice::from_ref(&layer))
        .expect("without them it is sound");
    assert_eq!(world.rootfs(), ["file"]);
    assert_eq!(unpacked.skipped, 3);
    let strict = Options {
        devices: Devices::Refuse,
        ..Options::default()
    };
    let error = world.unpack_as(&[layer], &strict).expect_err("asked for");
    assert_eq!(refusal(&error).0, "dev/sda");
}

#[test]
fn a_file_is_opened_as_the_container_would_see_it() {
    let world = World::new();
    let layer = world.layer(|tar| {
        tar.file("real/passwd", "root:x:0:0")
            .link("etc", "/real")
            .link("up", "../../../etc/hostname");
        tar.folder("folder");
    });
    world.unpack(&[layer]).expect("a sound layer");
    let open = |path: &str| open_in_root(&world.path("rootfs"), Path::new(path));
    let text = std::io::read_to_string(open("/etc/passwd").expect("inside")).expect("text");
    assert_eq!(text, "root:x:0:0");
    assert!(open("up").is_err(), "there is no etc/hostname inside");
    assert!(open("folder").is_err() && open("../outside/victim").is_err());
}
