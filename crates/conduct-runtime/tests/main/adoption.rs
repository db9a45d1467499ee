//! Daemons die, instances go on.

use conduct_node::runtime::{Adopted, ExitStatus};

use crate::host::{Host, kill_hard};
use crate::tools::{alive, eventually, parent_of};

#[tokio::test]
async fn a_new_daemon_adopts_what_lives_under_the_same_pid() {
    let mut host = Host::new().await;
    let bundle = host.bundle("echo up; exec sleep 1000", "");
    let (first, first_pid, ports) = host.start(bundle).await;
    let (second, second_pid, _) = host.start(bundle).await;
    host.runtime.signalled(first);
    let mut host = host.reopen().await;
    // The word may still have been on its way.
    while !matches!(host.adopted[&first], Adopted::Alive { started: true, .. }) {
        host = host.reopen().await;
    }

    assert_eq!(
        host.adopted[&first],
        Adopted::Alive {
            pid: first_pid,
            ports,
            started: true
        },
        "the start signal is remembered"
    );
    assert!(matches!(
        host.adopted[&second],
        Adopted::Alive { pid, started: false, .. } if pid == second_pid
    ));
    // It is held as firmly as before.
    kill_hard(first_pid);
    assert_eq!(host.ended(first).await.status, ExitStatus::Signal(9));
    assert_eq!(host.finish(second).await.status, ExitStatus::Signal(15));
}

#[tokio::test]
async fn what_ended_while_no_daemon_was_there_is_told_with_its_code() {
    let mut host = Host::new().await;
    let go = host.folder.path().join("go");
    let wait = format!("until [ -e {} ]; do sleep 0.01; done; exit 5", go.display());
    let bundle = host.bundle(&wait, "");
    let (instance, ..) = host.start(bundle).await;
    let headless = host.close();
    std::fs::write(&go, "").unwrap();
    let exit_file = headless.folder.of(instance, "exit.json");
    eventually("its shim writes it down", || exit_file.exists()).await;
    let host = headless.open().await;
    let Adopted::Ended(exit) = host.adopted[&instance] else {
        panic!("{:?}", host.adopted)
    };
    assert_eq!((exit.status, exit.while_away), (ExitStatus::Code(5), true));
}

#[tokio::test]
async fn an_instance_without_its_shim_is_ended_whoever_finds_it() {
    let mut host = Host::new().await;
    let bundle = host.bundle("setsid sleep 1000 & echo $!; exec sleep 1000", "");
    let (instance, pid, _) = host.start(bundle).await;
    let child: u32 = host.lines(instance, 1).await[0].1.parse().unwrap();
    kill_hard(parent_of(pid));
    assert_eq!(host.ended(instance).await.status, ExitStatus::Unknown);
    assert!(!alive(pid) && !alive(child));

    let (instance, pid, _) = host.start(bundle).await;
    let child: u32 = host.lines(instance, 1).await[0].1.parse().unwrap();
    let shim = parent_of(pid);
    let headless = host.close();
    kill_hard(shim);
    eventually("the shim dies", || !alive(shim)).await;
    let host = headless.open().await;
    let Adopted::Ended(exit) = host.adopted[&instance] else {
        panic!("{:?}", host.adopted)
    };
    assert_eq!((exit.status, exit.while_away), (ExitStatus::Unknown, true));
    assert!(!alive(pid) && !alive(child));
}

#[tokio::test]
async fn a_shim_of_another_boot_is_nobody_whatever_runs_under_its_number() {
    let mut host = Host::new().await;
    let bundle = host.bundle("exec sleep 1000", "");
    let (instance, pid, _) = host.start(bundle).await;
    let mut stranger = std::process::Command::new("sleep")
        .arg("1000")
        .spawn()
        .unwrap();
    let shim = parent_of(pid);
    let headless = host.close();
    kill_hard(shim);
    kill_hard(pid);
    eventually("both die", || !alive(shim) && !alive(pid)).await;
    // As if the machine had been started anew, and its numbers given to others.
    let record = headless.folder.of(instance, "record.json");
    let text = std::fs::read_to_string(&record).unwrap();
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let text = text.replace(boot.trim(), "another-boot");
    std::fs::write(&record, text).unwrap();
    let host = headless.open().await;
    assert!(matches!(host.adopted[&instance], Adopted::Ended(_)));
    assert!(alive(stranger.id()), "a stranger is never signalled");
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}
