//! Archives as `bndl` makes them and nodes unpack them.

use std::fs::{self, File};
use std::io::{Cursor, Read, Write};
use std::path::Path;

use conduct_bundle::archive::{
    Archive, ArchiveError, ArchiveName, Arriving, Content, Limits, Mode, Packing, Stamp, Trailer,
    digest_of, extract, trailer_text,
};
use conduct_model::Digest;

pub(crate) fn shop() -> Packing<'static> {
    let mut packing = Packing::new("shop", Stamp::from_unix_secs(1_700_000_000)).unwrap();
    packing
        .bytes("shop/bin/shop", Mode::PROGRAM, "#!/bin/sh\n")
        .unwrap();
    packing
        .bytes("bundle.conf", Mode::FILE, "name = shop")
        .unwrap();
    packing.bytes("a/bundle.conf", Mode::FILE, "decoy").unwrap();
    packing.folder("shop/tmp").unwrap();
    packing.folder("shop/bin").unwrap();
    packing
}

pub(crate) fn written(packing: &Packing<'_>, trailer: Trailer) -> Vec<u8> {
    let mut bytes = Vec::new();
    packing.write_to(&mut bytes, trailer).unwrap();
    bytes
}

pub(crate) fn opened(bytes: &[u8]) -> Archive<Cursor<&[u8]>> {
    Archive::open(Cursor::new(bytes), Limits::default()).unwrap()
}

#[test]
fn the_descriptor_comes_first_and_the_rest_in_order() {
    let bytes = written(&shop(), Trailer::Omit);
    let archive = opened(&bytes);
    let paths: Vec<&str> = archive
        .entries()
        .iter()
        .map(|entry| entry.path.as_str())
        .collect();
    let expected = [
        "shop/bundle.conf",
        "shop/a/bundle.conf",
        "shop/shop/bin/shop",
        "shop/shop/tmp",
    ];
    assert_eq!(paths, expected);
    assert_eq!(archive.root(), "shop");
    assert_eq!(archive.conf().unwrap().as_deref(), Some("name = shop"));
    assert_eq!(archive.entries()[0].stamp.unix_secs(), 1_700_000_000);
}

#[test]
fn the_digest_covers_the_archive_and_not_its_trailer() {
    let mut bytes = Vec::new();
    let written = shop().write_to(&mut bytes, Trailer::Append).unwrap();
    let bare = &bytes[..bytes.len() - 73];
    assert_eq!(written.bytes, bare.len() as u64);
    assert_eq!(written.digest, Digest::of(bare));
    assert_eq!(
        &bytes[bare.len()..],
        trailer_text(written.digest).as_bytes()
    );

    let archive = opened(&bytes);
    assert_eq!(archive.trailer(), Some(written.digest));
    archive.verify(written.digest).unwrap();
    let other = archive.verify(Digest::of(b"other")).unwrap_err();
    assert!(matches!(other, ArchiveError::Digest { actual, .. } if actual == written.digest));

    let mut arriving = Arriving::default();
    bytes.chunks(100).for_each(|piece| arriving.push(piece));
    let name: ArchiveName = ArchiveName::new("shop", written.digest)
        .to_string()
        .parse()
        .unwrap();
    assert_eq!(arriving.finish().keep(name.digest), Some(written.bytes));
}

/// The bytes of an archive are part of what its digest promises for ever. Whoever changes this
/// number changes the id of every bundle that is made again.
#[test]
fn the_same_input_gives_the_bytes_that_it_always_gave() {
    let written = shop()
        .write_to(&mut std::io::sink(), Trailer::Omit)
        .unwrap();
    let expected = "9607a765b1fee6e48b7c6e9ec802c61b7d6e2a54fcfb7a794f73dbef722ec4b5";
    assert_eq!(written.digest.to_string(), expected);
}

