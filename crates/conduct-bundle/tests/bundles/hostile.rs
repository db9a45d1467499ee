//! Archives that were made to do harm. Each is refused by name and rule, and leaves nothing.

use std::fs;
use std::io::Cursor;

use conduct_bundle::archive::{Archive, ArchiveError, Extracted, Limits, extract};

use crate::raw_zip::{Raw, end, zip};

/// Unpacks `bytes`, and checks that either all of it or nothing is there afterwards.
pub(crate) fn unpack_within(bytes: &[u8], limits: Limits) -> Result<Extracted, ArchiveError> {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("target");
    let result =
        Archive::open(Cursor::new(bytes), limits).and_then(|archive| extract(&archive, &target));
    let left: Vec<_> = fs::read_dir(home.path())
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect();
    let expected = if result.is_ok() { vec![target] } else { vec![] };
    assert_eq!(left, expected);
    result
}

pub(crate) fn unpack(bytes: &[u8]) -> Result<Extracted, ArchiveError> {
    unpack_within(bytes, Limits::default())
}

pub(crate) fn refusal(bytes: &[u8]) -> String {
    unpack(bytes).unwrap_err().to_string()
}

/// An archive with a harmless entry around a bad one.
pub(crate) fn around(bad: Raw) -> Vec<u8> {
    zip(&[
        Raw::stored("shop/bundle.conf", b"{}"),
        bad,
        Raw::stored("shop/z", b"z"),
    ])
}

#[test]
fn names_that_lead_outside_are_refused() {
    let cases: &[(&[u8], &str)] = &[
        (b"../evil", "\"../evil\": its name leads outside with .."),
        (
            b"shop/../../evil",
            "\"shop/../../evil\": its name leads outside with ..",
        ),
        (b"..", "\"..\": its name leads outside with .."),
        (b"../", "\"../\": its name leads outside with .."),
        (b"/etc/passwd", "\"/etc/passwd\": its name is absolute"),
        (b"//host/share", "\"//host/share\": its name is absolute"),
        (
            b"C:/evil",
            "\"C:/evil\": its name begins with a drive letter",
        ),
        (b"c:evil", "\"c:evil\": its name begins with a drive letter"),
        (b"..\\evil", "\"..\\\\evil\": its name holds a backslash"),
        (
            b"shop\\evil",
            "\"shop\\\\evil\": its name holds a backslash",
        ),
        (
            b"shop/a\0.txt",
            "\"shop/a\\0.txt\": its name holds the control character '\\0'",
        ),
        (
            b"a\x1b[2J",
            "\"a\\u{1b}[2J\": its name holds the control character '\\u{1b}'",
        ),
        (b"", "\"\": its name is empty"),
        (b"/", "\"/\": its name is empty"),
        (b"./a", "\"./a\": its name has an empty part or a lone dot"),
        (
            b"a//b",
            "\"a//b\": its name has an empty part or a lone dot",
        ),
        (b"\xff\xfe", "\"\u{fffd}\u{fffd}\": its name is no UTF-8"),
    ];
    for (name, message) in cases {
        let expected = format!("the archive is refused because of {message}");
        assert_eq!(refusal(&around(Raw::stored(name, b""))), expected);
    }
    let long = refusal(&around(Raw::stored("x".repeat(256), b"")));
    assert!(
        long.ends_with("…: its name is too long: 256 bytes, at most 255"),
        "{long}"
    );
    let deep = refusal(&around(Raw::stored(["x"; 33].join("/"), b"")));
    assert!(
        deep.ends_with("it is 33 levels deep, at most 32 are allowed"),
        "{deep}"
    );
}

#[test]
fn names_that_cannot_live_side_by_side_are_refused() {
    let with = |names: &[&str]| {
        let entries: Vec<Raw> = names.iter().map(|name| Raw::stored(name, b"")).collect();
        refusal(&zip(&entries))
    };
    let because = |what: &str| format!("the archive is refused because of {what}");
    assert_eq!(
        with(&["a", "b", "a"]),
        because("\"a\": its name occurs twice")
    );
    assert_eq!(with(&["a/", "a/"]), because("\"a\": its name occurs twice"));
    assert_eq!(
        with(&["x/README", "x/Readme"]),
        because("\"x/Readme\": its name differs from \"README\" only in upper and lower case")
    );
    assert_eq!(
        with(&["Lib/a", "lib/b"]),
        because("\"lib/b\": its name differs from \"Lib\" only in upper and lower case")
    );
    assert_eq!(
        with(&["a", "a/b"]),
        because("\"a/b\": it is a file and a folder at once")
    );
}

#[test]
fn what_is_neither_file_nor_folder_is_refused() {
    let cases = [
        (
            0o120_777,
            "it is a link, and links are not allowed in bundles",
        ),
        (
            0o020_666,
            "it is a character device, only files and folders are allowed in bundles",
        ),
        (
            0o060_666,
            "it is a block device, only files and folders are allowed in bundles",
        ),
        (
            0o010_666,
            "it is a FIFO, only files and folders are allowed in bundles",
        ),
        (
            0o140_666,
            "it is a socket, only files and folders are allowed in bundles",
        ),
        (
            0o150_666,
            "it is a file of unknown kind, only files and folders are allowed in bundles",
        ),
    ];
    for (mode, message) in cases {
        let bad = Raw::stored("shop/x", b"/etc/passwd").with(|raw| raw.unix_mode = mode);
        let expected = format!("the archive is refused because of \"shop/x\": {message}");
        assert_eq!(refusal(&around(bad)), expected);
    }
    // A link first, then a file through it: the link alone is enough.
    let link = Raw::stored("shop/lib", b"/tmp").with(|raw| raw.unix_mode = 0o120_777);
    let through = Raw::stored("shop/lib/evil", b"evil");
    assert!(refusal(&zip(&[link, through])).contains("\"shop/lib\": it is a link"));
    let folder = Raw::stored("shop/x/", b"content");
    assert!(refusal(&around(folder)).ends_with("\"shop/x/\": it is a folder with content"));
}

