//! `bndl validate`, and what `bndl` refuses to make.

use serde_json::Value;

use crate::world::{SHOP, World};

fn broken() -> String {
    SHOP.replace("memory = 67108864\n", "")
        .replace("[\"web/bin/run\"]", "\"web/bin/run -v\"")
        .replace("diskSpace", "disk-spcae")
}

#[test]
fn all_problems_are_told_at_once_with_their_places() {
    let world = World::with_shop();
    world.write("shop/bundle.conf", broken());
    let ran = world.bndl(&["validate", "shop"]);
    assert_eq!(ran.code, 1);
    for told in [
        "error: shop/bundle.conf:2:1: memory is missing",
        "error: shop/bundle.conf:2:1: disk-space is missing",
        "warning: shop/bundle.conf:8:1: unknown key disk-spcae, did you mean disk-space?",
        "error: shop/bundle.conf:14:21: start-command must be a list of words, found a string",
        "write [\"web/bin/run\", \"-v\"]",
        "3 errors, 1 warning",
    ] {
        assert!(
            ran.text().contains(told),
            "{told:?} is not in:\n{}",
            ran.text()
        );
    }
    let refused = world.bndl(&["shop"]);
    refused.failed(1, "start-command must be a list of words");
    refused.failed(1, "error: shop/bundle.conf:8:1: unknown key disk-spcae");
}

#[test]
fn rules_can_be_skipped() {
    let world = World::with_shop();
    world.write(
        "shop/bundle.conf",
        SHOP.replace("roles = [web]", "rolls = [web]"),
    );
    world.bndl(&["shop"]).failed(1, "did you mean roles?");
    world
        .bndl(&["shop", "--validation-exclude", "required"])
        .failed(1, "did you mean roles?");
    world
        .bndl(&["shop", "--validation-exclude", "property-names"])
        .failed(1, "roles is missing");
    let both = [
        "--validation-exclude",
        "required",
        "--validation-exclude",
        "property-names",
    ];
    assert_eq!(world.bndl(&[&["shop"], &both[..]].concat()).code, 0);
}

#[test]
fn a_sound_bundle_is_called_so_in_any_form() {
    let world = World::with_shop();
    world.write("shop.zip", world.made(&["shop"]));
    world.write("shop.tar", world.made(&["--no-shazar", "shop"]));
    for file in ["shop", "shop.zip", "shop.tar", "shop/bundle.conf"] {
        let ran = world.bndl(&["validate", file]);
        assert_eq!(
            (ran.code, ran.text()),
            (0, format!("{file} is a valid bundle\n").as_str())
        );
    }
    world.write(
        "prod.zip",
        world.made(&["-f", "configuration", "--memory", "5"]),
    );
    let ran = world.bndl(&["validate", "-f", "configuration", "prod.zip"]);
    assert_eq!(
        (ran.code, ran.text()),
        (0, "prod.zip is a valid configuration\n")
    );
    let ran = world.bndl(&["validate", "prod.zip"]);
    assert!(
        ran.code == 1 && ran.text().contains("say so: -f configuration"),
        "{ran:?}"
    );
}

#[test]
fn files_are_held_against_the_descriptor() {
    let world = World::with_shop();
    world.chmod("shop/web/bin/run", 0o644);
    let ran = world.bndl(&["validate", "shop"]);
    assert_eq!(ran.code, 0, "a warning is no failure");
    assert!(
        ran.text().contains("web/bin/run is not executable"),
        "{}",
        ran.text()
    );
    assert_eq!(
        world.bndl(&["validate", "--strict", "shop"]).code,
        1,
        "unless it should be"
    );
    std::fs::remove_file(world.path("shop/web/bin/run")).expect("remove");
    let ran = world.bndl(&["validate", "shop"]);
    assert!(
        ran.text().contains("the bundle has no file web/bin/run"),
        "{}",
        ran.text()
    );
}

#[test]
fn damage_to_an_archive_is_found() {
    let world = World::with_shop();
    let made = world.made(&["shop"]);
    let content = made
        .windows(5)
        .position(|window| window == b"sleep")
        .expect("the script");
    let mut damaged = made.clone();
    damaged[content] ^= 1;
    world.write("damaged.zip", &damaged);
    let ran = world.bndl(&["validate", "damaged.zip"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.text().contains("its checksum is wrong"),
        "{}",
        ran.text()
    );
    assert!(ran.text().contains("its trailer says"), "{}", ran.text());
    let name = format!("shop-{}.zip", "0".repeat(64));
    world.write(&name, &made);
    let ran = world.bndl(&["validate", &name]);
    assert!(
        ran.code == 1 && ran.text().contains("its name says 000"),
        "{}",
        ran.text()
    );
}

#[test]
fn the_shape_for_programs_stays() {
    let world = World::with_shop();
    world.write("shop/bundle.conf", broken());
    let ran = world.bndl(&["validate", "--output", "json", "shop"]);
    assert_eq!(ran.code, 1);
    let told: Value = serde_json::from_str(ran.text()).expect("JSON");
    let problem = told["problems"]
        .as_array()
        .expect("a list")
        .last()
        .expect("some")
        .clone();
    assert_eq!(told["valid"], false);
    assert_eq!((&told["errors"], &told["warnings"]), (&3.into(), &1.into()));
    assert_eq!(told["kind"], "bundle");
    let expected = serde_json::json!({
        "severity": "error",
        "file": "shop/bundle.conf",
        "line": 14,
        "column": 21,
        "message": "start-command must be a list of words, found a string",
        "help": "write [\"web/bin/run\", \"-v\"]",
    });
    assert_eq!(problem, expected);
}

#[test]
fn an_archive_shows_what_it_is() {
    let world = World::with_shop();
    world.write("shop.zip", world.made(&["shop"]));
    let ran = world.bndl(&["inspect", "shop.zip", "--output", "json"]);
    let told: Value = serde_json::from_str(ran.text()).expect("JSON");
    let keys: Vec<&str> = told
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        keys,
        [
            "file",
            "kind",
            "id",
            "name",
            "digest",
            "trailerDigest",
            "bytes",
            "unpackedBytes",
            "root",
            "conf",
            "files",
            "problems"
        ]
    );
    assert_eq!(told["digest"], told["trailerDigest"]);
    assert_eq!(told["conf"]["nr-of-cpus"], 0.1);
    let expected = serde_json::json!({
        "path": "shop/web/bin/run", "bytes": 26, "packedBytes": 26, "mode": "0755"
    });
    assert_eq!(told["files"][1], expected);
    world
        .bndl(&["inspect", "shop"])
        .failed(2, "bndl validate shop");
    let piped = world.shell("bndl shop | bndl inspect -");
    assert!(piped.text().starts_with("shop  bundle  "), "{piped:?}");
}
