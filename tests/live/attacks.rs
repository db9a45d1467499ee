//! What strangers send.

use std::io::{ErrorKind, Read};
use std::time::{Duration, Instant};

use conduct_tests::bundle::BOUNDARY;
use conduct_tests::http::{Connection, request};
use conduct_tests::{Bundle, Cluster, Node, eventually};

fn status(node: &Node, method: &str, path: &str, headers: &[(&str, &str)]) -> u16 {
    let answer = request(node.control(), method, path, headers, b"");
    answer.unwrap_or_else(|error| panic!("{error}")).status
}

#[test]
fn web_pages_and_other_names_are_turned_away() {
    let cluster = Cluster::start(1);
    let node = &cluster[0];
    cluster.load(0, &Bundle::web(cluster.folder(), "hello"));
    let own = node.control().to_string();
    let bare = node.ip().to_string();
    for host in [own.as_str(), &bare, "localhost:9005"] {
        assert_eq!(
            status(node, "GET", "/v2/bundles", &[("Host", host)]),
            200,
            "{host}"
        );
    }
    for host in [
        "evil.example",
        "evil.example:9005",
        "127.0.0.1.evil.example",
    ] {
        for path in ["/v2/bundles", "/healthz", "/nothing"] {
            assert_eq!(
                status(node, "GET", path, &[("Host", host)]),
                421,
                "{host} {path}"
            );
        }
    }
    for headers in [
        [("Origin", "http://evil.example")],
        [("Origin", "null")],
        [("Sec-Fetch-Site", "cross-site")],
    ] {
        let wish = "/v2/bundles/hello?scale=1";
        assert_eq!(status(node, "PUT", wish, &headers), 403, "{headers:?}");
        assert_eq!(
            status(node, "DELETE", "/v2/bundles/hello", &headers),
            403,
            "{headers:?}"
        );
    }
    let form = [("Content-Type", "text/plain")];
    assert_eq!(status(node, "POST", "/v2/bundles", &form), 400);
    let list = node.get("/v2/bundles").expect("an answer");
    assert_eq!(
        list.json()[0].get("bundleScale"),
        None,
        "nothing of it had an effect"
    );
    assert_eq!(list.header("access-control-allow-origin"), None);
    assert_eq!(list.header("x-content-type-options"), Some("nosniff"));
    let policy = list.header("content-security-policy").unwrap_or_default();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
}

#[test]
fn what_could_be_read_in_two_ways_is_not_read_at_all() {
    let cluster = Cluster::start(1);
    let control = cluster[0].control();
    let second = "GET /v2/members HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for (what, head) in [
        (
            "both lengths",
            "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        ),
        ("two lengths", "Content-Length: 4\r\nContent-Length: 5\r\n"),
        ("a signed length", "Content-Length: +5\r\n"),
        ("an unknown coding", "Transfer-Encoding: xchunked\r\n"),
        ("a folded header", "X-A: b\r\n c\r\n"),
        ("a blank before the colon", "Content-Length : 4\r\n"),
    ] {
        let mut connection = Connection::open(control).expect("it listens");
        let text =
            format!("POST /v2/bundles HTTP/1.1\r\nHost: localhost\r\n{head}\r\n0\r\n\r\n{second}");
        connection.send(text.as_bytes()).expect("it takes bytes");
        let answer = connection.answer().expect("an answer");
        assert_eq!(answer.status, 400, "{what}: {}", answer.text());
        let mut rest = Vec::new();
        match connection.socket().read_to_end(&mut rest) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{what}"),
        }
        let rest = String::from_utf8_lossy(&rest);
        assert!(
            !rest.contains("HTTP/1.1"),
            "{what}: a second request was read: {rest}"
        );
    }
}

