//! What flags make of a `bundle.conf`.

use crate::world::{SHOP, World, conf_of, file_of, said};

#[test]
fn top_level_flags_replace_what_is_there() {
    let world = World::with_shop();
    let conf = world.conf(&[
        "shop",
        "--name",
        "store",
        "--version",
        "2",
        "--compatibility-version",
        "3",
        "--system",
        "s",
        "--system-version",
        "4",
        "--nr-of-cpus",
        "2.5",
        "--memory",
        "1GiB",
        "--disk-space",
        "1000",
        "--role",
        "a",
        "--roles",
        "b",
        "--role",
        "a",
        "--tag",
        "1.0",
        "--annotation",
        "com.example.team=web",
        "--annotation",
        "com.example.mail=a=b",
    ]);
    let expected = [
        ("name", "\"store\""),
        ("version", "\"2\""),
        ("compatibilityVersion", "\"3\""),
        ("system", "\"s\""),
        ("systemVersion", "\"4\""),
        ("nrOfCpus", "2.5"),
        ("memory", "1073741824"),
        ("diskSpace", "1000"),
        ("roles", r#"["a","b"]"#),
        ("tags", r#"["1.0"]"#),
        (
            "annotations",
            r#"{"com":{"example":{"team":"web","mail":"a=b"}}}"#,
        ),
    ];
    for (key, value) in expected {
        assert_eq!(said(&conf, key), value, "{key}");
    }
}

#[test]
fn aliased_keys_are_there_once_as_old_readers_know_them() {
    let world = World::new();
    let kebab = SHOP
        .replace("compatibilityVersion", "compatibility-version")
        .replace("nrOfCpus", "nr-of-cpus")
        .replace("memory = 67108864", "memory = 64 MiB, nrOfCpus = 7");
    world.write("bundle.conf", kebab);
    let conf = world.conf(&["bundle.conf", "--compatibility-version", "5"]);
    assert_eq!(said(&conf, "compatibilityVersion"), "\"5\"");
    assert_eq!(said(&conf, "compatibility-version"), "nothing");
    assert_eq!(
        said(&conf, "nrOfCpus"),
        "0.1",
        "within a text today's spelling wins"
    );
    assert_eq!(said(&conf, "memory"), "67108864");
}

#[test]
fn endpoints_are_grouped_by_order_and_replace_the_old_ones() {
    let world = World::with_shop();
    let conf = world.conf(&[
        "--endpoint",
        "api",
        "--bind-port",
        "8080",
        "--service-name",
        "api",
        "--acl",
        "/v1",
        "--rewrite",
        "/",
        "--acl",
        "/health",
        "--path",
        "--acl",
        "^/u/(.*)$",
        "--path-regex",
        "--rewrite",
        "/x/\\1",
        "--endpoint",
        "bus",
        "--acl",
        "tcp:[7000, 7001]",
        "shop",
    ]);
    let endpoints = "components.web.endpoints";
    assert_eq!(
        said(&conf, &format!("{endpoints}.api")),
        r#"{"bind-protocol":"http","bind-port":8080,"service-name":"api","acls":[{"http":{"requests":[{"path-beg":"/v1","rewrite":"/"},{"path":"/health"},{"path-regex":"^/u/(.*)$","rewrite":"/x/\\1"}]}}]}"#
    );
    assert_eq!(
        said(&conf, &format!("{endpoints}.bus")),
        r#"{"bind-protocol":"tcp","bind-port":0,"acls":[{"tcp":{"requests":[7000,7001]}}]}"#
    );
    assert_eq!(said(&conf, &format!("{endpoints}.web")), "nothing");
}

#[test]
fn an_endpoint_keeps_the_acls_of_all_its_families() {
    let world = World::with_shop();
    let conf = world.conf(&[
        "shop",
        "--endpoint",
        "e",
        "--bind-protocol",
        "tcp",
        "--acl",
        "tcp:7000",
        "--acl",
        "/x",
    ]);
    assert_eq!(
        said(&conf, "components.web.endpoints.e.acls"),
        r#"[{"tcp":{"requests":[7000]}},{"http":{"requests":[{"path-beg":"/x"}]}}]"#
    );
}

#[test]
fn components_are_named_where_there_are_several() {
    let world = World::with_shop();
    let conf = world.conf(&[
        "shop",
        "--start-command",
        r#"["web/bin/run", "-v", "$WEB_BIND_PORT"]"#,
        "--description",
        "new",
    ]);
    assert_eq!(
        said(&conf, "components.web.start-command"),
        r#"["web/bin/run","-v","$WEB_BIND_PORT"]"#
    );
    assert_eq!(said(&conf, "components.web.description"), "\"new\"");

    let two = SHOP.replace(
        "components {",
        "components { api { description = \"\", file-system-type = oci-image, start-command = [] }",
    );
    world.write("two.conf", two);
    world
        .bndl(&["two.conf", "--description", "x"])
        .failed(2, "several components, api, web");
    let conf = world.conf(&["two.conf", "--volume", "data=/data", "--component", "api"]);
    assert_eq!(said(&conf, "components.api.volumes"), r#"{"data":"/data"}"#);
}

#[test]
fn a_check_is_a_component_of_its_own() {
    let world = World::with_shop();
    let conf = world.conf(&[
        "shop",
        "--initial-delay",
        "3",
        "--check",
        "$WEB_HOST/health",
        "tcp://db:5432",
    ]);
    assert_eq!(
        said(&conf, "components.bundle-status.start-command"),
        r#"["check","--initial-delay","3","$WEB_HOST/health","tcp://db:5432"]"#
    );
    assert_eq!(said(&conf, "components.bundle-status.endpoints"), "{}");
    world
        .bndl(&["shop", "--initial-delay", "3"])
        .failed(2, "there is none");
    world
        .bndl(&["--check", "$WEB_HOST", "shop"])
        .failed(2, "a SOURCE goes before --check");
}

#[test]
fn variables_are_added_to_the_script() {
    let world = World::with_shop();
    world.write("shop/runtime-config.sh", "# mine\n");
    let made = world.made(&["shop", "--env", "A=b", "--env", "B=\"`x`\\$HOME"]);
    let script = file_of(made, "runtime-config.sh");
    assert_eq!(
        script,
        "# mine\nexport \"A=b\"\nexport \"B=\\\"\\`x\\`\\\\$HOME\""
    );
}

#[test]
fn a_configuration_says_only_what_it_is_told_to() {
    let world = World::new();
    let made = world.made(&["-f", "configuration", "--memory", "5", "--env", "A=b"]);
    assert_eq!(conf_of(made.clone()).to_line(), r#"{"memory":5}"#);
    assert_eq!(file_of(made, "runtime-config.sh"), "export \"A=b\"");
    world
        .bndl(&["-f", "configuration", "--endpoint", "e"])
        .failed(2, "no name for a new one");
    let conf = world.conf(&[
        "-f",
        "configuration",
        "--endpoint",
        "e",
        "--component",
        "web",
    ]);
    let expected = r#"{"web":{"endpoints":{"e":{"bind-protocol":"tcp","bind-port":0}}}}"#;
    assert_eq!(said(&conf, "components"), expected);
}

#[test]
fn strings_survive_and_appending_works() {
    let world = World::with_shop();
    let added = r#"
annotations { a = "back\\slash \"quoted\" \u00e9", b = """multi
line""" }
roles += data
"#;
    world.write("shop/bundle.conf", format!("{SHOP}{added}"));
    let conf = world.conf(&["shop"]);
    assert_eq!(said(&conf, "roles"), r#"["web","data"]"#);
    assert_eq!(
        conf.at("annotations.a").map(|a| a.as_str().expect("text")),
        Some("back\\slash \"quoted\" é")
    );
    assert_eq!(
        conf.at("annotations.b").map(|b| b.as_str().expect("text")),
        Some("multi\nline")
    );
    world.write("shop.zip", world.made(&["shop"]));
    assert_eq!(world.conf(&["shop.zip"]), conf);
}

#[test]
fn wrong_usage_ends_with_two_and_says_what_is_right() {
    let world = World::with_shop();
    let cases: [(&[&str], &str); 9] = [
        (&["--annotation", "x"], "it has no ="),
        (&["--volume", "x"], "NAME=PATH"),
        (&["--component", "x"], "--component must follow"),
        (&["--endpoint", "e", "--acl", "[7000]"], "tcp:[7000]"),
        (
            &["--endpoint", "e", "--acl", "ftp:/x"],
            "a family is http, tcp or udp",
        ),
        (
            &["--endpoint", "e", "--acl", "tcp:/x"],
            "ports are written tcp:[7000, 7001]",
        ),
        (&["--memory", "much"], "no size"),
        (&["--endpiont", "x"], "--endpoint"),
        (&["-f", "oci-bundle"], "possible values"),
    ];
    for (arguments, told) in cases {
        let all: Vec<&str> = ["shop"].iter().chain(arguments).copied().collect();
        world.bndl(&all).failed(2, told);
    }
}
