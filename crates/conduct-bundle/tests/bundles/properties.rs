//! Laws over random trees, random texts and random damage.

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;

use conduct_bundle::archive::{Archive, Limits, Mode, Packing, Stamp, Trailer, extract};
use conduct_bundle::fuzz;
use proptest::prelude::*;

use crate::conf::LEAST;
use crate::raw_zip::{Raw, zip};

type Tree = BTreeMap<String, (u32, Vec<u8>)>;

/// Files in folders, without names that could not live side by side.
fn trees() -> impl Strategy<Value = Tree> {
    let path = prop::collection::vec("[a-c]{1,2}", 1..4).prop_map(|parts| parts.join("/"));
    let content = prop::collection::vec(any::<u8>(), 0..2000);
    prop::collection::btree_map(path, (0u32..0o1000, content), 0..20).prop_map(|tree| {
        let paths: Vec<String> = tree.keys().cloned().collect();
        let is_folder = |path: &str| paths.iter().any(|it| it.starts_with(&format!("{path}/")));
        tree.into_iter()
            .filter(|(path, _)| !is_folder(path))
            .collect()
    })
}

fn packed<'a>(files: impl IntoIterator<Item = (&'a String, &'a (u32, Vec<u8>))>) -> Vec<u8> {
    let mut packing = Packing::new("top", Stamp::from_unix_secs(1_600_000_001)).unwrap();
    for (path, (mode, content)) in files {
        packing
            .bytes(path, Mode::from_unix(*mode), content.clone())
            .unwrap();
    }
    let mut bytes = Vec::new();
    packing.write_to(&mut bytes, Trailer::Append).unwrap();
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_tree_comes_out_as_it_went_in(tree in trees()) {
        let bytes = packed(&tree);
        let archive = Archive::open(Cursor::new(&bytes), Limits::default()).unwrap();
        let home = tempfile::tempdir().unwrap();
        let extracted = extract(&archive, &home.path().join("target")).unwrap();
        prop_assert_eq!(extracted.files, tree.len() as u64);
        for (path, (mode, content)) in &tree {
            let place = home.path().join("target/top").join(path);
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                let found = fs::metadata(&place).unwrap().permissions().mode() & 0o7777;
                prop_assert_eq!(found, *mode);
                fs::set_permissions(&place, fs::Permissions::from_mode(0o600)).unwrap();
            }
            prop_assert_eq!(&fs::read(&place).unwrap(), content);
        }
    }

    #[test]
    fn the_order_in_which_files_are_added_does_not_matter(
        tree in trees(),
        keys in prop::collection::vec(any::<u64>(), 20),
    ) {
        let mut shuffled: Vec<_> = tree.iter().zip(keys).collect();
        shuffled.sort_by_key(|(_, key)| *key);
        let shuffled = shuffled.into_iter().map(|(file, _)| file);
        prop_assert_eq!(packed(&tree), packed(shuffled));
    }

    #[test]
    fn any_damage_is_noticed_or_harmless(
        tree in trees(),
        wounds in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = packed(&tree);
        for (place, value) in wounds {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        fuzz::archive(&bytes);
        let home = tempfile::tempdir().unwrap();
        if let Ok(archive) = Archive::open(Cursor::new(&bytes), Limits::default()) {
            let _ = extract(&archive, &home.path().join("target"));
        }
        for left in fs::read_dir(home.path()).unwrap() {
            prop_assert_eq!(left.unwrap().file_name(), "target");
        }
    }

    #[test]
    fn a_compressed_archive_is_read_as_safely(
        content in prop::collection::vec(0u8..4, 0..5000),
        wounds in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
    ) {
        let mut bytes = zip(&[Raw::deflated("a/b", &content), Raw::deflated("c", b"x")]);
        for (place, value) in wounds {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        fuzz::archive(&bytes);
    }

    #[test]
    fn any_bytes_are_read_to_an_end(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        fuzz::archive(&bytes);
        fuzz::conf(&bytes);
    }

    #[test]
    fn any_change_to_a_conf_is_read_to_an_end(
        at in any::<prop::sample::Index>(),
        removed in 0usize..30,
        inserted in "[ä日 -~\\n\\x00\\x1b$\\{\\}\\[\\]=,\"]{0,20}",
    ) {
        let text = format!("{LEAST}\0{LEAST}");
        let at = at.index(text.len());
        let end = (at + removed).min(text.len());
        fuzz::conf(format!("{}{inserted}{}", &text[..at], &text[end..]).as_bytes());
    }
}
