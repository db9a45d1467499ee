//! Where results go.

use std::process::Stdio;

use crate::world::{World, conf_of, have, said};

#[test]
fn a_file_is_replaced_only_by_a_whole_archive() {
    let world = World::with_shop();
    world.write("out.zip", "precious");
    world
        .bndl(&["shop", "-o", "out.zip", "--nr-of-cpus", "x"])
        .failed(2, "no number");
    world.write("broken.conf", "name = shop");
    world
        .bndl(&["broken.conf", "-o", "out.zip"])
        .failed(1, "missing");
    assert_eq!(world.read("out.zip"), b"precious");
    let made = world.made(&["shop"]);
    assert!(world.made(&["shop", "-o", "out.zip"]).is_empty());
    assert!(world.read("out.zip") == made);
    let left: Vec<_> = std::fs::read_dir(world.home()).expect("a folder").collect();
    assert_eq!(left.len(), 3, "no temporary files stay: {left:?}");
}

#[test]
fn a_result_inside_of_the_folder_is_no_part_of_it() {
    let world = World::with_shop();
    let made = world.made(&["shop"]);
    world.made(&["shop", "-o", "shop/made.zip"]);
    assert!(world.read("shop/made.zip") == made);
    let again = world.bndl(&["shop", "-o", "shop/made.zip"]);
    assert_eq!(again.stderr, "left out made.zip, where the result goes\n");
    assert!(world.read("shop/made.zip") == made);
}

#[test]
fn an_archive_can_be_edited_in_its_place_and_through_a_link() {
    let world = World::with_shop();
    world.made(&["shop", "-o", "shop.zip"]);
    std::os::unix::fs::symlink("shop.zip", world.path("link.zip")).expect("a link");
    world.made(&["link.zip", "--memory", "5", "-o", "link.zip"]);
    assert_eq!(said(&conf_of(world.read("shop.zip")), "memory"), "5");
    assert!(world.path("link.zip").is_symlink());
    world.made(&["shop", "-o", "/dev/null"]);
    world
        .bndl(&["shop", "-o", "missing/out.zip"])
        .failed(1, "could not write to missing");
}

#[test]
fn nobody_reading_any_more_is_no_failure() {
    let world = World::with_shop();
    world.write("shop/web/large", vec![7; 4 << 20]);
    for arguments in [&["shop"][..], &["--no-shazar", "shop"]] {
        let mut child = world
            .command("bndl")
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("bndl");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(
            output.stderr.is_empty(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    assert_eq!(
        world
            .shell("bndl shop -o shop.zip; bndl inspect shop.zip | true")
            .stderr,
        ""
    );
}

#[test]
fn a_terminal_is_spared_archives_and_gets_colour_if_it_wants() {
    if !have("script", "bsdutils") {
        return;
    }
    let world = World::with_shop();
    let on_terminal = |line: &str| {
        world.shell(&format!(
            "TERM=xterm script -qec '{line}; echo code $?' /dev/null < /dev/null"
        ))
    };
    let ran = on_terminal("bndl shop");
    assert!(
        ran.text()
            .contains("an archive cannot be shown on a terminal"),
        "{ran:?}"
    );
    assert!(ran.text().contains("code 2"), "{ran:?}");
    assert!(ran.text().contains("\u{1b}[1;31merror:"), "{ran:?}");
    let plain = on_terminal("NO_COLOR=1 bndl shop");
    assert!(!plain.text().contains('\u{1b}'), "{plain:?}");
    let bare = on_terminal("bndl -o x.zip");
    assert!(bare.text().contains("stdin is a terminal"), "{bare:?}");
}

#[test]
fn large_input_takes_no_memory() {
    let world = World::with_shop();
    let large = std::fs::File::create(world.path("shop/web/large")).expect("create");
    large.set_len(200 << 20).expect("a hole is enough");
    let ran = world.shell(
        "ulimit -v 120000; bndl shop > a.zip && bndl < a.zip --memory 5 -o b.zip && \
         bndl --no-shazar shop | bndl --memory 5 | cmp - b.zip",
    );
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
}
