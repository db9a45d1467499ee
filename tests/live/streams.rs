//! Streams of events as they go over the wire.

use std::time::{Duration, Instant};

use conduct_tests::http::{Event, Events};
use conduct_tests::{Bundle, Cluster, eventually};

/// Reads on until an event has this name.
fn until(events: &mut Events, name: &str) -> Vec<Event> {
    let mut seen = Vec::new();
    loop {
        let event = events.next_event().expect("the stream goes on");
        let is_it = event.name == name;
        seen.push(event);
        if is_it {
            return seen;
        }
    }
}

#[test]
fn a_stream_tells_what_becomes_of_a_bundle_and_beats_meanwhile() {
    let cluster = Cluster::start(1);
    let control = cluster[0].control();
    let mut all = Events::open(control, "/v2/bundles/events", &[]).expect("a stream");
    let mut some =
        Events::open(control, "/bundles/events?events=Installation", &[]).expect("a stream");
    assert_eq!(all.head.header("content-type"), Some("text/event-stream"));
    let first = all.next_of_any_kind().expect("a heartbeat");
    assert_eq!((first.name.as_str(), first.data.as_str()), ("", ""));
    let begun = Instant::now();
    for _ in 0..3 {
        all.next_of_any_kind().expect("a heartbeat");
    }
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "it beats about every second"
    );

    let id = cluster.load(0, &Bundle::web(cluster.folder(), "hello"));
    let told = until(&mut all, "bundleInstallationAdded");
    assert!(told.iter().all(|event| event.data == id), "{told:?}");
    let names: Vec<&str> = told.iter().map(|event| event.name.as_str()).collect();
    assert!(names.contains(&"bundleInfoAdded") && names.contains(&"bundleConfigAdded"));
    let only = some.next_event().expect("the stream goes on");
    assert_eq!(
        (only.name.as_str(), only.data),
        ("bundleInstallationAdded", id.clone())
    );

    cluster.run(0, &id, 1);
    until(&mut all, "bundleExecutionAdded");
    until(&mut all, "bundleExecutionChanged");
}

#[test]
fn who_comes_back_is_told_what_it_missed() {
    let cluster = Cluster::start(1);
    let control = cluster[0].control();
    let mut before = Events::open(control, "/v2/bundles/events", &[]).expect("a stream");
    let first = cluster.load(0, &Bundle::web(cluster.folder(), "one"));
    let seen = until(&mut before, "bundleInstallationAdded");
    let last = seen.last().expect("an event").id.clone();
    assert!(!last.is_empty(), "events say where to go on from: {seen:?}");
    drop(before);
    let second = cluster.load(0, &Bundle::web(cluster.folder(), "two"));
    let headers = [("Last-Event-ID", last.as_str())];
    let mut after = Events::open(control, "/v2/bundles/events", &headers).expect("a stream");
    let missed = until(&mut after, "bundleInstallationAdded");
    assert!(
        missed
            .iter()
            .all(|event| event.data == second && event.data != first),
        "{missed:?}"
    );

    let headers = [("Last-Event-ID", "of-another-life-1")];
    let mut lost = Events::open(control, "/v2/bundles/events", &headers).expect("a stream");
    assert_eq!(lost.next_event().expect("an event").name, "lagged");
}

#[test]
fn logs_are_followed_from_all_nodes() {
    let cluster = Cluster::start(2);
    let id = cluster.load(0, &Bundle::web(cluster.folder(), "hello"));
    cluster.run(0, &id, 2);
    let path = "/v2/bundles/hello/logs?count=100";
    let lines = eventually("the lines of both are there", || {
        let lines = cluster[1].json(path)?;
        let lines = lines.as_array().cloned().unwrap_or_default();
        if lines.len() == 4 {
            Ok(lines)
        } else {
            Err(format!("{lines:?}"))
        }
    });
    let times: Vec<&str> = lines
        .iter()
        .filter_map(|line| line["timestamp"].as_str())
        .collect();
    assert!(times.is_sorted(), "{times:?}");
    let errors = cluster[0]
        .json("/v2/bundles/hello/logs?stream=stderr")
        .expect("lines");
    let errors = errors.as_array().expect("a list");
    assert_eq!(errors.len(), 2);
    assert!(
        errors
            .iter()
            .all(|line| line["message"] == "this goes to the other stream")
    );
    let path = "/v2/bundles/hello/logs?follow=true&count=100";
    let mut following = Events::open(cluster[0].control(), path, &[]).expect("a stream");
    for _ in 0..4 {
        assert_eq!(following.next_event().expect("a line").name, "line");
    }
    cluster.run(0, &id, 0);
    cluster.run(0, &id, 1);
    let next = following.next_event().expect("a line");
    assert!(next.data.contains("listening on port"), "{next:?}");
    let previous = cluster[0].json("/v2/bundles/hello/logs?previous=true&count=100");
    assert_eq!(previous.expect("lines").as_array().map(Vec::len), Some(4));
}

#[test]
fn a_service_is_found_through_any_node_while_it_takes_calls() {
    let cluster = Cluster::start(2);
    let id = cluster.load(0, &Bundle::web(cluster.folder(), "hello"));
    let list = "/v2/service-hosts/hello";
    let get = |node: usize, path: &str| {
        let locator = cluster[node].locator();
        conduct_tests::http::request(locator, "GET", path, &[], b"").expect("an answer")
    };
    assert_eq!(get(0, "/services/hello").status, 404);
    assert_eq!(get(0, list).text(), "[]");
    let mut stream = Events::open(cluster[0].locator(), &format!("{list}/events"), &[]);
    let stream = stream.as_mut().expect("a stream");
    let bundle = cluster.run(0, &id, 1);
    let execution = &bundle["bundleExecutions"][0];
    let host = execution["host"].as_str().expect("an address");
    let port = execution["endpoints"]["web"]["hostPort"]
        .as_u64()
        .expect("a port");
    let place = format!("http://{host}:{port}");
    let appeared = stream.next_event().expect("an event");
    assert_eq!(appeared.name, "running");
    for node in 0..2 {
        eventually("the locator knows it", || match get(node, list).text() {
            text if text.contains(host) => Ok(()),
            text => Err(text),
        });
        for (path, expected) in [
            ("/services/hello", place.clone()),
            ("/services/hello/123?a=b&c", format!("{place}/123?a=b&c")),
            ("/hello/123", format!("{place}/123")),
            (
                "/services/hello//evil.example/",
                format!("{place}//evil.example/"),
            ),
        ] {
            let answer = get(node, path);
            assert_eq!(answer.status, 307, "{path}: {}", answer.text());
            assert_eq!(answer.header("location"), Some(expected.as_str()), "{path}");
            let cache = answer.header("cache-control").unwrap_or_default();
            assert!(
                cache.starts_with("private=\"Location\", max-age="),
                "{cache}"
            );
        }
        assert_eq!(get(node, &format!("{list}/{host}")).json()["port"], port);
        assert_eq!(get(node, &format!("{list}/127.9.9.9")).status, 404);
        let old = get(node, "/service-hosts/hello").json();
        assert_eq!(old, serde_json::json!([format!("{host}:{port}")]));
    }
    cluster.run(0, &id, 0);
    assert_eq!(stream.next_event().expect("an event").name, "stopped");
    assert_eq!(get(0, "/services/hello").status, 404);
}
