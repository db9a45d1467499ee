//! Layers that are too much.

use std::io::{Read, repeat};
use std::time::{Duration, Instant};

use super::super::{Limits, Options, unpack_cached};
use super::{World, listing};
use crate::ImageError;

fn within(limits: Limits) -> Options {
    Options {
        limits,
        ..Options::default()
    }
}

fn too_large(error: ImageError) -> String {
    match error {
        ImageError::TooLarge { what, max } => format!("{what}: {max}"),
        other => panic!("refused for another reason: {other:?}"),
    }
}

#[test]
fn bytes_and_entries_are_counted_over_all_layers() {
    let world = World::new();
    let layer = |name: &str| {
        world.layer(|tar| {
            tar.file(name, &"x".repeat(600));
        })
    };
    let both = [layer("a"), layer("b")];
    let limits = Limits {
        bytes_max: 1000,
        ..Limits::default()
    };
    let error = world
        .unpack_as(&both, &within(limits))
        .expect_err("1,200 bytes");
    assert_eq!(too_large(error), "the unpacked image: 1000 bytes");
    let limits = Limits {
        entries_max: 1,
        ..Limits::default()
    };
    let error = world
        .unpack_as(&both, &within(limits))
        .expect_err("two entries");
    assert_eq!(too_large(error), "the image: 1 entries");
}

#[test]
fn links_cannot_stack_folders_deeper_than_names_may_say() {
    let world = World::new();
    let layer = world.layer(|tar| {
        tar.folder("0/1/2/3");
        for round in 0..20 {
            let (link, target) = (format!("l{round}"), format!("l{}/1/2/3", round - 1));
            tar.link(&link, if round == 0 { "0/1/2/3" } else { &target });
            tar.folder(&format!("{link}/1/2/3"));
        }
    });
    let limits = Limits {
        depth_max: 32,
        ..Limits::default()
    };
    world
        .unpack_as(&[layer], &within(limits))
        .expect_err("80 folders deep");
    let deepest = world
        .rootfs()
        .iter()
        .map(|name| name.matches('/').count())
        .max();
    assert!(deepest <= Some(33), "{deepest:?}");
}

/// More than a layer may unpack to for nothing.
const BOMB_BYTES: u64 = Limits::RATIO_FROM_BYTES + (32 << 20);

#[test]
fn a_bomb_is_stopped_soon_and_leaves_nothing() {
    let world = World::new();
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(
        Vec::new(),
        flate2::Compression::default(),
    ));
    let mut header = tar::Header::new_gnu();
    header.set_size(BOMB_BYTES);
    header.set_cksum();
    tar.append_data(&mut header, "zeros", repeat(0).take(BOMB_BYTES))
        .expect("in memory");
    let bomb = world.blob(
        &tar.into_inner()
            .expect("in memory")
            .finish()
            .expect("in memory"),
    );

    let began = Instant::now();
    let error = unpack_cached(&[bomb], &world.path("cache"), &Options::default());
    assert_eq!(
        too_large(error.expect_err("1,000 : 1")),
        "what a layer unpacks to: 200 times its size"
    );
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    assert!(listing(&world.path("cache")).is_empty());
}

#[test]
fn a_file_of_holes_counts_with_its_holes() {
    let world = World::new();
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name[..5].copy_from_slice(b"holes");
    header.set_entry_type(tar::EntryType::GNUSparse);
    header.set_size(0);
    header.set_mode(0o644);
    let sparse = header.as_gnu_mut().expect("a GNU header");
    // One empty piece at the end of 64 GiB of nothing.
    sparse.realsize[..12].copy_from_slice(b"\x80\0\0\0\0\0\0\x10\0\0\0\0");
    sparse.sparse[0].offset[..12].copy_from_slice(b"\x80\0\0\0\0\0\0\x10\0\0\0\0");
    sparse.sparse[0].numbytes[..12].copy_from_slice(b"00000000000\0");
    header.set_cksum();
    let layer = world.layer(|tar| tar.0.append(&header, &b""[..]).expect("in memory"));
    let limits = Limits {
        bytes_max: 1 << 20,
        ..Limits::default()
    };
    let error = world
        .unpack_as(&[layer], &within(limits))
        .expect_err("64 GiB of holes");
    assert_eq!(too_large(error), "the unpacked image: 1048576 bytes");
}
