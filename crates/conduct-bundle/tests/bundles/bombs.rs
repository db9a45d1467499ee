//! Archives that grow, or make their reader grow.

use std::time::Duration;

use conduct_bundle::archive::Limits;

use crate::effort::effort;
use crate::hostile::{around, refusal, unpack, unpack_within};
use crate::raw_zip::{Raw, zip};

#[test]
fn bombs_stop_before_they_grow() {
    let zeros = vec![0; 32 << 20];
    let honest = Raw::deflated("shop/bomb", &zeros);
    let lying = honest.clone().with(|raw| raw.bytes = 1000);
    let small = |n| Raw::deflated(format!("shop/{n}"), &zeros[..1 << 20]);
    let giant = Raw::stored("shop/sparse", b"").with(|raw| {
        raw.packed = u32::MAX - 1;
        raw.bytes = u32::MAX - 1;
    });
    let bombs = [
        (
            around(honest),
            "\"shop/bomb\": it unpacks to more than 200 times its size",
        ),
        (
            around(lying),
            "\"shop/bomb\": it holds more than the 1000 bytes that it claims",
        ),
        (
            zip(&(0..40).map(small).collect::<Vec<_>>()),
            "unpacks to more than 200 times its size",
        ),
        (
            around(giant),
            "\"shop/sparse\": its bytes overlap those of another entry",
        ),
    ];
    for (bomb, message) in bombs {
        let (told, took) = effort(|| refusal(&bomb));
        assert!(told.ends_with(message), "{told}");
        assert!(took < Duration::from_secs(2), "{took:?}: {told}");
    }
}

#[test]
fn an_archive_stops_at_its_total() {
    let two = zip(&[Raw::stored("a", &[1; 1000]), Raw::stored("b", &[2; 1000])]);
    let total = |total_bytes| Limits {
        total_bytes,
        ..Limits::default()
    };
    let message = unpack_within(&two, total(1500)).unwrap_err().to_string();
    let expected = "\"b\": with it the archive unpacks to more than 1500 bytes";
    assert!(message.ends_with(expected), "{message}");
    assert!(unpack_within(&two, total(2000)).is_ok());
}

#[test]
fn bytes_that_several_entries_share_are_refused() {
    let kernel = Raw::deflated("a", &[7; 60_000]);
    let shared: Vec<Raw> = (0..100)
        .map(|n| {
            let name = format!("{n:03}");
            if n == 0 {
                Raw {
                    name: name.into(),
                    ..kernel.clone()
                }
            } else {
                // No content of its own: the directory points at the first one's.
                let nothing = Raw {
                    name: name.into(),
                    content: vec![],
                    ..kernel.clone()
                };
                Raw {
                    offset: Some(0),
                    ..nothing
                }
            }
        })
        .collect();
    let message = refusal(&zip(&shared));
    assert!(
        message.ends_with("its bytes overlap those of another entry"),
        "{message}"
    );

    // One entry whose content is the whole of the next.
    let inner = Raw::stored("inner", &[9; 500]);
    let quoting = Raw::stored("outer", b"").with(|raw| {
        raw.packed = 100;
        raw.bytes = 100;
    });
    let message = refusal(&zip(&[quoting, inner]));
    assert!(
        message.contains("\"outer\": its bytes overlap"),
        "{message}"
    );
    // And one that lies over the directory itself.
    let last = Raw::stored("last", b"x").with(|raw| {
        raw.packed = 60;
        raw.bytes = 60;
    });
    assert!(refusal(&zip(&[last])).contains("\"last\": its bytes overlap"));
}

#[test]
fn archives_in_archives_stay_packed() {
    let bomb = zip(&[Raw::deflated("bomb", &vec![0; 4 << 20])]);
    let outer = zip(&[Raw::stored("shop/inner.zip", &bomb)]);
    let unpacked = unpack(&outer).unwrap();
    assert_eq!((unpacked.files, unpacked.bytes), (1, bomb.len() as u64));
}

#[test]
fn more_files_and_folders_than_allowed_are_refused() {
    let limits = Limits {
        entries: 10,
        ..Limits::default()
    };
    let many: Vec<Raw> = (0..11).map(|n| Raw::stored(format!("{n}"), b"")).collect();
    let message = unpack_within(&zip(&many), limits.clone())
        .unwrap_err()
        .to_string();
    assert_eq!(
        message,
        "the archive is refused: it has more than 10 files and folders"
    );
    // Three files, but nine folders that nobody listed.
    let implied: Vec<Raw> = ["a/b/c/1", "d/e/f/2", "g/h/i/3"]
        .map(|it| Raw::stored(it, b""))
        .into();
    let message = unpack_within(&zip(&implied), limits.clone())
        .unwrap_err()
        .to_string();
    assert_eq!(
        message,
        "the archive is refused: it has more than 10 files and folders"
    );
    assert!(unpack_within(&zip(&many[1..]), limits).is_ok());
    assert_eq!(Limits::default().entries, 100_000);

    let limits = Limits {
        directory_bytes: 200,
        ..Limits::default()
    };
    let message = unpack_within(&zip(&many), limits).unwrap_err().to_string();
    assert_eq!(
        message,
        "the archive is refused: its directory has 518 bytes, at most 200 are allowed"
    );
}
