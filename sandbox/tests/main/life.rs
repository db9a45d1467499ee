//! From a start to a stop.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::world::World;

#[test]
fn three_nodes_are_ready_are_found_and_leave_nothing() {
    let world = World::new();
    let run = world.must("run");
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines.len(), 4, "{run:#?}");
    assert!(
        lines[0].contains("IP") && lines[0].contains("CONTROL API"),
        "{run:#?}"
    );
    for (node, line) in (1..=3).zip(&lines[1..]) {
        assert!(line.contains(&world.address(node)), "{run:#?}");
    }
    assert!(run.stderr.contains("3 nodes up after"), "{run:#?}");
    assert!(run.stderr.contains("conduct info"), "{run:#?}");

    let members = world.conduct("members");
    assert_eq!(members.code, 0, "{members:#?}");
    assert_eq!(members.stdout.matches("Up").count(), 3, "{members:#?}");

    let processes = world.must("ps");
    assert!(processes.stdout.starts_with("PID "), "{processes:#?}");
    assert_eq!(world.must("ps -q").stdout.lines().count(), 3);
    let mode = fs::metadata(world.folder("default"))
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);

    world.must("stop");
    world.assert_empty();
    let again = world.must("stop");
    assert_eq!((again.stdout.as_str(), again.stderr.as_str()), ("", ""));
    assert_eq!(world.must("ps -q").stdout, "");
    assert!(
        world.must("logs").stdout.contains("node"),
        "the diary stays"
    );
}

#[test]
fn instances_and_their_shims_end_with_the_sandbox() {
    let world = World::new();
    // It neither listens to SIGTERM nor stays where it was started.
    let script = "trap '' TERM\nsetsid sh -c \"trap '' TERM; exec sleep 1000\" &\n\
                  curl -fsS -X PUT \"$CONDUCTR_STATUS/bundles/$BUNDLE_ID?isStarted=true\" || exit 1\n\
                  while :; do sleep 1000; done\n";
    let archive = world.bundle("stubborn", script);
    world.must("run -n 2");
    let loaded = world.conduct(&format!("load -q {}", archive.display()));
    assert_eq!(loaded.code, 0, "{loaded:#?}");
    let run = world.conduct("run stubborn --scale 2");
    assert_eq!(run.code, 0, "{run:#?}");
    let sleeping = |world: &World| {
        let all = world.processes();
        all.iter()
            .filter(|process| process.contains("sleep 1000"))
            .count()
    };
    world.until("both instances run", || sleeping(&world) == 4);
    world.must("stop");
    world.assert_empty();
}

#[test]
fn a_run_replaces_what_runs_and_begins_empty() {
    let world = World::new();
    let archive = world.bundle("shop", "sleep 1000\n");
    world.must("run -n 1");
    let first = world.must("ps -q").stdout;
    assert_eq!(
        world
            .conduct(&format!("load -q {}", archive.display()))
            .code,
        0
    );
    let second = world.must("run 2.1.4 -n 2 -i image -f visualization");
    assert!(
        second.stderr.contains("2.1.4 is passed over"),
        "{second:#?}"
    );
    assert!(
        second.stderr.contains("Image image is passed over"),
        "{second:#?}"
    );
    assert!(
        second.stderr.contains("feature visualization"),
        "{second:#?}"
    );
    let pids = world.must("ps -q").stdout;
    assert_eq!(pids.lines().count(), 2);
    assert!(pids.lines().all(|pid| pid != first.trim()));
    let info = world.conduct("info --output json");
    assert_eq!(info.stdout.trim(), "[]", "{info:#?}");

    let restarted = world.must("restart");
    assert!(restarted.stderr.contains("2 nodes up"), "{restarted:#?}");
    world.must("stop --purge");
    world.assert_empty();
    assert!(!world.folder("default").exists());
}

#[test]
fn cores_and_agents_take_part_in_what_they_should_with_their_roles() {
    let world = World::new();
    let run = world.json("run -n 1:2 -r big fast -r small");
    assert_eq!(run["nodes"][0]["type"], "core+agent");
    assert_eq!(run["nodes"][1]["type"], "agent");
    assert_eq!(run["nodes"][1]["roles"][0], "small");
    assert!(run["tookMs"].is_u64(), "{run}");
    let agents = world.conduct("agents");
    assert!(
        agents.stdout.contains("big,fast") || agents.stdout.contains("big, fast"),
        "{agents:#?}"
    );
    assert_eq!(world.must("ps -q --core").stdout.lines().count(), 1);
    assert_eq!(world.must("ps -q --agent").stdout.lines().count(), 2);
}

#[test]
fn a_sandbox_that_cannot_start_says_why_and_leaves_nothing() {
    let world = World::new();
    let run = world.sandbox("run --arg -Dconduct.no-such-setting=1");
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(run.stderr.contains("no-such-setting"), "{run:#?}");
    world.assert_empty();

    let held = std::net::TcpListener::bind((world.address(1), 9005)).expect("free");
    let run = world.sandbox(&format!("run -n 1 --addr-range {}", world.address(1)));
    assert_eq!(run.code, 1, "{run:#?}");
    let port = format!("{}:9005 is in use", world.address(1));
    assert!(run.stderr.contains(&port), "{run:#?}");
    drop(held);

    for (words, code) in [
        ("run -n 0", 2),
        ("run -f nonsense", 1),
        ("restart", 1),
        ("status", 3),
    ] {
        let fresh = World::new();
        let ran = fresh.sandbox(words);
        assert_eq!(ran.code, code, "{words}: {ran:#?}");
    }
}
