//! The control API as it goes over the wire: each status of each path.

use conduct_tests::bundle::upload;
use conduct_tests::http::{Response, request};
use conduct_tests::{Bundle, Cluster, Node};

fn ask(node: &Node, method: &str, path: &str) -> Response {
    let answer = request(node.control(), method, path, &[], b"");
    answer.unwrap_or_else(|error| panic!("{error}"))
}

/// An error: its status, its word, and that people can read it under the type that old clients know.
#[track_caller]
fn refused(answer: &Response, status: u16, code: &str, told: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("conduct-error"), Some(code));
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; charset=UTF-8")
    );
    assert!(
        answer.text().contains(told),
        "{told:?} is not in {}",
        answer.text()
    );
}

#[test]
fn a_bundle_is_loaded_run_stopped_and_unloaded_through_any_node() {
    let cluster = Cluster::start(3);
    let web = Bundle::web(cluster.folder(), "hello");
    let id = cluster.load(0, &web);
    let bundle = cluster.run(1, &id, 2);
    assert_eq!(bundle["bundleScale"]["scale"], 2);
    assert_eq!(bundle["hasError"], false);
    for execution in bundle["bundleExecutions"].as_array().expect("a list") {
        let started = execution["startTime"].as_str().expect("a time");
        assert_eq!((started.len(), &started[23..]), (24, "Z"), "{started}");
        assert_eq!(execution["isActive"], execution["isStarted"]);
    }
    let still = ask(&cluster[2], "DELETE", "/v2/bundles/hello");
    refused(&still, 409, "still-running", "stop them first");
    let stopped = ask(&cluster[2], "PUT", "/v2/bundles/hello?scale=0");
    assert_eq!(stopped.json()["bundleId"], id.as_str());
    // Whoever is asked to forget it must know that nothing runs any more.
    cluster.running(1, &id, 0);
    let gone = ask(&cluster[1], "DELETE", &format!("/v2/bundles/{}", &id[..7]));
    assert_eq!((gone.status, &gone.json()["bundleId"]), (200, &id.into()));
    for node in cluster.nodes() {
        conduct_tests::eventually("no node lists it", || match node.json("/v2/bundles")? {
            list if list == serde_json::json!([]) => Ok(()),
            list => Err(list.to_string()),
        });
    }
}

#[test]
fn every_refusal_has_its_status_and_a_sentence() {
    let cluster = Cluster::start(1);
    let node = &cluster[0];
    let id = cluster.load(0, &Bundle::web(cluster.folder(), "hello"));
    let other = cluster.load(0, &Bundle::web(cluster.folder(), "help"));
    let told = [id.as_str(), &other].map(str::to_owned);
    for (method, path, status, code, told) in [
        (
            "GET",
            "/v2/nothing",
            404,
            "not-found",
            "nothing at this path",
        ),
        (
            "GET",
            "/v2/bundles/nothing",
            404,
            "unknown-bundle",
            "'nothing'",
        ),
        (
            "GET",
            "/v2/bundles/hello",
            406,
            "not-acceptable",
            "application/hocon",
        ),
        (
            "GET",
            "/v2/bundles/hello/nothing",
            404,
            "not-found",
            "nothing at this path",
        ),
        ("GET", "/v2/license", 404, "not-found", "no licences"),
        ("GET", "/", 404, "not-found", "'visualizer'"),
        (
            "GET",
            "/v2/deployments/batches/1",
            404,
            "not-found",
            "'deployments'",
        ),
        (
            "PUT",
            "/v2/bundles/hello",
            400,
            "malformed",
            "either scale or scaleOffset",
        ),
        (
            "PUT",
            "/v2/bundles/hello?scale=1&scaleOffset=1",
            400,
            "malformed",
            "either",
        ),
        (
            "PUT",
            "/v2/bundles/hello?scale=-1",
            400,
            "malformed",
            "'-1'",
        ),
        (
            "PUT",
            "/v2/bundles/hello?scale=99999999999",
            400,
            "malformed",
            "'99999999999'",
        ),
        (
            "PUT",
            "/v2/bundles/hello?scaleOffset=x",
            400,
            "malformed",
            "'x'",
        ),
        (
            "PUT",
            "/v2/bundles/hello?scale=1&affinity=no",
            404,
            "unknown-bundle",
            "'no'",
        ),
        (
            "PUT",
            "/v2/bundles/hel?scale=1",
            300,
            "ambiguous-bundle",
            &told.join(","),
        ),
        (
            "PUT",
            "/v2/bundles/no?scale=1",
            404,
            "unknown-bundle",
            "'no'",
        ),
        ("DELETE", "/v2/bundles/no", 404, "unknown-bundle", "'no'"),
        (
            "GET",
            "/v2/bundles/hello/logs?count=0",
            400,
            "malformed",
            "from 1 to 100",
        ),
        (
            "GET",
            "/v2/bundles/hello/logs?count=101",
            400,
            "malformed",
            "'101'",
        ),
        (
            "GET",
            "/v2/bundles/hello/events?count=x",
            400,
            "malformed",
            "'x'",
        ),
        ("GET", "/v2/bundles/no/logs", 404, "unknown-bundle", "'no'"),
        (
            "GET",
            "/v2/bundles/no/events",
            404,
            "unknown-bundle",
            "'no'",
        ),
        ("GET", "/v2/bundles/no/why", 404, "unknown-bundle", "'no'"),
        ("GET", "/v2/members/no", 404, "not-found", "'no'"),
        // Names that would be paths are only names.
        (
            "GET",
            "/v2/bundles/..%2f..%2fetc%2fpasswd",
            404,
            "unknown-bundle",
            "'../../etc/passwd'",
        ),
        (
            "GET",
            "/v2/bundles/%2e%2e/logs",
            404,
            "unknown-bundle",
            "'..'",
        ),
    ] {
        let answer = ask(node, method, path);
        // One after the other sorts by id; either order names both.
        if status == 300 {
            assert!(answer.text().contains(&id) && answer.text().contains(&other));
            refused(&answer, status, code, "ambiguous");
        } else {
            refused(&answer, status, code, told);
        }
        let unversioned = path.strip_prefix("/v2").unwrap_or(path);
        assert_eq!(
            ask(node, method, unversioned).status,
            status,
            "{unversioned}"
        );
    }
    let other = ask(node, "PATCH", "/v2/bundles");
    assert_eq!(
        (other.status, other.header("allow")),
        (405, Some("GET,HEAD,POST"))
    );
}

