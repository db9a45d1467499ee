//! Somebody swaps folders for links while an archive is unpacked.

use std::fs;
use std::io::Cursor;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use conduct_bundle::archive::{Archive, Limits, Mode, Packing, Stamp, Trailer, extract};

#[test]
fn a_folder_that_becomes_a_link_while_unpacking_leads_nowhere() {
    let mut packing = Packing::new("", Stamp::EARLIEST).unwrap();
    for n in 0..60 {
        packing
            .bytes(&format!("a/b/{n}"), Mode::FILE, "evil")
            .unwrap();
    }
    let mut bytes = Vec::new();
    packing.write_to(&mut bytes, Trailer::Omit).unwrap();
    let archive = Archive::open(Cursor::new(bytes), Limits::default()).unwrap();

    let home = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    fs::create_dir(outside.path().join("b")).unwrap();
    let is_over = AtomicBool::new(false);
    let mut swapped = 0;
    thread::scope(|scope| {
        let attacker = scope.spawn(|| {
            let mut swaps = 0;
            while !is_over.load(Ordering::Relaxed) {
                swaps += swap(home.path(), outside.path());
            }
            swaps
        });
        for round in 0..200 {
            // Whether it succeeds does not matter, only where it writes.
            let _ = extract(&archive, &home.path().join("target"));
            let _ = fs::remove_dir_all(home.path().join("target"));
            if round > 20 && fs::read_dir(outside.path().join("b")).unwrap().count() > 0 {
                break;
            }
        }
        is_over.store(true, Ordering::Relaxed);
        swapped = attacker.join().unwrap();
    });
    assert!(swapped > 0, "the attacker never got in");
    assert_eq!(fs::read_dir(outside.path().join("b")).unwrap().count(), 0);
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
}

/// Puts a link in the place of a folder that is being filled, and takes it away again.
fn swap(home: &Path, outside: &Path) -> u32 {
    let folder = home.join("target.part/a");
    let aside = home.join("aside");
    if fs::rename(&folder, &aside).is_err() {
        return 0;
    }
    let linked = symlink(outside, &folder).is_ok();
    let _ = fs::remove_file(&folder);
    let _ = fs::rename(&aside, &folder);
    let _ = fs::remove_dir_all(&aside);
    u32::from(linked)
}
