//! What instances are held to.

use conduct_node::runtime::{ExitStatus, RuntimeEvent};
use conduct_runtime::{LimitPolicy, MemoryLimit};

use crate::containers::image;
use crate::host::{Host, Setup};
use crate::tools::{alive, have_containers, have_groups, parent_of};

/// Holds on to memory until it is stopped. A pipe into `tail` keeps all of a line that never ends.
const HOG: &str = "head -c 400000000 /dev/zero | tail";

fn status_of(pid: u32, name: &str) -> String {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it lives");
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.expect("a field").trim().to_owned()
}

#[tokio::test]
async fn an_instance_that_the_kernel_kills_for_memory_is_told_so_with_limit_and_peak() {
    if !have_groups() {
        return;
    }
    let mut host = Host::new().await;
    // The main process itself takes it all.
    let script = "exec python3 -c 'x = bytearray(400_000_000); import time; time.sleep(1000)'";
    let bundle = host.bundle(script, "");
    let (instance, ..) = host.start(bundle).await;
    let exit = host.ended(instance).await;
    assert_eq!(
        (exit.status, exit.out_of_memory),
        (ExitStatus::Signal(9), true)
    );
    let said = host.said(instance);
    let told = |line: &String| {
        line.contains("ran out of memory") && line.contains("its limit is 64 MiB, it used 6")
    };
    assert!(said.iter().any(told), "{said:?}");
}

#[tokio::test]
async fn a_kill_that_is_not_for_memory_is_not_called_so() {
    let mut host = Host::new().await;
    let bundle = host.bundle("kill -9 $$", "");
    let (instance, ..) = host.start(bundle).await;
    let exit = host.ended(instance).await;
    assert_eq!(
        (exit.status, exit.out_of_memory),
        (ExitStatus::Signal(9), false)
    );
}

#[tokio::test]
async fn a_child_that_runs_out_of_memory_is_told_and_the_instance_lives() {
    if !have_groups() {
        return;
    }
    let mut host = Host::new().await;
    let bundle = host.bundle(&format!("({HOG}); echo survived; exec sleep 1000"), "");
    let (instance, pid, _) = host.start(bundle).await;
    let is_it = |event: &RuntimeEvent| match event {
        RuntimeEvent::ChildOutOfMemory { instance: which } => Some(*which),
        _ => None,
    };
    assert_eq!(host.wait(is_it).await, instance);
    assert!(alive(pid));
    host.finish(instance).await;
}

#[tokio::test]
async fn a_container_that_runs_out_of_memory_is_told_from_one_that_was_killed() {
    if !have_groups() || !have_containers() {
        return;
    }
    let mut host = Host::new().await;
    let bundle = image(&host, "exec tail /dev/zero", "");
    let (instance, ..) = host.start(bundle).await;
    let exit = host.ended(instance).await;
    assert_eq!(
        (exit.status, exit.out_of_memory),
        (ExitStatus::Signal(9), true)
    );
}

#[tokio::test]
async fn without_a_memory_limit_an_instance_may_use_more_than_it_asked_for() {
    let limits = LimitPolicy {
        memory: MemoryLimit::None,
        ..LimitPolicy::default()
    };
    let mut host = Host::with(Setup {
        limits,
        ..Setup::default()
    })
    .await;
    let script = "exec python3 -c 'x = bytearray(100_000_000); print(len(x))'";
    let bundle = host.bundle(script, "");
    let (instance, ..) = host.start(bundle).await;
    assert_eq!(host.ended(instance).await.status, ExitStatus::Code(0));
}

#[tokio::test]
async fn a_fork_bomb_ends_at_the_limit_and_goes_with_its_instance() {
    if !have_groups() {
        return;
    }
    let limits = LimitPolicy {
        processes: 64,
        ..LimitPolicy::default()
    };
    let mut host = Host::with(Setup {
        limits,
        ..Setup::default()
    })
    .await;
    let bomb = "exec python3 -c '
import os, time
children = 0
try:
    for _ in range(500):
        if os.fork() == 0: time.sleep(1000)
        children += 1
except OSError as error: print(error.strerror, flush=True)
print(children, flush=True)
time.sleep(1000)'";
    let bundle = host.bundle(bomb, "");
    let (instance, ..) = host.start(bundle).await;
    let lines = host.lines(instance, 2).await;
    assert_eq!(lines[0].1, "Resource temporarily unavailable");
    let children: u32 = lines[1].1.parse().unwrap();
    assert!((32..64).contains(&children), "{children}");
    host.finish(instance).await;
    host.nothing_is_left().await;
}

#[tokio::test]
async fn the_kernel_prefers_instances_to_shims_when_memory_runs_out() {
    let mut host = Host::new().await;
    let bundle = host.bundle("exec sleep 1000", "");
    let (instance, pid, _) = host.start(bundle).await;
    let score = |pid: u32| -> i32 {
        let text = std::fs::read_to_string(format!("/proc/{pid}/oom_score_adj")).unwrap();
        text.trim().parse().unwrap()
    };
    assert_eq!(score(pid), 300);
    assert!(score(parent_of(pid)) < 300);
    // Root without this right is not rare in containers of others.
    let may = std::process::Command::new("bash")
        .args(["-c", "echo -800 > /proc/self/oom_score_adj"])
        .stderr(std::process::Stdio::null())
        .status();
    if may.unwrap().success() {
        assert_eq!(score(parent_of(pid)), -800);
    }
    host.finish(instance).await;
}

#[tokio::test]
async fn a_shim_is_small() {
    let mut host = Host::new().await;
    let bundle = host.bundle("exec sleep 1000", "");
    let (instance, pid, _) = host.start(bundle).await;
    let shim = parent_of(pid);
    let anonymous = status_of(shim, "RssAnon:");
    let kib: u64 = anonymous.trim_end_matches(" kB").parse().unwrap();
    assert!(kib <= 4096, "{kib} KiB");
    assert_eq!(status_of(shim, "Threads:"), "1");
    host.finish(instance).await;
}