#[test]
fn the_conf_and_the_archives_of_a_bundle_are_given_as_they_are() {
    let cluster = Cluster::start(1);
    let web = Bundle::web(cluster.folder(), "hello");
    cluster.load(0, &web);
    let get = |accept| {
        let headers = [("Accept", accept)];
        request(
            cluster[0].control(),
            "GET",
            "/v2/bundles/hello",
            &headers,
            b"",
        )
    };
    let conf = get("application/hocon").expect("an answer");
    assert_eq!(conf.header("content-type"), Some("application/hocon"));
    assert!(conf.text().contains("start-command"), "{}", conf.text());
    let archives = get("multipart/form-data").expect("an answer");
    let kind = archives.header("content-type").unwrap_or_default();
    assert!(kind.starts_with("multipart/form-data; boundary="), "{kind}");
    let bytes = web.bytes();
    // What is behind the archive says its digest and is no part of it.
    let archive = &bytes[..bytes.len().min(1000)];
    let holds = archives
        .body
        .windows(archive.len())
        .any(|part| part == archive);
    assert!(holds, "the archive comes back byte by byte");
}

#[test]
fn an_upload_that_is_not_as_it_should_be_leaves_nothing_behind() {
    let cluster = Cluster::with(1, &["conduct.archives.max-size=2 MiB"]);
    let node = &cluster[0];
    let web = Bundle::web(cluster.folder(), "hello");
    let (name, bytes, conf) = (web.file_name(), web.bytes(), web.conf().as_bytes());
    let conf = ("bundleConf", Some("bundle.conf"), conf);
    let archive = ("bundle", Some(name.as_str()), bytes.as_slice());
    let wrong = format!("hello-{}.zip", "0".repeat(64));
    let large = vec![0; 3 << 20];
    for (parts, status, code, told) in [
        (vec![archive], 400, "malformed", "bundleConf"),
        (vec![conf], 400, "malformed", "bundle"),
        (vec![archive, conf], 400, "malformed", "bundleConf"),
        (vec![conf, conf, archive], 400, "malformed", "bundleConf"),
        (
            vec![conf, ("bundle", Some("hello.zip"), &bytes)],
            400,
            "malformed",
            "hello.zip",
        ),
        (
            vec![conf, ("bundle", Some(&wrong), &bytes)],
            400,
            "digest",
            &wrong[6..20],
        ),
        (
            vec![("bundleConf", None, b"name = ["), archive],
            400,
            "malformed",
            "bundle.conf",
        ),
        (
            vec![conf, ("bundle", Some(&wrong), &large)],
            413,
            "too-large",
            "2097152",
        ),
    ] {
        let answer = upload(node.control(), &parts, &[]).expect("an answer");
        refused(&answer, status, code, told);
    }
    let answer = ask(node, "GET", "/v2/bundles");
    assert_eq!(answer.json(), serde_json::json!([]));
    conduct_tests::eventually("nothing of it is left on the disk", || {
        let archives = std::fs::read_dir(node.folder().join("archives"));
        let left = archives.map_err(|error| error.to_string())?.count();
        if left == 0 {
            Ok(())
        } else {
            Err(format!("{left} files"))
        }
    });
}

#[test]
fn the_same_request_twice_has_one_effect() {
    let cluster = Cluster::start(1);
    cluster.load(0, &Bundle::web(cluster.folder(), "hello"));
    let more = || {
        let headers = [("Idempotency-Key", "deploy-7")];
        let path = "/v2/bundles/hello?scaleOffset=1";
        request(cluster[0].control(), "PUT", path, &headers, b"").expect("an answer")
    };
    let (first, second) = (more(), more());
    assert_eq!((first.status, second.status), (200, 200));
    assert_eq!(first.json()["requestId"], second.json()["requestId"]);
    let list = cluster[0].json("/v2/bundles").expect("a list");
    assert_eq!(list[0]["bundleScale"]["scale"], 1);
}

#[test]
fn nodes_say_that_they_live_that_they_are_ready_and_what_they_measure() {
    let cluster = Cluster::start(1);
    let node = &cluster[0];
    for path in ["/healthz", "/readyz"] {
        assert_eq!(ask(node, "GET", path).text(), "ok\n");
    }
    let metrics = ask(node, "GET", "/metrics");
    let kind = metrics.header("content-type").unwrap_or_default();
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    let text = metrics.text();
    for name in [
        "conduct_members",
        "conduct_instances",
        "conduct_http_latency_seconds_bucket",
    ] {
        assert!(text.contains(name), "{name} is not in {text}");
    }
    assert!(text.ends_with("# EOF\n"));
}
