//! What stands after all layers: later over earlier, whiteouts over what is below them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use proptest::prelude::*;

use super::super::{IdRange, Options, Owners, SpecialBits};
use super::{World, gzip};

#[test]
fn layers_lie_over_each_other_whatever_their_compression() {
    let world = World::new();
    let plain = world.layer(|tar| {
        tar.folder("etc")
            .file("etc/motd", "old")
            .file("etc/keep", "kept")
            .link("conf", "etc");
    });
    let bytes = |content: &str| {
        let mut tar = super::Tar::new();
        tar.file("conf/motd", content);
        tar.bytes()
    };
    let zipped = world.blob(&gzip(&bytes("newer")));
    let zstd = zstd::stream::encode_all(&bytes("newest")[..], 3).expect("in memory");
    let zstd = world.blob(&zstd);

    let unpacked = world.unpack(&[plain, zipped, zstd]).expect("sound layers");
    assert_eq!(
        world.rootfs(),
        ["conf -> etc", "etc/", "etc/keep", "etc/motd"]
    );
    assert_eq!(world.read("etc/motd"), "newest");
    assert_eq!((unpacked.entries, unpacked.bytes), (6, 18));
}

#[test]
fn a_whiteout_works_through_a_link_inside_the_image() {
    let world = World::new();
    let lower = world.layer(|tar| {
        tar.file("usr/lib/old.so", "x")
            .file("usr/lib/other.so", "x")
            .link("lib", "usr/lib");
    });
    let upper = world.layer(|tar| {
        tar.file("lib/.wh.old.so", "").file("lib/new.so", "x");
    });
    world.unpack(&[lower, upper]).expect("sound layers");
    let expected = [
        "lib -> usr/lib",
        "usr/",
        "usr/lib/",
        "usr/lib/new.so",
        "usr/lib/other.so",
    ];
    assert_eq!(world.rootfs(), expected);
}

#[test]
fn a_folder_that_became_a_file_may_be_emptied_as_well() {
    let world = World::new();
    let lower = world.layer(|tar| {
        tar.file("var/old/deep/file", "x");
    });
    let upper = world.layer(|tar| {
        tar.file("var/old", "file").file("var/old/.wh.deep", "");
    });
    world.unpack(&[lower, upper]).expect("as umoci writes it");
    assert_eq!(world.rootfs(), ["var/", "var/old"]);

    let under_a_file = world.layer(|tar| {
        tar.file("var/old/new", "x");
    });
    world
        .unpack(&[under_a_file])
        .expect_err("there is a file in the way");
}

#[test]
fn a_folder_that_nobody_may_write_to_is_filled_all_the_same() {
    let world = World::new();
    let layer = world.layer(|tar| {
        tar.entry("ro", tar::EntryType::Directory, 0o555, "", b"")
            .file("ro/file", "x");
        tar.entry("tmp", tar::EntryType::Directory, 0o1777, "", b"");
    });
    world.unpack(&[layer]).expect("a sound layer");
    let looks = |name: &str| fs::metadata(world.path("rootfs").join(name)).expect(name);
    assert_eq!(looks("ro").permissions().mode() & 0o7777, 0o555);
    assert_eq!(looks("tmp").permissions().mode() & 0o7777, 0o1777);
    assert_eq!(
        looks("ro").mtime(),
        1_000_000_000,
        "filling it is no change"
    );
    fs::set_permissions(world.path("rootfs/ro"), fs::Permissions::from_mode(0o755)).expect("own");
}

#[test]
fn a_folder_behind_a_link_that_leads_nowhere_yet_is_made_where_it_leads() {
    let world = World::new();
    let layer = world.layer(|tar| {
        tar.link("lib", "usr/lib")
            .link("opt", "/data/../srv")
            .file("lib/a.so", "x");
        tar.file("opt/b", "x");
    });
    world.unpack(&[layer]).expect("a sound layer");
    let files = [
        "lib -> usr/lib",
        "opt -> /data/../srv",
        "srv/",
        "srv/b",
        "usr/",
        "usr/lib/",
    ];
    assert_eq!(world.rootfs()[..6], files);
}

