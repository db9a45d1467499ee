//! What is said about a wrong `bundle.conf`.

use std::time::Duration;

use conduct_bundle::conf::read;

use crate::conf::LEAST;
use crate::effort::effort;

/// All problems of the least conf with `more` behind it, a line each, without their places.
fn problems(more: &str) -> Vec<String> {
    let reading = read(&format!("{LEAST}\n{more}"), None);
    assert_eq!(
        reading.descriptor.is_none(),
        reading.errors().next().is_some()
    );
    reading
        .diagnostics
        .iter()
        .map(|it| it.message().to_owned())
        .collect()
}

#[test]
fn all_problems_are_told_at_once_in_the_order_of_the_text() {
    let conf = r#"
name = "my shop"
nr-of-cpu = 0.1
memory = much
roles = web
system-version = "1"
components {
  shop {
    file-system-type = universal
    start-command = "bin/shop -v"
    endpoints { web { bind-protocol = https, bind-port = 70000, service-nam = x } }
  }
}
"#;
    let reading = read(conf, None);
    let told: Vec<String> = reading
        .diagnostics
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        told,
        [
            "bundle.conf:2:1: version is missing",
            "bundle.conf:2:1: compatibility-version is missing",
            "bundle.conf:2:1: system is missing",
            "bundle.conf:2:1: nr-of-cpus is missing",
            "bundle.conf:2:1: disk-space is missing",
            "bundle.conf:2:8: a bundle's name cannot hold ' '",
            "bundle.conf:3:1: unknown key nr-of-cpu, did you mean nr-of-cpus?",
            "bundle.conf:4:10: memory must be a size such as 384 MiB or 402653184, found the string \"much\"",
            "bundle.conf:5:9: roles must be a list of words, found a string",
            "bundle.conf:8:8: description is missing",
            "bundle.conf:10:21: start-command must be a list of words, found a string",
            "bundle.conf:11:39: bind-protocol must be one of http, tcp, udp, not \"https\"",
            "bundle.conf:11:58: bind-port must be a whole number from 0 to 65535, found the number 70000",
            "bundle.conf:11:65: unknown key service-nam, did you mean service-name?",
        ]
    );
    let shown = reading.diagnostics[10].render();
    assert_eq!(
        shown,
        "error: bundle.conf:10:21: start-command must be a list of words, found a string\n    \
         9 |     file-system-type = universal\n   \
         10 |     start-command = \"bin/shop -v\"\n      \
         |                     ^^^^^^^^^^^^^ write [\"bin/shop\", \"-v\"]"
    );
}

