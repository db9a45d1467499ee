//! What SOURCE may be.

use crate::world::{SHOP, World, archive, conf_of, file_of, paths, said};

#[test]
fn a_folder_becomes_one_folder_of_an_archive_with_the_descriptor_first() {
    let world = World::with_shop();
    world.write("shop/a/file", "x");
    let made = world.made(&["shop"]);
    let expected = ["shop/bundle.conf", "shop/a/file", "shop/web/bin/run"];
    assert_eq!(paths(made.clone()), expected);
    let modes: Vec<u32> = archive(made)
        .entries()
        .iter()
        .map(|entry| entry.mode.bits())
        .collect();
    assert_eq!(modes, [0o644, 0o644, 0o755]);
}

#[test]
fn equal_folders_give_equal_bytes_whenever_and_by_whomever_they_are_packed() {
    let world = World::with_shop();
    let made = world.made(&["shop"]);
    let again = World::new();
    again.write("elsewhere/web/bin/run", "#!/bin/sh\nexec sleep 1000\n");
    again.write("elsewhere/bundle.conf", SHOP);
    again.chmod("elsewhere/web/bin/run", 0o700);
    again.chmod("elsewhere/bundle.conf", 0o600);
    let touched = again.shell("find . -exec touch -d 2001-02-03 {} +");
    assert_eq!(touched.code, 0);
    let zone = again.shell("umask 077; TZ=Pacific/Kiritimati bndl elsewhere");
    assert!(zone.stdout == made, "the same content has the same digest");
}

#[test]
fn the_same_bundle_comes_from_folder_zip_tar_and_pipes() {
    let world = World::with_shop();
    let made = world.made(&["shop"]);
    world.write("shop.zip", &made);
    let prepare = world.shell(
        "tar cf flat.tar -C shop . && tar cf shop.tar shop && gzip -k shop.tar && \
         tar --format=v7 -cf old.tar shop && bndl --no-shazar shop > plain.tar",
    );
    assert_eq!(prepare.code, 0, "{}", prepare.stderr);
    for source in [
        "shop.zip",
        "flat.tar",
        "shop.tar",
        "shop.tar.gz",
        "old.tar",
        "plain.tar",
    ] {
        assert!(world.made(&[source]) == made, "{source}");
        let piped = world.bndl_reading(source, &[]);
        assert!(
            piped.stdout == made,
            "{source} through a pipe: {}",
            piped.stderr
        );
        let dash = world.bndl_reading(source, &["-"]);
        assert!(dash.stdout == made, "{source} as -");
    }
}

#[test]
fn a_plain_descriptor_becomes_a_bundle_of_itself() {
    let world = World::with_shop();
    world.write("any.txt", SHOP);
    for made in [
        world.made(&["any.txt"]),
        world.bndl_reading("any.txt", &[]).stdout,
    ] {
        assert_eq!(paths(made.clone()), ["shop/bundle.conf"]);
        assert_eq!(said(&conf_of(made), "system"), "\"shop\"");
    }
}

#[test]
fn the_root_is_where_the_descriptor_is() {
    let world = World::with_shop();
    let made = world.made(&["shop"]);
    assert_eq!(world.shell("mkdir -p deep/er && mv shop deep/er/").code, 0);
    assert!(world.made(&["deep"]) == made);
    assert_eq!(world.shell("tar cf deep.tar deep").code, 0);
    assert!(world.made(&["deep.tar"]) == made);
}

#[test]
fn a_configuration_may_be_nothing_at_all_or_a_script() {
    let world = World::new();
    let empty = world.made(&["-f", "configuration"]);
    assert_eq!(paths(empty.clone()), ["bundle/bundle.conf"]);
    assert_eq!(file_of(empty, "bundle.conf"), "{}\n");

    world.write("prod/runtime-config.sh", "export A=b\n");
    world.write("prod/secret.txt", "x");
    let made = world.made(&["-f", "configuration", "prod", "--name", "shop"]);
    let expected = [
        "shop/bundle.conf",
        "shop/runtime-config.sh",
        "shop/secret.txt",
    ];
    assert_eq!(paths(made), expected);
}

#[test]
fn what_is_no_material_is_refused_with_the_reason() {
    let world = World::new();
    world.write("noise", [0_u8, 1, 2, 255]);
    world.write("words", "{ not hocon");
    world.write("broken.conf", "name = [");
    world.write("empty", "");
    world.write("broken.zip", b"PK\x03\x04 and no more");
    std::fs::create_dir(world.path("bare")).expect("a folder");
    world.bndl(&["noise"]).failed(2, "-f bundle");
    world.bndl(&["words"]).failed(2, "-f bundle");
    world.bndl(&["-f", "bundle", "words"]).failed(1, "words:1:");
    world.bndl(&["broken.conf"]).failed(1, "broken.conf:1:");
    world.bndl(&["empty"]).failed(2, "is empty");
    world.bndl(&["broken.zip"]).failed(1, "broken.zip");
    world.bndl(&["missing"]).failed(2, "could not read missing");
    world.bndl(&["bare"]).failed(1, "bare has no bundle.conf");
    world
        .bndl(&["-f", "docker", "bare"])
        .failed(3, "no docker image");
    world.bndl(&["-f", "oci-image", "bare"]).failed(2, "bare");
    world
        .bndl(&["-f", "docker", "words"])
        .failed(3, "no docker image");
}

#[test]
fn links_and_devices_in_a_tar_are_refused_by_name() {
    let world = World::with_shop();
    let made = world.shell("ln -s /etc/passwd shop/web/link && tar cf link.tar shop && mkfifo p && tar cf pipe.tar p shop");
    assert_eq!(made.code, 0, "{}", made.stderr);
    world
        .bndl(&["link.tar"])
        .failed(1, "shop/web/link is a link");
    world.bndl(&["-f", "bundle", "pipe.tar"]).failed(1, "link");
}

#[test]
fn a_stream_that_leads_outside_is_refused() {
    let world = World::new();
    let mut header = tar::Header::new_ustar();
    header.as_old_mut().name[..10].copy_from_slice(b"../outside");
    header.set_size(1);
    header.set_mode(0o644);
    header.set_cksum();
    let mut builder = tar::Builder::new(Vec::new());
    builder.append(&header, &b"x"[..]).expect("in memory");
    world.write("evil.tar", builder.into_inner().expect("in memory"));
    let ran = world.bndl(&["-f", "configuration", "evil.tar"]);
    ran.failed(1, "../outside");
}