#[test]
fn special_bits_and_owners_are_as_the_options_say() {
    let layer_of = |world: &World| {
        world.layer(|tar| {
            tar.entry("su", tar::EntryType::Regular, 0o4755, "", b"x")
                .hard_link("su2", "su");
        })
    };
    let mode = |world: &World| {
        fs::metadata(world.path("rootfs/su2"))
            .expect("the link")
            .permissions()
            .mode()
            & 0o7777
    };
    let world = World::new();
    world.unpack(&[layer_of(&world)]).expect("a sound layer");
    assert_eq!(mode(&world), 0o755, "stripped unless asked for");

    let world = World::new();
    let keep = Options {
        special_bits: SpecialBits::Keep,
        ..Options::default()
    };
    world
        .unpack_as(&[layer_of(&world)], &keep)
        .expect("a sound layer");
    assert_eq!(mode(&world), 0o4755);

    let world = World::new();
    let range = vec![IdRange {
        inside: 0,
        outside: 200_000,
        count: 10,
    }];
    let owners = Owners::Mapped {
        users: range.clone(),
        groups: range,
    };
    let mapped = Options {
        owners,
        special_bits: SpecialBits::Keep,
        ..Options::default()
    };
    let result = world.unpack_as(&[layer_of(&world)], &mapped);
    if nix::unistd::geteuid().is_root() {
        result.expect("root may give files away");
        let file = fs::metadata(world.path("rootfs/su")).expect("the file");
        assert_eq!((file.uid(), file.gid()), (200_000, 200_000));
        assert_eq!(
            mode(&world),
            0o4755,
            "changing the owner must not lose the bit"
        );
    } else {
        result.expect_err("only root may give files away");
    }
}

/// One entry of a layer. Names that begin with `d` are only ever folders, `f` files, `x` either.
#[derive(Debug, Clone)]
enum Op {
    File(String),
    Folder(String),
    Hide(String),
    HideAll(String),
}

type Model = BTreeMap<String, bool>;

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let folder = || {
        prop::collection::vec(prop::sample::select(vec!["d1", "d2"]), 0..3).prop_map(|parts| {
            parts
                .iter()
                .map(|part| format!("{part}/"))
                .collect::<String>()
        })
    };
    let name = |names: &'static [&'static str]| {
        (folder(), prop::sample::select(names)).prop_map(|(folder, name)| format!("{folder}{name}"))
    };
    let op = prop_oneof![
        3 => name(&["f1", "f2", "x1"]).prop_map(Op::File),
        2 => name(&["d1", "d2", "x1"]).prop_map(Op::Folder),
        2 => name(&["f1", "f2", "x1", "d1", "d2"]).prop_map(Op::Hide),
        1 => folder().prop_map(Op::HideAll),
    ];
    prop::collection::vec(op, 0..12)
}

/// The format's own words: first all whiteouts of a layer work on what is below, then its entries.
fn model(layers: &[Vec<Op>]) -> Model {
    let mut all = Model::new();
    for ops in layers {
        for op in ops {
            match op {
                Op::Hide(name) => {
                    all.retain(|path, _| path != name && !path.starts_with(&format!("{name}/")));
                }
                Op::HideAll(folder) => {
                    all.retain(|path, _| path.len() <= folder.len() || !path.starts_with(folder));
                }
                Op::File(_) | Op::Folder(_) => {}
            }
        }
        for op in ops {
            let (name, is_folder) = match op {
                Op::File(name) => (name, false),
                Op::Folder(name) => (name, true),
                Op::Hide(_) | Op::HideAll(_) => continue,
            };
            for (at, _) in name.match_indices('/') {
                all.insert(name[..at].to_owned(), true);
            }
            all.insert(name.clone(), is_folder);
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn what_stands_after_all_layers_is_what_the_format_says(
        layers in prop::collection::vec(ops(), 1..4)
    ) {
        let world = World::new();
        let blobs: Vec<_> = layers.iter().map(|ops| world.layer(|tar| for op in ops {
            match op {
                Op::File(name) => tar.file(name, "x"),
                Op::Folder(name) => tar.folder(&format!("{name}/")),
                Op::Hide(name) => {
                    let at = name.rfind('/').map_or(0, |slash| slash + 1);
                    tar.file(&format!("{}.wh.{}", &name[..at], &name[at..]), "")
                }
                Op::HideAll(folder) => tar.file(&format!("{folder}.wh..wh..opq"), ""),
            };
        })).collect();
        world.unpack(&blobs).expect("sound layers");
        let mut expected: Vec<String> = model(&layers)
            .into_iter()
            .map(|(name, is_folder)| if is_folder { format!("{name}/") } else { name })
            .collect();
        expected.sort();
        prop_assert_eq!(world.rootfs(), expected);
    }
}
