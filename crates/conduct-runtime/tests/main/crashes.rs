//! Daemons and shims that are killed at any moment of a start or a stop.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use conduct_model::{BundleId, InstanceId};

use crate::driver::Driver;
use crate::host::{Folder, next_instance, packing, ports, script_of};
use crate::tools::{alive, groups_of, have, kill, until};

/// How many instances a daemon has that is killed again and again, and how often.
const INSTANCES: usize = 20;
const KILLS: usize = 50;

/// At which calls the daemon and all that it starts are killed: each sampled call is made a few
/// times in a start, by one process or another.
const CALLS: &[(&str, &[u32])] = &[
    ("rename", &[1, 2, 3]),
    ("write", &[2, 5, 9]),
    ("openat", &[20, 40, 60]),
    ("mkdir", &[1, 4, 7]),
    ("symlink", &[1]),
    ("execve", &[2, 3]),
    ("socket", &[1, 2]),
    ("setsid", &[1]),
];

fn bundle(folder: &Folder, script: &str) -> BundleId {
    let mut packing = packing();
    script_of(&mut packing, script, "");
    BundleId::plain(folder.store(&packing))
}

#[test]
fn a_daemon_that_is_killed_fifty_times_finds_all_its_instances_each_time() {
    let (folder, first_port) = (Folder::new(), ports());
    let bundle = bundle(&folder, "exec sleep 1000");
    let mut driver = Driver::start(&folder, first_port, &[]);
    driver.begun().expect("it begins");
    let mut pids: BTreeMap<InstanceId, u32> = BTreeMap::new();
    for _ in 0..INSTANCES {
        let instance = next_instance();
        driver.order_start(instance, bundle);
        let pid = driver
            .until(&format!("launched {instance}"))
            .expect("it lives");
        pids.insert(instance, pid.parse().expect("a number"));
    }
    let mut slowest = Duration::ZERO;
    for _ in 0..KILLS {
        driver.kill();
        driver = Driver::start(&folder, first_port, &[]);
        let begun = driver.begun().expect("it begins");
        assert_eq!(BTreeMap::from_iter(begun.alive), pids);
        slowest = slowest.max(begun.took);
    }
    println!("{INSTANCES} instances, {KILLS} kills: adopted within {slowest:?}");
    assert!(slowest <= Duration::from_secs(2), "{slowest:?}");
    assert!(pids.values().all(|pid| alive(*pid)));
    for instance in pids.keys() {
        driver.order(&format!("stop {instance} 2000"));
    }
    for _ in &pids {
        driver.until("ended").expect("it lives");
    }
    nothing_is_left(&folder);
    driver.kill();
}

#[test]
fn a_start_that_is_cut_at_any_call_leaves_one_instance_or_none() {
    if !have("strace", "strace") {
        return;
    }
    let mut cut_short = 0;
    for (call, moments) in CALLS {
        for moment in *moments {
            let (folder, first_port) = (Folder::new(), ports());
            let bundle = bundle(&folder, "exec sleep 1000");
            let instance = next_instance();
            let mut cut = Driver::start(&folder, first_port, &injected(call, *moment));
            let begun = cut.begun().is_some();
            cut.order_start(instance, bundle);
            if !begun || !comes_to_its_end(&cut) {
                cut_short += 1;
            }
            let_go(cut);
            is_one_or_none(&folder, first_port, instance, &format!("{call} {moment}"));
        }
    }
    assert!(cut_short >= CALLS.len(), "{cut_short} starts were cut");
}

#[test]
fn a_stop_that_is_cut_at_any_call_comes_to_its_end_with_the_next_daemon() {
    if !have("strace", "strace") {
        return;
    }
    // What a daemon and a shim do on the way to an end.
    for (call, moment) in [
        ("unlink", 1),
        ("rmdir", 1),
        ("rmdir", 3),
        ("openat", 4),
        ("rename", 1),
    ] {
        let (folder, first_port) = (Folder::new(), ports());
        let bundle = bundle(&folder, "exec sleep 1000");
        let instance = next_instance();
        let mut driver = Driver::start(&folder, first_port, &[]);
        driver.begun().expect("it begins");
        driver.order_start(instance, bundle);
        let pid = driver
            .until(&format!("launched {instance}"))
            .expect("it lives");
        let shim = crate::tools::parent_of(pid.parse().expect("a number"));
        // The shim is cut; the daemon dies at the same time.
        let mut strace = attach(shim, call, moment);
        driver.order(&format!("stop {instance} 2000"));
        until("the shim ends", || !alive(shim));
        driver.kill();
        let _ = strace.kill();
        strace.wait().expect("it is ours");
        is_one_or_none(
            &folder,
            first_port,
            instance,
            &format!("stop, {call} {moment}"),
        );
    }
}