#[test]
fn what_is_unpacked_is_what_was_packed() {
    let bytes = written(&shop(), Trailer::Append);
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("run");
    let extracted = extract(&opened(&bytes), &target).unwrap();
    assert_eq!(extracted.root, target.join("shop"));
    assert_eq!((extracted.files, extracted.bytes), (3, 10 + 11 + 5));
    let read = |path: &str| fs::read_to_string(extracted.root.join(path)).unwrap();
    assert_eq!(read("bundle.conf"), "name = shop");
    assert_eq!(read("shop/bin/shop"), "#!/bin/sh\n");
    assert!(extracted.root.join("shop/tmp").is_dir());

    let again = extract(&opened(&bytes), &target).unwrap_err();
    assert!(
        matches!(
            again,
            ArchiveError::File {
                doing: "create",
                ..
            }
        ),
        "{again}"
    );
    assert_eq!(read("bundle.conf"), "name = shop");
}

#[test]
fn what_a_crash_left_half_unpacked_is_cleared_away() {
    let bytes = written(&shop(), Trailer::Append);
    let home = tempfile::tempdir().unwrap();
    fs::create_dir_all(home.path().join("run.part/shop/old")).unwrap();
    extract(&opened(&bytes), &home.path().join("run")).unwrap();
    assert!(!home.path().join("run/shop/old").exists());
    assert!(!home.path().join("run.part").exists());
}

#[test]
fn an_archive_is_rewritten_with_another_descriptor() {
    let bytes = written(&shop(), Trailer::Append);
    let archive = opened(&bytes);
    let mut packing = Packing::new("other", Stamp::EARLIEST).unwrap();
    packing.archive(&archive).unwrap();
    packing
        .bytes("bundle.conf", Mode::FILE, "name = other")
        .unwrap();
    assert!(packing.remove("a/bundle.conf"));
    let rewritten = written(&packing, Trailer::Append);
    let rewritten = opened(&rewritten);
    assert_eq!(rewritten.conf().unwrap().as_deref(), Some("name = other"));
    assert_eq!(rewritten.entries().len(), 3);
    let program = rewritten.find("shop/bin/shop").unwrap();
    assert_eq!((program.mode, program.bytes), (Mode::PROGRAM, 10));
}

#[test]
fn the_root_is_where_the_descriptor_or_the_script_is() {
    let root = |names: &[&str]| {
        let mut packing = Packing::new("", Stamp::EARLIEST).unwrap();
        for name in names {
            packing.bytes(name, Mode::FILE, "").unwrap();
        }
        opened(&written(&packing, Trailer::Omit)).root().to_owned()
    };
    assert_eq!(root(&["bundle.conf", "x/y"]), "");
    assert_eq!(root(&["shop/bundle.conf"]), "shop");
    assert_eq!(root(&["a/my-bundle.conf", "shop/bundle.conf"]), "shop");
    assert_eq!(root(&["prod/runtime-config.sh", "prod/x"]), "prod");
    assert_eq!(root(&["a/runtime-config.sh", "b/bundle.conf"]), "b");
    assert_eq!(root(&["only/x", "only/y/z"]), "only");
    assert_eq!(root(&["a/x", "b/y"]), "");
    assert_eq!(root(&["x"]), "");
    assert_eq!(root(&[]), "");
}

#[cfg(unix)]
#[test]
fn a_folder_packs_alike_whoever_checked_it_out() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let make = |file_mode: u32, program_mode: u32, order: &[&str]| {
        let home = tempfile::tempdir().unwrap();
        let write = |path: &str, mode: u32| {
            let path = home.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "x").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        };
        for path in order {
            let mode = if path.contains("bin") {
                program_mode
            } else {
                file_mode
            };
            write(path, mode);
        }
        fs::create_dir_all(home.path().join("empty")).unwrap();
        symlink(home.path().join("lib/b"), home.path().join("link")).unwrap();
        let mut packing = Packing::new("shop", Stamp::EARLIEST).unwrap();
        packing.tree(home.path()).unwrap();
        written(&packing, Trailer::Append)
    };
    let one = make(0o644, 0o755, &["bundle.conf", "bin/a", "lib/b"]);
    let other = make(0o600, 0o711, &["lib/b", "bin/a", "bundle.conf"]);
    assert_eq!(one, other);
    let archive = opened(&one);
    let paths: Vec<&str> = archive
        .entries()
        .iter()
        .map(|entry| entry.path.as_str())
        .collect();
    assert_eq!(
        paths,
        [
            "shop/bundle.conf",
            "shop/bin/a",
            "shop/empty",
            "shop/lib/b",
            "shop/link"
        ]
    );
    assert_eq!(archive.find("bin/a").unwrap().mode, Mode::PROGRAM);
}

