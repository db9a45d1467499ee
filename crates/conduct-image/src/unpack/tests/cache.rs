//! Whole or not at all.

use std::fs;

use super::super::{Options, SpecialBits, clean_cache, unpack_cached};
use super::{World, listing};
use crate::ImageError;

#[test]
fn the_same_layers_are_unpacked_once_also_by_many_at_a_time() {
    let world = World::new();
    let layers = [world.layer(|tar| {
        for number in 0..200 {
            tar.file(&format!("f{number}"), "x");
        }
    })];
    let unpack = || unpack_cached(&layers, &world.path("cache"), &Options::default());
    let folders: Vec<_> = std::thread::scope(|threads| {
        let all: Vec<_> = (0..4).map(|_| threads.spawn(unpack)).collect();
        all.into_iter()
            .map(|one| one.join().expect("no panic").expect("sound"))
            .collect()
    });
    assert!(folders.iter().all(|folder| *folder == folders[0]));
    assert_eq!(listing(&folders[0]).len(), 200);
    assert_eq!(
        fs::read_dir(world.path("cache")).expect("a folder").count(),
        1
    );

    let keep = Options {
        special_bits: SpecialBits::Keep,
        ..Options::default()
    };
    let other = unpack_cached(&layers, &world.path("cache"), &keep).expect("sound");
    assert_ne!(other, folders[0], "other options, other result");
}

#[test]
fn a_damaged_layer_is_told_by_its_digest_and_leaves_nothing() {
    let world = World::new();
    let layer = world.layer(|tar| {
        tar.file("good", "x").file("bad", "x");
    });
    let path = world.path(layer.name());
    let mut bytes = fs::read(&path).expect("the blob");
    // In the content of a file, in a header, and behind the end of the tar.
    for at in [512, 1024 + 150, bytes.len() - 1] {
        bytes[at] ^= 1;
        fs::write(&path, &bytes).expect("write");
        let error = unpack_cached(
            std::slice::from_ref(&layer),
            &world.path("cache"),
            &Options::default(),
        );
        assert!(
            matches!(error, Err(ImageError::Digest { .. })),
            "{at}: {error:?}"
        );
        assert!(listing(&world.path("cache")).is_empty());
        bytes[at] ^= 1;
    }
}

#[test]
fn what_the_killed_left_behind_is_cleaned_up() {
    let world = World::new();
    fs::create_dir_all(world.path("cache/.unpacking-x1/rootfs")).expect("a folder");
    fs::create_dir_all(world.path("cache/finished")).expect("a folder");
    clean_cache(&world.path("cache")).expect("clean");
    assert_eq!(listing(&world.path("cache")), ["finished/"]);
    clean_cache(&world.path("never")).expect("nothing to do");
}
