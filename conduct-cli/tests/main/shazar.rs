//! `shazar`: as it is, named by its digest.

use conduct_bundle::archive::ArchiveName;
use conduct_model::Digest;

use crate::world::{World, paths};

#[test]
fn a_folder_is_named_by_its_digest_and_its_path_printed() {
    let world = World::with_shop();
    let ran = world.run("shazar", &["shop"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let path = ran.text().strip_suffix('\n').expect("a line");
    let name: ArchiveName = path
        .strip_prefix("./")
        .expect("here")
        .parse()
        .expect("a digest");
    let bytes = world.read(path);
    let (archive, trailer) = bytes.split_at(bytes.len() - 73);
    assert_eq!(
        (name.label.as_str(), name.digest),
        ("shop", Digest::of(archive))
    );
    assert_eq!(trailer, format!("\nsha-256/{}", name.digest).as_bytes());
    assert_eq!(paths(bytes), ["shop/bundle.conf", "shop/web/bin/run"]);
    std::fs::create_dir(world.path("out")).expect("a folder");
    let there = world.run("shazar", &["--output-dir", "out", "shop"]);
    assert_eq!(there.text(), format!("out/{name}\n"), "the same twice");
}

#[test]
fn output_goes_where_it_is_told_to() {
    let world = World::with_shop();
    assert_eq!(world.run("shazar", &["shop", "-o", "a.zip"]).text(), "");
    let stdout = world.run("shazar", &["shop", "-o", "-"]).stdout;
    assert!(stdout == world.read("a.zip"));
    world.write("single", "x");
    let ran = world.run("shazar", &["single"]);
    assert!(ran.text().starts_with("./single-"), "{ran:?}");
    assert_eq!(paths(world.read(ran.text().trim())), ["single"]);
}

#[test]
fn a_tar_becomes_a_zip() {
    let world = World::with_shop();
    let ran = world.shell("shazar shop -o a.zip; tar cf t.tar shop; shazar --tar t.tar > b.zip; shazar < t.tar | cmp - b.zip && cmp a.zip b.zip");
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    world.write("no.tar", "words");
    assert_eq!(world.shell("shazar < no.tar").code, 2);
    assert_eq!(world.shell("ln -s x shop/l; tar c shop | shazar").code, 1);
    world
        .run("shazar", &["missing"])
        .failed(1, "could not read missing");
}
