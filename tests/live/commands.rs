//! `conduct` against real nodes.

use std::time::Instant;

use conduct_tests::{Bundle, Cluster, run};

#[test]
fn a_bundle_is_loaded_run_looked_at_and_removed() {
    let cluster = Cluster::start(2);
    let web = Bundle::web(cluster.folder(), "hello");
    let archive = web.archive().to_str().expect("a path");
    let conduct = |node: usize, arguments: &[&str]| run(&mut cluster[node].conduct(arguments));
    let loaded = conduct(0, &["load", archive]);
    assert!(loaded.ok().starts_with("hello 1.0.0  "), "{loaded:?}");
    assert!(loaded.stdout.contains("  verified, "), "{loaded:?}");
    assert!(
        loaded.stderr.contains("Run it with: conduct run "),
        "{loaded:?}"
    );
    let id = conduct(1, &["load", "-q", archive]);
    let id = id.ok().trim();
    let short = &id[..7];

    let running = conduct(1, &["run", "hello", "--scale", "2"]);
    assert_eq!(running.ok(), "Running 2 of 2.\n");
    assert!(
        running
            .stderr
            .starts_with(&format!("hello {short}  0 → 2\n")),
        "{running:?}"
    );
    assert!(
        running.stderr.contains("started, healthy after "),
        "{running:?}"
    );
    // A node hears of what was done through another one in its own time.
    let shows_it_running = |node: usize| {
        let row = [short, "hello", "1.0.0", "2", "0", "2", "web"];
        conduct_tests::eventually("a node shows two that run", || {
            let info = conduct(node, &["info"]);
            let rows: Vec<Vec<&str>> = info
                .ok()
                .lines()
                .map(|line| line.split_whitespace().collect())
                .collect();
            match rows.as_slice() {
                [_, found] if *found == row => Ok(()),
                _ => Err(info.stdout.clone()),
            }
        });
    };
    shows_it_running(0);
    let json = conduct(0, &["info", "hello", "--output", "json"]);
    let json: serde_json::Value = serde_json::from_str(json.ok()).expect("JSON");
    assert_eq!((&json["running"], &json["wanted"]), (&2.into(), &2.into()));

    let again = conduct(0, &["restart", "hello"]);
    assert_eq!(again.ok(), "Running 2 of 2.\n");
    assert!(
        again.stderr.contains(&format!("hello {short}  0 → 2\n")),
        "{again:?}"
    );
    assert!(!again.stderr.contains("before it was ready"), "{again:?}");
    conduct(0, &["unload", "hello"]).failed(5, "stop it first: conduct stop hello");
    shows_it_running(1);
    let stopped = conduct(1, &["stop", "hello"]);
    assert_eq!(stopped.ok(), "Stopped hello.\n");
    assert!(
        stopped
            .stderr
            .starts_with(&format!("hello {short}  2 → 0\n")),
        "{stopped:?}"
    );
    let unloaded = conduct(1, &["unload", "hello"]);
    assert_eq!(unloaded.ok(), format!("Unloaded hello {short}.\n"));
}

#[test]
fn what_goes_wrong_says_what_to_do_and_has_its_code() {
    let cluster = Cluster::start(1);
    let _hello = Bundle::web(cluster.folder(), "hello");
    let archive = cluster.folder().join("hello.zip");
    let archive = archive.to_str().expect("a path");
    let conduct = |arguments: &[&str]| run(&mut cluster[0].conduct(arguments));
    conduct(&["load", "-q", archive]).ok();
    let near = conduct(&["run", "helo"]);
    near.failed(3, "error: no bundle is called helo\n  did you mean hello (");
    conduct(&["info", "nothing"]).failed(3, "no bundle is called nothing");
    conduct(&["runn", "hello"]).failed(2, "'run'");
    conduct(&["load", "missing.zip"]).failed(3, "missing.zip");
    conduct(&["deploy", "hello"]).failed(1, "deploy");
    let nobody = conduct(&["info", "--host", "127.0.0.1", "--port", "1"]);
    nobody.failed(6, "127.0.0.1");
    let ip = cluster[0].ip().to_string();
    let second = conduct(&["info", "-q", "--host", "127.255.255.1", "--host", &ip]);
    assert_eq!(
        second.ok().len(),
        8,
        "the second host is asked when the first does not answer"
    );
}

#[test]
fn a_start_that_fails_shows_the_last_lines_and_why() {
    let cluster = Cluster::start(1);
    let shop = Bundle::failing(cluster.folder(), "shop");
    let id = cluster.load(0, &shop);
    let ran = run(&mut cluster[0].conduct(&["run", "shop", "--wait-timeout", "40"]));
    assert!([1, 4].contains(&ran.code), "{ran:?}");
    assert!(ran.stderr.contains("DATABASE_URL is not set"), "{ran:?}");
    let why = run(&mut cluster[0].conduct(&["why", &id]));
    assert!(why.ok().contains("running 0 of 1"), "{why:?}");
}

#[test]
fn ids_go_from_one_command_to_the_next() {
    let cluster = Cluster::start(1);
    let _hello = Bundle::web(cluster.folder(), "hello");
    let conduct = cluster[0].conduct(&[]);
    let folder = conduct_tests::program("conduct");
    let folder = folder.parent().expect("a folder").display().to_string();
    let mut shell = std::process::Command::new("sh");
    let line = format!(
        "PATH={folder}:$PATH; conduct load -q {}/hello.zip | xargs conduct run --scale 1 && \
         conduct info -q | xargs -n 1 conduct stop && cat {0}/hello.zip | conduct load -q - && \
         conduct info | true",
        cluster.folder().display()
    );
    shell.args(["-c", &line]);
    for (name, value) in conduct.get_envs() {
        if let Some(value) = value {
            shell.env(name, value);
        }
    }
    let ran = run(&mut shell);
    assert!(ran.ok().starts_with("Running 1 of 1.\nStopped "), "{ran:?}");
    assert!(
        !ran.stderr.contains("error"),
        "a closed pipe is fine: {ran:?}"
    );
}

#[test]
fn a_command_whose_node_dies_ends_with_a_sentence() {
    let mut cluster = Cluster::start(1);
    let mut following = cluster[0].conduct(&["events", "-f"]);
    let following = following
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("it starts");
    conduct_tests::eventually("the stream is open", || {
        let metrics = cluster[0].get("/metrics")?.text();
        match metrics.contains("route=\"/v2/events") {
            true => Ok(()),
            false => Err("not yet".to_owned()),
        }
    });
    cluster[0].kill();
    let begun = Instant::now();
    let ended = following.wait_with_output().expect("it ends");
    assert!(!ended.status.success());
    let told = String::from_utf8_lossy(&ended.stderr);
    assert!(told.contains("does not answer any more"), "{told}");
    assert!(told.contains("error: "), "{told}");
    assert!(begun.elapsed() < conduct_tests::PATIENCE);
}
