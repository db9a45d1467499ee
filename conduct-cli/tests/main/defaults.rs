//! What is filled in.

use crate::world::{World, said};

#[test]
fn defaults_fill_in_all_that_a_bundle_needs() {
    let world = World::new();
    world.write("app/bin/run", "x");
    let command = ["--start-command", r#"["bin/run"]"#];
    for (kind, disk, tags) in [
        ("generic", "1073741824", "[\"0.0.1\"]"),
        ("akka", "1073741824", "[\"0.0.1\"]"),
        ("play", "1677721600", "[]"),
        ("lagom", "1677721600", "[]"),
    ] {
        let arguments = [
            &["app", "--with-defaults", kind, "--name", "app"],
            &command[..],
        ]
        .concat();
        let conf = world.conf(&arguments);
        let expected = [
            ("annotations", "{}"),
            ("compatibilityVersion", "\"0\""),
            ("diskSpace", disk),
            ("memory", "402653184"),
            ("nrOfCpus", "0.1"),
            ("roles", "[\"web\"]"),
            ("system", "\"app\""),
            ("systemVersion", "\"0\""),
            ("tags", tags),
            ("version", "\"1\""),
            ("components.app.description", "\"\""),
            ("components.app.file-system-type", "\"universal\""),
            ("components.app.endpoints", "{}"),
        ];
        for (key, value) in expected {
            assert_eq!(said(&conf, key), value, "{kind}: {key}");
        }
    }
}

#[test]
fn nothing_is_filled_in_unless_asked_for() {
    let world = World::with_shop();
    let conf = world.conf(&["shop"]);
    assert_eq!(said(&conf, "tags"), "nothing");
    let conf = world.conf(&["shop", "--with-defaults", "generic", "--tag", "2"]);
    assert_eq!(
        (said(&conf, "tags"), said(&conf, "system")),
        ("[\"2\"]".into(), "\"shop\"".into())
    );
}