#[test]
fn heads_have_bounds_in_size_number_and_time() {
    let cluster = Cluster::start(1);
    let node = &cluster[0];
    let long = "x".repeat(20_000);
    assert_eq!(
        status(node, "GET", &format!("/v2/bundles/{long}"), &[]),
        431
    );
    assert_eq!(
        status(node, "GET", "/v2/bundles", &[("X-Long", &long)]),
        431
    );
    let many: Vec<(String, &str)> = (0..80).map(|at| (format!("X-{at}"), "1")).collect();
    let many: Vec<(&str, &str)> = many
        .iter()
        .map(|(name, value)| (name.as_str(), *value))
        .collect();
    assert_eq!(status(node, "GET", "/v2/bundles", &many), 431);

    let begun = Instant::now();
    let mut slow: Vec<Connection> = (0..100)
        .map(|_| Connection::open(node.control()).expect("it listens"))
        .collect();
    for connection in &mut slow {
        connection
            .send(b"GET /v2/bundles HTTP/1.1\r\nHost: loc")
            .expect("it takes bytes");
    }
    assert_eq!(
        status(node, "GET", "/v2/bundles", &[]),
        200,
        "others are served meanwhile"
    );
    for connection in &slow {
        let mut rest = Vec::new();
        // An answer or none: what counts is that it ends.
        let ended = connection.socket().read_to_end(&mut rest);
        assert!(ended.is_ok_and(|_| begun.elapsed() < Duration::from_secs(25)));
    }
}

#[test]
fn an_upload_that_ends_early_leaves_nothing() {
    let cluster = Cluster::start(1);
    let node = &cluster[0];
    let web = Bundle::web(cluster.folder(), "hello");
    let mut connection = Connection::open(node.control()).expect("it listens");
    let head = format!(
        "POST /v2/bundles HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\
         Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n\
         --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"bundleConf\"\r\n\r\n{}\r\n\
         --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"bundle\"; filename=\"{}\"\r\n\r\n",
        web.conf(),
        web.file_name()
    );
    connection.send(head.as_bytes()).expect("it takes bytes");
    connection
        .send(&web.bytes()[..500])
        .expect("it takes bytes");
    drop(connection);
    eventually("nothing of it is left", || {
        let archives = std::fs::read_dir(node.folder().join("archives"));
        let left = archives.map_err(|error| error.to_string())?.count();
        if left == 0 {
            Ok(())
        } else {
            Err(format!("{left} files"))
        }
    });
    assert_eq!(
        node.json("/v2/bundles").expect("a list"),
        serde_json::json!([])
    );
    assert_eq!(
        cluster.load(0, &web).len(),
        32,
        "and it can be loaded as if nothing had been"
    );
}

#[test]
fn what_instances_write_is_no_command_to_a_terminal_and_no_event() {
    let cluster = Cluster::start(1);
    let program = "import sys\nprint('a\\x1b[31mred\\x1b]0;title\\x07\\rb', flush=True)\n\
                   print('event: bundleErrorOccurred', flush=True)\nsys.exit(0)\n";
    let evil = Bundle::python(cluster.folder(), "evil", program, "");
    let id = cluster.load(0, &evil);
    let wish = format!("/v2/bundles/{id}?scale=1");
    assert_eq!(status(&cluster[0], "PUT", &wish, &[]), 200);
    let shown = eventually("its lines are there", || {
        let ran = conduct_tests::run(&mut cluster[0].conduct(&["logs", "evil"]));
        if ran.stdout.contains("red") {
            Ok(ran.stdout)
        } else {
            Err(format!("{ran:?}"))
        }
    });
    assert!(
        shown.chars().all(|c| c == '\n' || !c.is_control()),
        "{shown:?}"
    );
    let path = "/v2/bundles/evil/logs?follow=true&count=10";
    let mut lines = conduct_tests::http::Events::open(cluster[0].control(), path, &[]);
    let lines = lines.as_mut().expect("a stream");
    for _ in 0..2 {
        let event = lines.next_event().expect("a line");
        assert_eq!(
            event.name, "line",
            "a line cannot say which event it is: {event:?}"
        );
    }
}