/// Runs the daemon so that it, or a process that it started, dies at the n-th call of this name.
fn injected(call: &str, moment: u32) -> Vec<String> {
    // On machines with newer calls only, the older names are unknown to strace and wrong to ask for.
    let set = format!("?{call},?{call}at,?{call}at2");
    let words = [
        "strace".to_owned(),
        "-f".to_owned(),
        "-qq".to_owned(),
        "-o".to_owned(),
        "/dev/null".to_owned(),
        "-e".to_owned(),
        format!("trace={set}"),
        "-e".to_owned(),
        format!("inject={set}:signal=SIGKILL:when={moment}"),
    ];
    words.into()
}

fn attach(pid: u32, call: &str, moment: u32) -> std::process::Child {
    let mut words = injected(call, moment);
    words.extend(["-p".to_owned(), pid.to_string()]);
    let child = std::process::Command::new(&words[0])
        .args(&words[1..])
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("strace starts");
    let traced = || {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let tracer = status
            .lines()
            .find_map(|line| line.strip_prefix("TracerPid:"));
        tracer.is_some_and(|tracer| tracer.trim() != "0")
    };
    until("it is traced", traced);
    child
}

/// Whether the daemon lives to tell what came of a start.
fn comes_to_its_end(driver: &Driver) -> bool {
    while let Some(line) = driver.line() {
        let word = line.split(' ').next().unwrap_or_default();
        if ["launched", "failed", "ended"].contains(&word) {
            return true;
        }
    }
    false
}

/// The daemon dies, if it has not done so; what it started is no longer looked at.
fn let_go(driver: Driver) {
    let strace = driver.pid();
    for daemon in children_of(strace) {
        // The call that was chosen may never have been made.
        let _ = std::process::Command::new("kill")
            .args(["-9", &daemon.to_string()])
            .stderr(std::process::Stdio::null())
            .status();
    }
    if alive(strace) {
        kill(strace, "-INT");
    }
    driver.kill();
}

fn children_of(pid: u32) -> Vec<u32> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace()
        .filter_map(|child| child.parse().ok())
        .collect()
}

/// A daemon that comes next knows what there is, and can end it; then nothing is left.
fn is_one_or_none(folder: &Folder, first_port: u16, instance: InstanceId, what: &str) {
    let begun_at = Instant::now();
    let mut next = Driver::start(folder, first_port, &[]);
    let begun = next
        .begun()
        .unwrap_or_else(|| panic!("{what}: the next daemon does not begin"));
    assert!(
        begun.took < Duration::from_secs(5),
        "{what}: {:?}",
        begun.took
    );
    assert!(begun.alive.len() <= 1, "{what}: {:?}", begun.alive);
    match begun.alive.first() {
        Some((which, _)) => {
            assert_eq!(*which, instance, "{what}");
            let main: Vec<u32> = begun.alive.iter().map(|(_, pid)| *pid).collect();
            assert!(main.into_iter().all(alive), "{what}");
        }
        None => nothing_is_left(folder),
    }
    next.order(&format!("stop {instance} 2000"));
    next.until(&format!("ended {instance}"))
        .unwrap_or_else(|| panic!("{what}: {:?}", begun.others));
    nothing_is_left(folder);
    assert!(begun_at.elapsed() < Duration::from_secs(10), "{what}");
    next.kill();
}

/// Besides the daemon that was just asked, which has no part in the folder.
fn nothing_is_left(folder: &Folder) {
    until("no process is left", || folder.processes().is_empty());
    until("no group is left", || groups_of(&folder.name).is_empty());
}