#[cfg(unix)]
#[test]
fn only_permissions_come_out_of_a_mode() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("target");
    let bytes = zip(&[
        Raw::stored("shop/run", b"x").with(|raw| raw.unix_mode = 0o106_755),
        Raw::stored("shop/tmp/", b"").with(|raw| raw.unix_mode = 0o041_777),
        Raw::stored("shop/plain", b"x").with(|raw| raw.unix_mode = 0),
    ]);
    let archive = Archive::open(Cursor::new(bytes), Limits::default()).unwrap();
    extract(&archive, &target).unwrap();
    let mode = |name: &str| {
        fs::metadata(target.join(name))
            .unwrap()
            .permissions()
            .mode()
            & 0o7777
    };
    assert_eq!(mode("shop/run"), 0o755);
    assert_eq!(mode("shop/tmp"), 0o777);
    assert_eq!(mode("shop/plain"), 0o644);
}

#[test]
fn an_entry_that_is_described_in_two_ways_is_refused() {
    let good = || Raw::stored("shop/a", b"content");
    let cases = [
        (good().local(|raw| raw.name = b"shop/b".to_vec()), "name"),
        (good().local(|raw| raw.method = 8), "compression method"),
        (good().local(|raw| raw.bytes = 3), "size"),
        (good().local(|raw| raw.crc = 3), "checksum"),
        (good().with(|raw| raw.bytes = 3), "size"),
    ];
    for (bad, what) in cases {
        let expected = format!("its own header and the directory disagree about its {what}");
        let message = refusal(&around(bad));
        assert!(
            message.contains("\"shop/a\": ") && message.ends_with(&expected),
            "{message}"
        );
    }
}

#[test]
fn content_that_is_not_what_was_said_is_refused() {
    let because = |bad: Raw| refusal(&around(bad));
    let wrong_sum = Raw::stored("shop/a", b"content").with(|raw| raw.crc ^= 1);
    assert!(because(wrong_sum).ends_with("\"shop/a\": its checksum is wrong"));
    let less = Raw::deflated("shop/a", b"content").with(|raw| raw.bytes = 100);
    assert!(because(less).ends_with("it holds less than the 100 bytes that it claims"));
    let garbage = Raw::deflated("shop/a", &[1; 100]).with(|raw| raw.content.fill(0xff));
    assert!(because(garbage).ends_with("its compressed bytes are damaged"));
    let behind = Raw::deflated("shop/a", b"content").with(|raw| {
        raw.content.extend(b"hidden");
        raw.packed += 6;
    });
    assert!(because(behind).ends_with("its compressed bytes are damaged"));
    let encrypted = Raw::stored("shop/a", b"content").with(|raw| raw.flags = 1);
    assert!(because(encrypted).ends_with("it is encrypted"));
    let half_encrypted = Raw::stored("shop/a", b"content").local(|raw| raw.flags = 1);
    assert!(because(half_encrypted).ends_with("it is encrypted"));
    let bzip2 = Raw::stored("shop/a", b"content").with(|raw| raw.method = 12);
    assert!(because(bzip2).ends_with("its compression method 12 is not supported"));
}

#[test]
fn an_archive_that_two_readers_could_see_differently_is_refused() {
    let good = zip(&[Raw::stored("shop/a", b"content")]);
    let refused = |bytes: &[u8]| {
        let message = refusal(bytes);
        message
            .strip_prefix("the archive is refused: ")
            .unwrap_or(&message)
            .to_owned()
    };
    assert_eq!(refused(b""), "it is not a zip file");
    assert_eq!(refused(b"name = shop"), "it is not a zip file");
    assert_eq!(refused(&good[..good.len() - 1]), "it is not a zip file");
    assert_eq!(refused(&[&good[..], b"x"].concat()), "it is not a zip file");
    assert_eq!(
        refused(&[b"#!/bin/sh\n", &good[..]].concat()),
        "its end record is damaged"
    );

    let body = &good[..good.len() - 22];
    let directory_at = (body.len() - 52) as u32;
    let other_end = end(0, 0, body.len() as u32, b"");
    let two_ends = [body, &end(1, 52, directory_at, &other_end)].concat();
    assert_eq!(refused(&two_ends), "it has more than one end record");
    let commented = [body, &end(1, 52, directory_at, b"made by hand")].concat();
    assert!(unpack(&commented).is_ok());

    let fewer = [body, &end(0, 52, directory_at, b"")].concat();
    assert_eq!(refused(&fewer), "its directory is damaged");
    let more = [body, &end(2, 52, directory_at, b"")].concat();
    assert_eq!(refused(&more), "its directory is damaged");
    let elsewhere = [body, &end(1, 52, 3, b"")].concat();
    assert_eq!(refused(&elsewhere), "its end record is damaged");
    let mut disks = good.clone();
    let at = good.len() - 18;
    disks[at] = 1;
    assert_eq!(refused(&disks), "it is one of several disks");
}
