//! Programs that feed each other.

use crate::world::{World, conf_of, said};

#[test]
fn a_bundle_goes_through_a_pipe_and_comes_out_changed() {
    let world = World::with_shop();
    let ran = world.shell("bndl shop | bndl --memory 256MiB -o new.zip && bndl shop > old.zip");
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert_eq!(said(&conf_of(world.read("new.zip")), "memory"), "268435456");
    assert_eq!(said(&conf_of(world.read("old.zip")), "memory"), "67108864");
}

#[test]
fn a_tar_goes_through_pipes_with_any_compression() {
    let world = World::with_shop();
    let ran = world.shell(
        "bndl shop > a.zip && tar c shop | bndl | cmp - a.zip && tar cz shop | bndl | cmp - a.zip \
         && bndl --no-shazar shop | gzip | bndl | cmp - a.zip",
    );
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
}

#[test]
fn a_descriptor_alone_is_made_in_a_pipe() {
    let world = World::with_shop();
    let ran = world.shell("cat shop/bundle.conf | bndl --name other > a.zip && bndl inspect a.zip");
    assert!(ran.text().starts_with("other  bundle  "), "{ran:?}");
    let ran = world.shell("bndl -f configuration --env A=b < /dev/null | bndl inspect -");
    assert!(
        ran.text().starts_with("(no name)  configuration  "),
        "{ran:?}"
    );
}