#[test]
fn every_mistake_has_its_words() {
    let component = |fields: &str| format!("components.shop {{ {fields} }}");
    let endpoint = |fields: &str| {
        component(&format!(
            "endpoints.web {{ bind-protocol = http, bind-port = 0, {fields} }}"
        ))
    };
    let http = |fields: &str| endpoint(&format!("acls = [{{ http.requests = [{{ {fields} }}] }}]"));
    let cases = [
        (
            "nr-of-cpus = -1",
            "nr-of-cpus must be a number from 0 to 1000, found the number -1",
        ),
        (
            "nr-of-cpus = two",
            "nr-of-cpus must be a number, found the string \"two\"",
        ),
        (
            "memory = 2000 PiB",
            "memory must be at most 1 PiB, found the string \"2000 PiB\"",
        ),
        (
            "exclusive = maybe",
            "exclusive must be true or false, found the string \"maybe\"",
        ),
        (
            "on-quarantine = keeep",
            "on-quarantine must be one of stop, keep, not \"keeep\"",
        ),
        (
            "exclusive = true, on-quarantine = keep",
            "on-quarantine = keep cannot go with exclusive = true: a cut-off instance would run \
             beside its replacement",
        ),
        (
            "stop-grace = 10",
            "stop-grace must be a duration with its unit such as 10 s, found the number 10",
        ),
        (
            "stop-grace = 2 h",
            "stop-grace must be a duration from 0 ms to 60 min, found the string \"2 h\"",
        ),
        (
            "max-per-node = 0",
            "max-per-node must be a whole number from 1 to 1000, found the number 0",
        ),
        (
            "secrets = [\"A=b\"]",
            "the name of a variable cannot hold '='",
        ),
        (
            "roles = [\"a b\"]",
            "a role is 1 to 64 letters, digits, dashes, dots or underscores, this is \"a b\"",
        ),
        ("name = \"\"", "a bundle's name cannot be empty"),
        ("system = \"a\\nb\"", "a name cannot hold '\\n'"),
        ("components = null", "components is missing"),
        (
            "components = null, components {}",
            "components is empty: a bundle has at least one",
        ),
        (
            "components = [x]",
            "components must be an object, found a list",
        ),
        (
            &component("start-command = []"),
            "start-command is empty, and there is no image that says what to run",
        ),
        (
            &component("start-command = [\"a\\nb\"]"),
            "a word of a command cannot hold the control character '\\n'",
        ),
        (
            &component("start-command = [\"$(a\"]"),
            "the command that begins with $( has no end",
        ),
        (
            &component("start-command = [check, --fast, x]"),
            "check has no option --fast",
        ),
        (
            &component("start-command = [check, \"ftp://x\"]"),
            "\"ftp://x\" is no address to check: it begins with none of $NAME, http:// and tcp://",
        ),
        (
            &component("start-command = [check, \"$WEB_HOST\"]"),
            "no endpoint of this bundle sets WEB_HOST",
        ),
        (
            &component("liveness {}"),
            "liveness belongs to a component that runs check",
        ),
        (
            &component("volumes {}, file-system-type = docker"),
            "volumes is empty",
        ),
        (
            &component("volumes.data = /x"),
            "volumes mean nothing to a component that is no container",
        ),
        (
            &component("volumes.data = \"/x:ro\", file-system-type = docker"),
            "a mount point cannot hold ':'",
        ),
        (
            &component("description = \"a\\u001b[2J\""),
            "description cannot hold '\\u{1b}'",
        ),
        (
            &component(
                "endpoints { a-b { bind-protocol = tcp, bind-port = 1 }, a_b { bind-protocol = tcp, bind-port = 1 } }",
            ),
            "the endpoints a-b and a_b both have the variables A_B_…",
        ),
        (
            &component("endpoints.service-locator { bind-protocol = tcp, bind-port = 1 }"),
            "an endpoint called service-locator would hide the variables SERVICE_LOCATOR_…",
        ),
        (
            &component("endpoints.\"we b\" { bind-protocol = tcp, bind-port = 1 }"),
            "an endpoint's name cannot hold ' '",
        ),
        (
            &endpoint("service-name = \"a/b\""),
            "a service name cannot hold '/'",
        ),
        (
            &endpoint("service-name = \"\""),
            "a service name cannot be empty",
        ),
        (
            &endpoint("services = [\"http://:80/x\"]"),
            "services is not read any more",
        ),
        (
            &endpoint("services = [\"http://:80/x\"], acls = []"),
            "services and acls exclude each other",
        ),
        (
            &endpoint("acls = [{}]"),
            "an item of acls has http, tcp or udp",
        ),
        (&endpoint("acls = [{ http {} }]"), "http has no requests"),
        (
            &endpoint("acls = [{ tcp.requests = [0] }]"),
            "a port must be a whole number from 1 to 65535, found the number 0",
        ),
        (
            &http(""),
            "a request has one of path, path-beg and path-regex",
        ),
        (
            &http("path = \"/a\", path-beg = \"/b\""),
            "a request has only one of path and path-beg",
        ),
        (&http("path = a"), "a path begins with /"),
        (
            &http("path-beg = \"/a b\""),
            "a path cannot hold ' '; write it as %XX",
        ),
        (
            &http("path-beg = \"/a\\nb\""),
            "a path cannot hold '\\n'; write it as %XX",
        ),
        (
            &http("path = \"/{\""),
            "a path cannot hold '{'; write it as %XX",
        ),
        (
            &http("path-regex = \"(\""),
            "it is no regular expression: unclosed group",
        ),
        (
            &http("path-regex = \"{ src 0.0.0.0 }\""),
            "an expression cannot hold ' '; a path has it as %XX, if at all",
        ),
        (
            &http("path-beg = \"/a\", rewrite = \"/\\\\1\""),
            "the rewrite uses \\1, but the path has no groups",
        ),
        (
            &http("path-beg = \"/a\", rewrite = \"/a b\""),
            "the rewrite is wrong: a path cannot hold ' '; write it as %XX",
        ),
        (
            &http("path-beg = \"/a\", method = \"GET {\""),
            "a method is a word of up to 32 letters such as GET",
        ),
    ];
    for (more, message) in cases {
        assert_eq!(problems(more), [message], "{more}");
    }
}

#[test]
fn the_place_of_a_mistake_in_an_overlay_is_in_the_overlay() {
    let reading = read(LEAST, Some("\nmemory = much"));
    let told = reading.diagnostics[0].to_string();
    assert!(
        told.starts_with("configuration/bundle.conf:2:10: memory must be"),
        "{told}"
    );
}

#[test]
fn a_text_that_is_no_hocon_is_refused_with_the_place() {
    let reading = read("name = [1, 2", None);
    assert!(reading.descriptor.is_none());
    assert!(
        reading.diagnostics[0]
            .to_string()
            .starts_with("bundle.conf:1:"),
        "{reading:?}"
    );
}

#[test]
fn hostile_texts_are_refused_within_a_tenth_of_a_second() {
    let cycle = "a = ${b}, b = ${a}".to_owned();
    let deep = format!("a = {}", "[".repeat(10_000));
    let large = format!("a = \"{}\"", "x".repeat(10 << 20));
    let laughs = (1..40).fold("a0 = [lol, lol]".to_owned(), |text, n| {
        format!("{text}\na{n} = ${{a{m}}} ${{a{m}}}", m = n - 1)
    });
    let include = "include file(\"/etc/passwd\")".to_owned();
    let environment = "name = ${HOME}".to_owned();
    let unknown: String = (0..6000).map(|n| format!("nam{n}=1\n")).collect();
    for text in [cycle, deep, large, laughs, include, environment, unknown] {
        let (reading, took) = effort(|| read(&text, None));
        assert!(reading.descriptor.is_none());
        assert!(reading.errors().next().is_some());
        assert!(reading.diagnostics.len() <= 201);
        // Builds without optimisation get more time.
        let allowed = if cfg!(debug_assertions) { 500 } else { 100 };
        assert!(
            took < Duration::from_millis(allowed),
            "{took:?}: {}",
            &text[..40.min(text.len())]
        );
    }
}