#[cfg(unix)]
#[test]
fn a_folder_with_what_cannot_be_packed_is_refused_by_name() {
    use std::os::unix::fs::symlink;
    let refused = |prepare: &dyn Fn(&Path)| {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("a")).unwrap();
        prepare(home.path());
        let mut packing = Packing::new("", Stamp::EARLIEST).unwrap();
        packing.tree(home.path()).unwrap_err().to_string()
    };
    let looped = refused(&|home| symlink(home, home.join("a/loop")).unwrap());
    assert!(
        looped.ends_with("\"a/loop\": it is a link to a folder that it is in"),
        "{looped}"
    );
    let dangling = refused(&|home| symlink("nowhere", home.join("a/x")).unwrap());
    assert!(
        dangling.starts_with("could not read ") && dangling.ends_with("a/x"),
        "{dangling}"
    );
    let backslash = refused(&|home| fs::write(home.join("a\\b"), "").unwrap());
    assert!(
        backslash.ends_with("its name holds a backslash"),
        "{backslash}"
    );
    let socket = refused(&|home| {
        std::os::unix::net::UnixListener::bind(home.join("a/s")).unwrap();
    });
    assert!(socket.contains("\"a/s\": it is a special file"), "{socket}");
}

#[test]
fn content_that_changes_while_it_is_packed_is_noticed() {
    /// Another text at every look.
    struct Restless(std::cell::Cell<u8>, Vec<&'static [u8]>);
    impl Content for Restless {
        fn open(&self) -> std::io::Result<Box<dyn Read + '_>> {
            let look = self.0.replace(self.0.get() + 1);
            Ok(Box::new(self.1[usize::from(look)]))
        }
    }
    let changed: [Vec<&'static [u8]>; 3] = [
        vec![b"one", b"two"],
        vec![b"one", b"on"],
        vec![b"one", b"more"],
    ];
    for looks in changed {
        let mut packing = Packing::new("", Stamp::EARLIEST).unwrap();
        packing
            .file("x", Mode::FILE, Box::new(Restless(0.into(), looks)))
            .unwrap();
        let error = packing
            .write_to(&mut std::io::sink(), Trailer::Omit)
            .unwrap_err();
        assert_eq!(error.to_string(), "\"x\" changed while it was packed");
    }
}

#[test]
fn a_spooled_stream_is_content() {
    let mut spool: File = tempfile::tempfile().unwrap();
    spool.write_all(b"from a pipe").unwrap();
    let mut packing = Packing::new("", Stamp::EARLIEST).unwrap();
    packing
        .file("blobs/x", Mode::FILE, Box::new(spool))
        .unwrap();
    let bytes = written(&packing, Trailer::Omit);
    let archive = opened(&bytes);
    assert_eq!(
        archive.read(&archive.entries()[0], 100).unwrap(),
        b"from a pipe"
    );
    let refused = archive
        .read(&archive.entries()[0], 3)
        .unwrap_err()
        .to_string();
    assert!(
        refused.ends_with("\"blobs/x\": it has more than 3 bytes"),
        "{refused}"
    );
}

#[test]
fn a_stream_without_seeking_is_written_alike() {
    struct Pipe(Vec<u8>);
    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            // Pipes take what they like.
            let count = bytes.len().min(7);
            self.0.extend_from_slice(&bytes[..count]);
            Ok(count)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut pipe = Pipe(Vec::new());
    shop().write_to(&mut pipe, Trailer::Append).unwrap();
    assert_eq!(pipe.0, written(&shop(), Trailer::Append));
    let (digest, bytes) = digest_of(&mut &pipe.0[..pipe.0.len() - 73]).unwrap();
    assert_eq!(
        (digest, bytes + 73),
        (opened(&pipe.0).trailer().unwrap(), pipe.0.len() as u64)
    );
}
