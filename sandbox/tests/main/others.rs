//! Several sandboxes, and those of a single command.

use crate::world::{World, ran};

#[test]
fn sandboxes_run_side_by_side_and_conduct_speaks_with_the_last() {
    let world = World::new();
    world.must("run -n 1 --name one");
    world.must("run -n 1 --name two");
    let host = |name: &str| {
        let env = world.json(&format!("env --name {name}"));
        env["CONDUCTR_HOST"].as_str().expect("a text").to_owned()
    };
    assert_ne!(host("one"), host("two"));
    assert_eq!(world.must("ps --all -q").stdout.lines().count(), 2);
    let told = || world.conduct("members --output json").stdout;
    assert!(
        told().contains(host("two").trim_end_matches(":9005")),
        "{}",
        told()
    );
    let stopped = world.must("stop --name two");
    assert!(
        stopped
            .stderr
            .contains("conduct speaks with sandbox one now"),
        "{stopped:#?}"
    );
    assert!(
        told().contains(host("one").trim_end_matches(":9005")),
        "{}",
        told()
    );
    world.must("stop --all");
    world.assert_empty();
}

#[test]
fn a_sandbox_without_a_range_of_its_own_passes_over_what_is_taken() {
    let world = World::new();
    let run = |name: &str| {
        let mut command = world.sandbox_command(&format!("run -n 1 --name {name} --output json"));
        let ran = ran(command.env_remove("CONDUCTR_SANDBOX_ADDR_RANGE").output());
        assert_eq!(ran.code, 0, "{ran:#?}");
        let run: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
        run["nodes"][0]["ip"].as_str().expect("a text").to_owned()
    };
    let (one, two) = (run("one"), run("two"));
    assert!(one.starts_with("127.0.") && one.ends_with(".1"), "{one}");
    assert!(two.starts_with("127.0.") && two.ends_with(".1"), "{two}");
    assert_ne!(one, two);
}

#[test]
fn exec_gives_a_command_a_cluster_and_its_exit_code_and_leaves_nothing() {
    let world = World::new();
    let exec = |command: &[&str]| {
        let mut sandbox = world.sandbox_command("exec -n 2 --");
        ran(sandbox.args(command).output())
    };
    let members = exec(&["sh", "-c", "conduct members && test -n \"$CONDUCTR_HOST\""]);
    assert_eq!(members.code, 0, "{members:#?}");
    assert_eq!(members.stdout.matches("Up").count(), 2, "{members:#?}");
    assert_eq!(exec(&["sh", "-c", "exit 7"]).code, 7);
    assert_eq!(exec(&["sh", "-c", "kill -TERM $$"]).code, 143);
    assert_eq!(exec(&["no-such-program"]).code, 3);
    world.assert_empty();
    let left = std::fs::read_dir(world.path(".conductr/sandbox")).expect("a folder");
    assert_eq!(left.count(), 0);
}
