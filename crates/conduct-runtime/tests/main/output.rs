//! What instances write.

use std::time::{Duration, Instant};

use conduct_node::runtime::ExitStatus;
use conduct_runtime::read_logs;

use crate::host::Host;
use crate::tools::{alive, eventually};

#[tokio::test]
async fn a_flood_of_output_is_bounded_counted_and_blocks_nobody() {
    let mut host = Host::new().await;
    let bundle = host.bundle("head -c 60000000 /dev/zero | tr '\\0' x; echo; exit 3", "");
    let (instance, ..) = host.start(bundle).await;
    assert_eq!(host.ended(instance).await.status, ExitStatus::Code(3));
    let folder = host.folder.of(instance, "log");
    let kept: u64 = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum();
    assert!(kept < 50 * 1024 * 1024, "{kept} bytes were kept");
    let lines = read_logs(host.runtime.runs(), instance, 10).unwrap();
    let told = lines.iter().any(|line| line.text.contains("were dropped"));
    assert!(told, "{:?}", lines.last());
}

#[tokio::test]
async fn an_instance_without_a_daemon_writes_on_and_is_not_held_up() {
    let mut host = Host::new().await;
    let mark = host.folder.path().join("written");
    let script = format!(
        "head -c 4000000 /dev/zero | tr '\\0' '\\n'; echo after; touch {}; exec sleep 1000",
        mark.display()
    );
    let wait = format!(
        "until [ -e {}.go ]; do sleep 0.01; done; {script}",
        mark.display()
    );
    let bundle = host.bundle(&wait, "");
    let (instance, pid, _) = host.start(bundle).await;
    let headless = host.close();
    std::fs::write(format!("{}.go", mark.display()), "").unwrap();
    let begun = Instant::now();
    eventually("it writes to its end", || mark.exists()).await;
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
    assert!(alive(pid));
    let mut host = headless.open().await;
    let said = read_logs(host.runtime.runs(), instance, 10).unwrap();
    assert!(said.iter().any(|line| line.text == "after"), "{said:?}");
    host.finish(instance).await;
}
