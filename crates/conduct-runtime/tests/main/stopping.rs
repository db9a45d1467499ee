//! How instances end, and how soon that is known.

use std::time::{Duration, Instant};

use conduct_model::{Span, Time};
use conduct_node::runtime::{Adopted, ExitStatus, RuntimeEvent, RuntimeOrder, StopStage};

use crate::host::{Host, kill_hard};
use crate::tools::{alive, eventually};

#[tokio::test]
async fn an_exit_is_told_exactly_and_soon() {
    let mut host = Host::new().await;
    let bundle = host.bundle("exit 7", "");
    let (instance, ..) = host.start(bundle).await;
    let exit = host.ended(instance).await;
    assert_eq!(
        (exit.status, exit.while_away, exit.by_lease),
        (ExitStatus::Code(7), false, false)
    );
}

#[tokio::test]
async fn a_killed_instance_is_seen_within_fifty_milliseconds() {
    let mut host = Host::new().await;
    let bundle = host.bundle("exec sleep 1000", "");
    // What the machine does besides is not what is measured: of some tries the best counts.
    let mut best = Duration::MAX;
    for _ in 0..20 {
        if best <= Duration::from_millis(50) {
            break;
        }
        let (instance, pid, _) = host.start(bundle).await;
        let killed = Instant::now();
        kill_hard(pid);
        assert_eq!(host.ended(instance).await.status, ExitStatus::Signal(9));
        best = best.min(killed.elapsed());
    }
    println!("seen after {best:?}");
    assert!(best <= Duration::from_millis(50), "{best:?}");
}

#[tokio::test]
async fn a_stubborn_instance_is_killed_with_all_its_children_after_the_grace() {
    let mut host = Host::new().await;
    let bundle = host.bundle(
        "trap '' TERM; setsid sleep 1000 & echo $!; (trap '' TERM; sleep 1000) & echo $!
         while true; do sleep 1000; done",
        "",
    );
    let (instance, pid, _) = host.start(bundle).await;
    let children: Vec<u32> = host
        .lines(instance, 2)
        .await
        .iter()
        .map(|(_, pid)| pid.parse().unwrap())
        .collect();
    host.stop(instance, Span::millis(300));
    let staged = |event: &RuntimeEvent| match event {
        RuntimeEvent::Stopping { stage, .. } => Some(*stage),
        _ => None,
    };
    assert_eq!(host.wait(staged).await, StopStage::Terminating);
    assert_eq!(host.wait(staged).await, StopStage::Killing);
    assert_eq!(host.ended(instance).await.status, ExitStatus::Signal(9));
    for pid in children.into_iter().chain([pid]) {
        assert!(!alive(pid), "{pid} is left");
    }
}

fn boot_time() -> Time {
    let uptime = std::fs::read_to_string("/proc/uptime").expect("an uptime");
    let seconds: f64 = uptime
        .split(' ')
        .next()
        .and_then(|text| text.parse().ok())
        .expect("seconds");
    Time::from_millis((seconds * 1000.0) as u64)
}

#[tokio::test]
async fn a_lease_that_nobody_renews_ends_the_instance_and_a_renewed_one_does_not() {
    let mut host = Host::new().await;
    let bundle = host.bundle("exec sleep 1000", "");
    let short = boot_time().before(Span::millis(11_000));
    let kept = host.order_start(bundle, Some(short), Vec::new());
    host.launched(kept).await;
    host.runtime
        .order(RuntimeOrder::Lease { stamp: boot_time() });
    let lost = host.order_start(bundle, Some(short), Vec::new());
    let (pid, _) = host.launched(lost).await;
    // Nobody is there to do it; the shim does.
    let headless = host.close();
    eventually("the lease ends it", || !alive(pid)).await;
    let mut host = headless.open().await;
    let exit = match host.adopted[&lost] {
        Adopted::Ended(exit) => exit,
        // Its shim was just about to leave.
        _ => host.ended(lost).await,
    };
    assert!(
        exit.by_lease && exit.status == ExitStatus::Signal(15),
        "{exit:?}"
    );
    assert!(matches!(host.adopted[&kept], Adopted::Alive { .. }));
    host.finish(kept).await;
}

#[tokio::test]
async fn what_leaves_its_session_and_its_parents_is_ended_with_its_instance() {
    let mut host = Host::new().await;
    let escape = "(setsid bash -c '(setsid sleep 1000 & echo $! ) & exec sleep 1000' & echo $!)
                  exec sleep 1000";
    let bundle = host.bundle(escape, "");
    let (instance, ..) = host.start(bundle).await;
    let escaped: Vec<u32> = host
        .lines(instance, 2)
        .await
        .iter()
        .map(|(_, pid)| pid.parse().unwrap())
        .collect();
    let begun = Instant::now();
    host.finish(instance).await;
    assert!(!escaped.into_iter().any(alive));
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
}
